//! The response of an exchange, as a hook sees and changes it.

use crate::backend;
use crate::header::{self, AsHeaderName, AsHeaderValue, HeaderError};
use crate::request::written;
use http::{HeaderName, HeaderValue, StatusCode};

/// The response of an exchange, before it goes to the client.
///
/// Reads and changes work as those of a [`Request`](crate::Request).
#[derive(Debug)]
#[non_exhaustive]
pub struct Response {}

/// Who made a response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// An endpoint of the upstream.
    Upstream,
    /// A plugin of the chain, by name.
    Plugin(String),
    /// The gateway itself, because the exchange failed, and why: `upstream-timeout`, ...; or because the route answers
    /// by itself: `redirect`, `respond`.
    Gateway(String),
}

impl Response {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(backend::response::status()).expect("the gateway gives what it parsed")
    }

    /// Changes the status: 200 to 599.
    ///
    /// # Panics
    /// When the status is another: a fault of the plugin.
    #[track_caller]
    pub fn set_status(&mut self, status: StatusCode) {
        written("status", status.as_u16(), backend::response::set_status(status.as_u16()));
    }

    /// Who made the response.
    pub fn origin(&self) -> Origin {
        backend::response::origin()
    }

    /// The first value of a header.
    pub fn header(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        backend::response::header(&name.as_header_name()).and_then(header::value)
    }

    /// The first value of a header as text; `None` also when it is not UTF-8.
    pub fn header_str(&self, name: impl AsHeaderName) -> Option<String> {
        String::from_utf8(backend::response::header(&name.as_header_name())?).ok()
    }

    /// Every value of a header, in the order of the wire.
    pub fn header_values(&self, name: impl AsHeaderName) -> Vec<HeaderValue> {
        header::values(backend::response::header_values(&name.as_header_name()))
    }

    /// Every header, in the order of the wire.
    pub fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        header::fields(backend::response::headers())
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
        backend::response::set_header(&name.as_header_name(), &value.as_header_value())
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
        backend::response::append_header(&name.as_header_name(), &value.as_header_value())
    }

    /// Removes every value of a header; one that is not there is no fault.
    ///
    /// # Panics
    /// As [`set_header`](Self::set_header).
    #[track_caller]
    pub fn remove_header(&mut self, name: impl AsHeaderName) {
        let name = name.as_header_name();
        header::written(&name, backend::response::remove_header(&name));
    }

    /// What a hook of this plugin has kept with this exchange.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        backend::request::note(key)
    }

    /// Keeps bytes with this exchange, under this plugin's own name, for `on_log`. As
    /// [`Request::set_note`](crate::Request::set_note).
    #[track_caller]
    pub fn set_note(&mut self, key: &str, value: impl AsRef<[u8]>) {
        written("note", key, backend::request::set_note(key, value.as_ref()));
    }
}
