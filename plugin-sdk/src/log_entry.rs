//! What became of an exchange.

use crate::backend::outcome;
use crate::{Request, Response};
use http::StatusCode;
use std::time::Duration;

/// What became of an exchange, in `on_log`.
#[derive(Debug)]
pub struct LogEntry {
    request: Request,
    response: Response,
}

impl LogEntry {
    pub(crate) fn new() -> Self {
        Self { request: Request::new(), response: Response::new() }
    }

    /// The request as it went to the upstream.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The response, if the client was sent one.
    pub fn response(&self) -> Option<&Response> {
        outcome::status().map(|_| &self.response)
    }

    /// Status that the client was sent; `None` when it went away before.
    pub fn status(&self) -> Option<StatusCode> {
        outcome::status().and_then(|status| StatusCode::from_u16(status).ok())
    }

    /// From the head of the request to the last byte of the response.
    pub fn duration(&self) -> Duration {
        Duration::from_micros(outcome::duration())
    }

    /// Bytes of the request body that were read.
    pub fn request_bytes(&self) -> u64 {
        outcome::request_bytes()
    }

    /// Bytes of the response body that were sent.
    pub fn response_bytes(&self) -> u64 {
        outcome::response_bytes()
    }

    /// Whether the response body was sent to its end.
    pub fn completed(&self) -> bool {
        outcome::completed()
    }

    /// The endpoint that answered, or was asked last, as an address.
    pub fn endpoint(&self) -> Option<String> {
        outcome::endpoint()
    }

    /// Why the gateway answered in place of the upstream, as in [`Origin`](crate::Origin).
    pub fn problem(&self) -> Option<String> {
        outcome::problem()
    }
}
