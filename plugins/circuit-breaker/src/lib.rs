//! Stops asking an upstream that keeps failing, and tries it again later.
//!
//! Each upstream has one record in the gateway's state, which all workers and instances share, and
//! which changes only by compare-and-swap of the whole (`record`). An upstream without a record is
//! healthy: then a request costs a look at the record before it goes out and another when its
//! response comes back, and no write. The second look is what makes "in a row" exact: a success
//! that did not look could not tell that it ends a row of failures that began while it was under
//! way, and at a thousand requests a second one failure in a hundred would open the breaker.
//!
//! What counts as a failure is in `verdict`; when failures are too many, in `rule`.
#![forbid(unsafe_code)]

mod config;
mod record;
mod rule;
#[cfg(test)]
mod tests;
mod verdict;

use crate::config::Config;
use crate::record::{Record, State};
use crate::rule::Rules;
use crate::verdict::{Failures, Verdict};
use tollgate_plugin_sdk::prelude::*;

/// One breaker for each upstream.
///
/// ```text
///            a rule trips                recovery is over
///   closed ---------------> open --------------------------> half-open
///     ^                       ^                                |   |
///     |                       +---------- a probe fails -------+   |
///     +---------------------- `successes` probes in a row ---------+
/// ```
pub struct CircuitBreaker {
    rules: Rules,
    failures: Failures,
    recovery: Duration,
    /// Probes that may be under way at once.
    probes: usize,
    /// After which a probe of which nothing was heard is given up.
    probe_ttl: Duration,
    /// Probes that have to succeed.
    successes: u32,
}

#[plugin]
impl Plugin for CircuitBreaker {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        config.check()
    }

    fn on_request(&self, request: &mut Request) -> Action {
        let upstream = request.upstream().to_owned();
        match self.admit(&upstream) {
            Admission::Free => Action::Next,
            Admission::Probe(lease) => {
                // Under the upstream's name: a probe that a later plugin steers elsewhere is none there.
                request.set_note(upstream, lease);
                Action::Next
            }
            Admission::Refused { seconds } => Reply::service_unavailable()
                .problem_type("urn:tollgate:problem:circuit-open")
                .detail("the upstream keeps failing; it is left alone for a while")
                .header("retry-after", seconds)
                .into(),
        }
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Action {
        let verdict = self.failures.verdict(response);
        if verdict != Verdict::Neither
        Action::Next
    }
}
