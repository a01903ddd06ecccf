//! Stops asking an upstream that keeps failing, and tries it again later.
//!
//! Each upstream has one record in the gateway's state, which all workers share and which changes
//! only as a whole, by compare-and-swap (`record`). A healthy upstream has none, and then the gateway,
//! which looks for it on the way out and again on the way back, calls no hook. The second look is what
//! makes "in a row" exact. A success that only knew the record from before could not end a row of
//! failures that began meanwhile, and under load one failure in a hundred would open the breaker.
//!
//! `outcome` says what a failure is, `rules` when there are too many.
#![forbid(unsafe_code)]

mod config;
mod record;
mod rules;
#[cfg(test)]
mod tests;
mod outcome;

use crate::config::Config;
use crate::outcome::{Failures, Outcome};
use crate::record::{HalfOpen, State};
use crate::rules::Rules;
use std::cell::LazyCell;
use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::{Condition, Hook};

/// A breaker for each upstream.
///
/// ```text
///           the rules trip               recovery is over
///   closed ----------------> open ---------------------------> half-open
///      ^                      ^                                  |   |
///      |                      +---------- a probe fails ---------+   |
///      +--------------------- enough probes succeed -----------------+
/// ```
pub struct CircuitBreaker {
    rules: Rules,
    failures: Failures,
    /// How long the upstream is left alone.
    recovery: Duration,
    /// Probes that may be on their way at once.
    probes: usize,
    /// When a probe of which nothing was heard is given up.
    probe_ttl: Duration,
    /// Probes that have to succeed.
    successes: u32,
}

/// Whether a request may go to its upstream.
enum Admission {
    Free,
    /// With the lease that its response gives back.
    Probe(String),
    Refused {
        /// Milliseconds.
        wait: u64,
    },
}

/// What a response did to the breaker, for the log.
enum Event {
    Opened(String),
    Closed,
}

#[plugin]
impl Plugin for CircuitBreaker {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        let breaker = config.check()?;
        setup::log_unanswered_only();
        breaker.declare();
        Ok(breaker)
    }

    fn on_request(&self, request: &mut Request) -> Action {
        match record::change(|state| self.admit(state)) {
            Admission::Free => Action::Next,
            Admission::Probe(lease) => {
                // Under the upstream's name: what a later plugin steers elsewhere is no probe there.
                let upstream = request.upstream().to_owned();
                request.set_note(&upstream, lease);
                Action::Next
            }
            Admission::Refused { wait } => Reply::service_unavailable()
                .problem_type("urn:tollgate:problem:circuit-open")
                .detail("the upstream keeps failing and is left alone for a while")
                .header("retry-after", wait.div_ceil(1_000))
                .into(),
        }
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Action {
        let status = response.status();
        let outcome = LazyCell::new(|| self.failures.outcome(status, &response.origin()));
        // Once, however often the record has to be tried.
        let trip = LazyCell::new(|| self.rules.count(*outcome));
        let event = record::change(|state| match state {
            // Where most responses end: who made them does not matter.
            State::HEALTHY if self.rules.ratio.is_none() && !self.failures.may_be(status) => (None, None),
            State::Closed { failures } => self.settle(failures, *outcome, || trip.clone()),
            State::Open { .. } => (None, None),
            State::HalfOpen(half) => match request.note(request.upstream()) {
                Some(lease) => self.settle_probe(half, &lease, *outcome),
                None => (None, None),
            },
        });
        match event {
            None => {}
            Some(Event::Opened(why)) => {
                log::warn!("upstream `{}` is left alone for {}: {why}", request.upstream(), self.recovery);
            }
            Some(Event::Closed) => log::info!("upstream `{}` answers again", request.upstream()),
        }
        Action::Next
    }

    /// A probe whose client left before the response says nothing of the upstream, and gives its lease back.
    fn on_log(&self, entry: &LogEntry) {
        let request = entry.request();
        let Some(lease) = request.note(request.upstream()) else { return };
        record::change(|state| match state {
            State::HalfOpen(half) => (self.settle_probe(half, &lease, Outcome::Neither).0, ()),
            State::Closed { .. } | State::Open { .. } => (None, ()),
        });
    }
}

impl CircuitBreaker {
    /// An upstream without a record is healthy: nothing is to be done for its requests, and for responses that
    /// are no failures neither, unless a ratio counts them all.
    fn declare(&self) {
        const MOST_CONDITIONS: usize = 16;
        let kept = || Condition::Kept(Subject::Upstream, record::RECORD);
        setup::call_when(Hook::OnRequest, [kept()]);
        // The gateway's own errors are all 5xx.
        let statuses = self.failures.statuses.iter().cloned().chain([500..=599]).map(Condition::Status);
        let conditions: Vec<_> = statuses.chain([kept()]).collect();
        if self.rules.ratio.is_none() && conditions.len() <= MOST_CONDITIONS {
            setup::call_when(Hook::OnResponse, conditions);
        }
    }

    fn admit(&self, state: State) -> (Option<State>, Admission) {
        let (mut half, now) = match state {
            State::Closed { .. } => return (None, Admission::Free),
            State::Open { since } => {
                let now = clock::now();
                if let Some(wait) = record::left(since, self.recovery, now) {
                    return (None, Admission::Refused { wait });
                }
                (HalfOpen::default(), now)
            }
            State::HalfOpen(half) => (half, clock::now()),
        };
        match half.lend(self.probes, self.probe_ttl, now) {
            Some(lease) => (Some(State::HalfOpen(half)), Admission::Probe(lease)),
            // A probe may come back at any time.
            None => (None, Admission::Refused { wait: 1_000 }),
        }
    }

    /// What a response does to a closed breaker.
    fn settle(
        &self,
        failures: u32,
        outcome: Outcome,
        trip: impl FnOnce() -> Option<String>,
    ) -> (Option<State>, Option<Event>) {
        let row = match outcome {
            Outcome::Success => 0,
            Outcome::Failure => failures.saturating_add(1),
            Outcome::Neither => return (None, None),
        };
        if let Some(why) = trip().or_else(|| self.rules.row(row)) {
            return open(why);
        }
        let is_news = self.rules.in_a_row.is_some() && row != failures;
        (is_news.then_some(State::Closed { failures: row }), None)
    }

    /// What the response to a probe does to a half-open breaker.
    fn settle_probe(&self, mut half: HalfOpen, lease: &[u8], outcome: Outcome) -> (Option<State>, Option<Event>) {
        if !half.take_back(lease) {
            return (None, None);
        }
        match outcome {
            Outcome::Failure => return open("a probe failed".to_owned()),
            Outcome::Success => half.successes += 1,
            Outcome::Neither => {}
        }
        if half.successes < self.successes {
            return (Some(State::HalfOpen(half)), None);
        }
        // Before it closes, for the next response may already count.
        self.rules.forget();
        (Some(State::HEALTHY), Some(Event::Closed))
    }
}

fn open(why: String) -> (Option<State>, Option<Event>) {
    (Some(State::Open { since: clock::now() }), Some(Event::Opened(why)))
}
