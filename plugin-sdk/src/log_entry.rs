//! What became of an exchange.

use crate::backend;
use crate::{Request, Response};
use http::StatusCode;
use std::time::Duration;

/// What became of an exchange, in `on_log`.
#[derive(Debug)]
pub struct LogEntry<'a> {
    entry: &'a backend::Entry,
    request: Request,
    response: Response,
}

impl<'a> LogEntry<'a> {
    pub(crate) fn new(entry: &'a backend::Entry) -> Self {
        Self { entry, request: Request::default(), response: Response::default() }
    }

    /// The request as it went to the upstream.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The response, if the client was sent one.
    pub fn response(&self) -> Option<&Response> {
        self.entry.status().map(|_| &self.response)
    }

    /// Status that the client was sent; `None` when it went away before.
    pub fn status(&self) -> Option<StatusCode> {
        self.entry.status().and_then(|status| StatusCode::from_u16(status).ok())
    }

    /// From the first byte of the request to the last of the response.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(self.entry.duration())
    }

    /// Bytes of the request body that were read.
    pub fn request_bytes(&self) -> u64 {
        self.entry.request_bytes()
    }

    /// Bytes of the response body that were sent.
    pub fn response_bytes(&self) -> u64 {
        self.entry.response_bytes()
    }

    /// Whether the response body was sent to its end.
    pub fn completed(&self) -> bool {
        self.entry.completed()
    }

    /// The endpoint that answered, as an address.
    pub fn endpoint(&self) -> Option<String> {
        self.entry.endpoint()
    }

    /// Why the gateway answered in place of the upstream, as in [`Origin`](crate::Origin).
    pub fn problem(&self) -> Option<String> {
        self.entry.problem()
    }
}
