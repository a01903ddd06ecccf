//! The request of an exchange, as a hook sees and changes it.
//!
//! What is read comes from the gateway, at most once a call; what is written is collected as
//! edits, and reads go through them.

use crate::backend;
use crate::consumers::Consumer;
use crate::edit::Edit;
use crate::head::{Head, OfRequest};
use crate::header::{AsHeaderName, IntoHeaderValue};
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Method};
use std::cell::OnceCell;
use std::net::IpAddr;

mod cookie;
mod facts;
mod query;
pub use query::QueryParams;

/// The request of an exchange.
///
/// In `on_request` it is mutable. It reads as this plugin has changed it, on top of what the
/// plugins before it have changed; the gateway applies the changes of one call together, after the
/// hook has answered. A change that the gateway refuses (a hop-by-hop or framing header, an
/// upstream that does not exist) is a fault of the plugin and none of the call's changes apply.
#[derive(Debug, Default)]
pub struct Request {
    head: Head<OfRequest>,
    method: OnceCell<Method>,
    facts: facts::Facts,
    consumer: OnceCell<Option<Consumer>>,
}

impl Request {
    pub(crate) fn new(declared: Vec<Option<Vec<u8>>>) -> Self {
        Self { head: Head::new(declared), ..Self::default() }
    }

    pub(crate) fn into_edits(self) -> Vec<Edit> {
        self.head.edits.into_vec()
    }

    /// `GET`, `POST`, ...
    pub fn method(&self) -> Method {
        let edited = self.head.edits.latest(|edit| match edit {
            Edit::SetMethod(method) => Some(method.clone()),
            _ => None,
        });
        let method = || backend::request::method().parse().expect("the gateway parsed it");
        edited.unwrap_or_else(|| self.method.get_or_init(method).clone())
    }

    /// Changes the method.
    pub fn set_method(&mut self, method: Method) {
        self.head.edits.push(Edit::SetMethod(method));
    }

    /// The first value of a header.
    ///
    /// Headers that are read by most calls are cheaper when [`setup::read_header`](crate::setup::read_header) declares them.
    pub fn header(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        self.head.header(&name)
    }

    /// The first value of a header as text; `None` also when it is not UTF-8.
    pub fn header_str(&self, name: impl AsHeaderName) -> Option<String> {
        self.head.header_str(&name)
    }

    /// Every value of a header, in the order of the wire. Reads all headers.
    pub fn header_values(&self, name: impl AsHeaderName) -> Vec<HeaderValue> {
        self.head.header_values(&name)
    }

    /// Every header, in the order of the wire.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        self.head.headers()
    }

    /// Replaces every value of a header by one.
    ///
    /// # Panics
    /// When the name or the value may not stand on the wire, as with a line break in it: a fault of
    /// the plugin. Parse what does not come from a constant into a [`HeaderValue`] first where it
    /// may be wrong.
    #[track_caller]
    pub fn set_header(&mut self, name: impl AsHeaderName, value: impl IntoHeaderValue) {
        self.head.set(&name, value);
    }

    /// Adds a value behind those that a header has.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn append_header(&mut self, name: impl AsHeaderName, value: impl IntoHeaderValue) {
        self.head.append(&name, value);
    }

    /// Removes every value of a header; one that is not there is no fault.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn remove_header(&mut self, name: impl AsHeaderName) {
        self.head.remove(&name);
    }

    /// The value of a cookie (RFC 6265), as it stands in the header: neither unquoted nor decoded.
    pub fn cookie(&self, name: &str) -> Option<String> {
        cookie::find(self.header(COOKIE)?.as_bytes(), name)
    }

    /// What a `{name}` in the route's path captured, percent-decoded by the gateway's rules.
    pub fn param(&self, name: &str) -> Option<String> {
        backend::request::param(name)
    }

    /// Address of the client without its port, after the trusted-proxy rules, as text.
    pub fn client_address(&self) -> &str {
        self.facts.client_address.get_or_init(backend::request::client_address)
    }

    /// Address of the client, after the trusted-proxy rules.
    pub fn client_ip(&self) -> IpAddr {
        self.client_address().parse().expect("the gateway gives the address that it accepted")
    }

    /// The caller, once a plugin has identified it.
    pub fn consumer(&self) -> Option<Consumer> {
        self.consumer.get_or_init(|| backend::request::consumer().map(Consumer::new)).clone()
    }

    /// Says who the caller is, at once and for good: later plugins and the access log see it.
    /// Needs the grant `identify`.
    pub fn identify(&mut self, consumer: &Consumer) {
        backend::consumers::identify(consumer.handle());
        self.consumer = OnceCell::from(Some(consumer.clone()));
    }

    /// What an earlier hook of this plugin has kept with this exchange.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        self.head.note(key)
    }

    /// Keeps bytes with this exchange, under this plugin's own name, for its later hooks.
    pub fn set_note(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.head.edits.push(Edit::SetNote(key.into(), value.into()));
    }
}
