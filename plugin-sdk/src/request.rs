//! The request of an exchange, as a hook sees and changes it.

use crate::backend;
use crate::consumers::Consumer;
use crate::header::{self, AsHeaderName, AsHeaderValue, HeaderError, SeveralValues};
use http::{HeaderName, HeaderValue, Method};
use std::net::IpAddr;

mod cookie;
mod facts;
mod query;
mod write;
pub use query::QueryParams;
pub use write::WriteError;
pub(crate) use write::written;

/// The request of an exchange.
///
/// In `on_request` it is mutable. A write takes effect at once: later reads see it, and so do the
/// plugins behind. When the hook faults and the plugin's `on-error` is `skip`, what it wrote in that
/// call is undone.
#[derive(Debug)]
pub struct Request {
    facts: facts::Facts,
}

impl Request {
    pub(crate) fn new() -> Self {
        Self { facts: facts::Facts::default() }
    }

    /// `GET`, `POST`, ...
    pub fn method(&self) -> Method {
        backend::request::method().parse().expect("the gateway gives the method that it parsed")
    }

    /// The first value of a header.
    pub fn header(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        backend::request::header(&name.as_header_name()).and_then(header::value)
    }

    /// The first value of a header as text; `None` also when it is not UTF-8.
    pub fn header_str(&self, name: impl AsHeaderName) -> Option<String> {
        String::from_utf8(backend::request::header(&name.as_header_name())?).ok()
    }

    /// The value of a header that must not come twice. With two, the gateway and the upstream could take
    /// different ones.
    pub fn single_header(&self, name: impl AsHeaderName) -> Result<Option<HeaderValue>, SeveralValues> {
        Ok(backend::request::single_header(&name.as_header_name())?.and_then(header::value))
    }

    /// Every value of a header, in the order of the wire.
    pub fn header_values(&self, name: impl AsHeaderName) -> Vec<HeaderValue> {
        header::values(backend::request::header_values(&name.as_header_name()))
    }

    /// Every header, in the order of the wire.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        header::fields(backend::request::headers())
    }

    /// Replaces every value of a header by one.
    ///
    /// # Panics
    /// When the gateway refuses it: a fault of the plugin. [`try_set_header`](Self::try_set_header)
    /// answers an error instead, for names and values that come from elsewhere.
    #[track_caller]
    pub fn set_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) {
        header::written(&name.as_header_name(), self.try_set_header(&name, value));
    }

    /// Replaces every value of a header by one, if the gateway takes it.
    pub fn try_set_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Result<(), HeaderError> {
        backend::request::set_header(&name.as_header_name(), &value.as_header_value())
    }

    /// Adds a value behind those that a header has.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn append_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) {
        header::written(&name.as_header_name(), self.try_append_header(&name, value));
    }

    /// Adds a value behind those that a header has, if the gateway takes it.
    pub fn try_append_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Result<(), HeaderError> {
        backend::request::append_header(&name.as_header_name(), &value.as_header_value())
    }

    /// Removes every value of a header; one that is not there is no fault.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn remove_header(&mut self, name: impl AsHeaderName) {
        let name = name.as_header_name();
        header::written(&name, backend::request::remove_header(&name));
    }

    /// Replaces every value of a header of the response by one, when it comes back to this plugin, before
    /// its `on_response`: no second call is needed to say what is known now.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn set_response_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) {
        let name = name.as_header_name();
        header::written(&name, backend::response::set_header(&name, &value.as_header_value()));
    }

    /// Adds a value behind those that a header of the response has, when it comes back to this plugin.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn append_response_header(&mut self, name: impl AsHeaderName, value: impl AsHeaderValue) {
        let name = name.as_header_name();
        header::written(&name, backend::response::append_header(&name, &value.as_header_value()));
    }

    /// Removes every value of a header of the response, when it comes back to this plugin.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn remove_response_header(&mut self, name: impl AsHeaderName) {
        let name = name.as_header_name();
        header::written(&name, backend::response::remove_header(&name));
    }

    /// The value of a cookie (RFC 6265), as it stands in the header: neither unquoted nor decoded.
    pub fn cookie(&self, name: &str) -> Option<String> {
        cookie::find(&backend::request::header("cookie")?, name)
    }

    /// What a `{name}` in the route's path captured, percent-encoded; `rest` is what `**` did.
    pub fn param(&self, name: &str) -> Option<String> {
        backend::request::param(name)
    }

    /// Address of the client, after the trusted-proxy rules.
    pub fn client_ip(&self) -> IpAddr {
        self.client_address().parse().expect("the gateway gives the address that it accepted")
    }

    /// The caller, once a plugin has identified it.
    pub fn consumer(&self) -> Option<Consumer> {
        backend::request::consumer().map(|name| Consumer::identified(Some(name)))
    }

    /// Says who the caller is, at once and for good: later plugins and the access log see it.
    /// Needs the grant `identify`.
    ///
    /// # Panics
    /// When a reload has removed the consumer meanwhile: a fault.
    #[track_caller]
    pub fn identify(&mut self, consumer: &Consumer) {
        assert!(backend::consumers::identify(consumer.name()), "there is no such consumer");
    }

    /// [`consumers::verify`](crate::consumers::verify) and [`identify`](Self::identify) in one: the
    /// caller is the consumer whose credential this is. Needs the grant `identify`.
    pub fn authenticate(&mut self, kind: &str, id: &str, secret: impl AsRef<[u8]>) -> Option<Consumer> {
        backend::consumers::authenticate(kind, id, secret.as_ref()).then(|| Consumer::identified(None))
    }

    /// As [`authenticate`](Self::authenticate) for a secret without a public id that is the value of a header:
    /// it need not enter the plugin. `None` also when the header does not come exactly once.
    pub fn authenticate_header(&mut self, kind: &str, name: impl AsHeaderName) -> Option<Consumer> {
        let is_known = backend::consumers::authenticate_header(kind, &name.as_header_name());
        is_known.then(|| Consumer::identified(None))
    }

    /// What a hook of this plugin has kept with this exchange.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        backend::request::note(key)
    }
}
