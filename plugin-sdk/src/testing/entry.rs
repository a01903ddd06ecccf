//! What a test says became of an exchange.

use std::time::Duration;

/// What became of an exchange, for [`Tester::log`](super::Tester::log).
#[derive(Debug, Clone)]
pub struct Entry {
    pub(crate) status: Option<u16>,
    /// Microseconds.
    duration: u64,
    request_bytes: u64,
    response_bytes: u64,
    completed: bool,
    endpoint: Option<String>,
    problem: Option<String>,
}

/// An exchange that was completed in a millisecond, with the status of its response if it has one.
pub fn entry() -> Entry {
    Entry {
        status: None,
        duration: 1_000,
        request_bytes: 0,
        response_bytes: 0,
        completed: true,
        endpoint: None,
        problem: None,
    }
}

/// What tests set.
impl Entry {
    /// How long it took.
    pub fn took(self, duration: impl Into<Duration>) -> Self {
        let duration = u64::try_from(duration.into().as_micros()).unwrap_or(u64::MAX);
        Self { duration, ..self }
    }

    /// Bytes of the request and of the response body.
    pub fn bytes(self, request_bytes: u64, response_bytes: u64) -> Self {
        Self { request_bytes, response_bytes, ..self }
    }

    /// The client went away before the end of the response body.
    pub fn aborted(self) -> Self {
        Self { completed: false, ..self }
    }

    /// The endpoint that answered.
    pub fn from_endpoint(self, address: &str) -> Self {
        Self { endpoint: Some(address.to_owned()), ..self }
    }

    /// Why the gateway answered in place of the upstream.
    pub fn because(self, problem: &str) -> Self {
        Self { problem: Some(problem.to_owned()), ..self }
    }
}

/// What the back end reads.
impl Entry {
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    pub(crate) fn duration(&self) -> u64 {
        self.duration
    }

    pub(crate) fn request_bytes(&self) -> u64 {
        self.request_bytes
    }

    pub(crate) fn response_bytes(&self) -> u64 {
        self.response_bytes
    }

    pub(crate) fn completed(&self) -> bool {
        self.completed
    }

    pub(crate) fn endpoint(&self) -> Option<String> {
        self.endpoint.clone()
    }

    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.clone()
    }
}
