//! What a response says of its upstream.

use std::ops::RangeInclusive;
use tollgate_plugin_sdk::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failure,
    /// Nobody asked the upstream: another plugin answered, or the fault was the client's.
    Neither,
}

/// What counts as a failure.
pub struct Failures {
    /// Of the upstream's own responses.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// Of the gateway, which had no response of the upstream: some of [`ERRORS`].
    pub errors: Vec<String>,
}

/// Why the gateway may have no response of the upstream.
pub const ERRORS: [&str; 6] = [
    "upstream-connect",
    "upstream-connect-timeout",
    "upstream-timeout",
    "upstream-reset",
    "upstream-malformed",
    "upstream-no-endpoint",
];

impl Failures {
    pub fn outcome(&self, status: StatusCode, origin: &Origin) -> Outcome {
        match origin {
            Origin::Upstream if self.has(status) => Outcome::Failure,
            Origin::Upstream => Outcome::Success,
            Origin::Gateway(error) if self.errors.contains(error) => Outcome::Failure,
            _ => Outcome::Neither,
        }
    }

    /// Whether a response of this status may be a failure. The gateway's errors are all 5xx.
    pub fn may_be(&self, status: StatusCode) -> bool {
        status.is_server_error() || self.has(status)
    }

    fn has(&self, status: StatusCode) -> bool {
        self.statuses.iter().any(|statuses| statuses.contains(&status.as_u16()))
    }
}
