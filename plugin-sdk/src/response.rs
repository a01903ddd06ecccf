//! The response of an exchange, as a hook sees and changes it.

use crate::backend;
use crate::edit::Edit;
use crate::head::{Head, OfResponse};
use crate::header::{AsHeaderName, IntoHeaderValue};
use http::{HeaderName, HeaderValue, StatusCode};
use std::cell::OnceCell;

/// The response of an exchange, before it goes to the client.
///
/// Reads and changes work as those of a [`Request`](crate::Request).
#[derive(Debug, Default)]
pub struct Response {
    head: Head<OfResponse>,
    status: OnceCell<StatusCode>,
}

/// Who made a response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// An endpoint of the upstream.
    Upstream,
    /// A plugin of the chain, by name.
    Plugin(String),
    /// The gateway itself, because the exchange failed, and why: `upstream-timeout`, ...
    Gateway(String),
}

impl Response {
    pub(crate) fn new(declared: Vec<Option<Vec<u8>>>) -> Self {
        Self { head: Head::new(declared), ..Self::default() }
    }

    pub(crate) fn into_edits(self) -> Vec<Edit> {
        self.head.edits.into_vec()
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        let edited = self.head.edits.latest(|edit| match edit {
            Edit::SetStatus(status) => Some(*status),
            _ => None,
        });
        edited.unwrap_or_else(|| {
            let status = || StatusCode::from_u16(backend::response::status());
            *self.status.get_or_init(|| status().expect("the gateway parsed it"))
        })
    }

    /// Changes the status: 200 to 599.
    pub fn set_status(&mut self, status: StatusCode) {
        self.head.edits.push(Edit::SetStatus(status));
    }

    /// Who made the response.
    pub fn origin(&self) -> Origin {
        backend::response::origin()
    }

    /// The first value of a header.
    ///
    /// Headers that are read by most calls are cheaper when [`setup::read_response_header`](crate::setup::read_response_header)
    /// declares them.
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
    /// As [`Request::set_header`](crate::Request::set_header).
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

    /// What an earlier hook of this plugin, or this call, has kept with this exchange.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        self.head.note(key)
    }

    /// Keeps bytes with this exchange, under this plugin's own name, for `on_log`.
    pub fn set_note(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.head.edits.push(Edit::SetNote(key.into(), value.into()));
    }
}
