//! The record of an upstream: `closed`, `open` or `half-open`, with what belongs to it.
//!
//! It is one value under the upstream's name, so that every transition is one compare-and-swap from
//! the very record that it was decided on. Of two workers that race, one wins and the other decides
//! again on what the winner has left: no failure is counted twice, only one response opens or closes
//! a breaker, and no more probes leave than there are leases.

use std::fmt;
use tollgate_plugin_sdk::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Closed {
        /// In a row.
        failures: u32,
    },
    Open {
        /// Milliseconds since 1970.
        since: u64,
    },
    HalfOpen(HalfOpen),
}

/// Which probes are on their way, and what came of those before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HalfOpen {
    pub successes: u32,
    /// Probes so far, which makes each lease unlike the others.
    issued: u32,
    leases: Vec<Lease>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Lease {
    number: u32,
    /// Milliseconds since 1970.
    since: u64,
}

/// The key of the record among what is kept for an upstream.
pub const RECORD: &str = "record";

/// Changes the record of the exchange's upstream. `step` answers the next state, or none if it is to stay; it
/// is called again when another worker was faster.
pub fn change<T>(mut step: impl FnMut(State) -> (Option<State>, T)) -> T {
    loop {
        let record = state::get(Subject::Upstream, RECORD);
        let (next, outcome) = step(State::read(record.as_deref()));
        let Some(next) = next else { return outcome };
        if state::compare_and_swap(Subject::Upstream, RECORD, record.as_deref(), next.to_string(), next.ttl()) {
            return outcome;
        }
    }
}

/// Milliseconds that are left of a duration, or none when it is over, or when the clock was set
/// back so far that its beginning means nothing.
pub fn left(since: u64, duration: Duration, now: u64) -> Option<u64> {
    let duration = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let is_over = now.abs_diff(since) >= duration;
    (!is_over).then(|| duration - now.saturating_sub(since))
}

impl State {
    pub const HEALTHY: Self = Self::Closed { failures: 0 };

    /// What is no record, as after a change of this very code, is a healthy upstream.
    fn read(record: Option<&[u8]>) -> Self {
        record.and_then(|bytes| Self::parse(str::from_utf8(bytes).ok()?)).unwrap_or(Self::HEALTHY)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(match words.next()? {
            "closed" => Self::Closed { failures: words.next()?.parse().ok()? },
            "open" => Self::Open { since: words.next()?.parse().ok()? },
            "half-open" => Self::HalfOpen(HalfOpen {
                successes: words.next()?.parse().ok()?,
                issued: words.next()?.parse().ok()?,
                leases: words.map(Lease::parse).collect::<Option<_>>()?,
            }),
            _ => return None,
        })
    }

    /// A healthy record cannot be deleted, for that would not be a compare-and-swap: it goes by itself.
    fn ttl(&self) -> Option<std::time::Duration> {
        (*self == Self::HEALTHY).then_some(std::time::Duration::from_secs(60))
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { failures } => write!(f, "closed {failures}"),
            Self::Open { since } => write!(f, "open {since}"),
            Self::HalfOpen(HalfOpen { successes, issued, leases }) => {
                write!(f, "half-open {successes} {issued}")?;
                leases.iter().try_for_each(|lease| write!(f, " {lease}"))
            }
        }
    }
}

impl HalfOpen {
    /// Lends one of `most` leases; those that are over `ttl` are lost.
    pub fn lend(&mut self, most: usize, ttl: Duration, now: u64) -> Option<String> {
        self.leases.retain(|lease| left(lease.since, ttl, now).is_some());
        if self.leases.len() >= most {
            return None;
        }
        self.issued = self.issued.wrapping_add(1);
        let lease = Lease { number: self.issued, since: now };
        let text = lease.to_string();
        self.leases.push(lease);
        Some(text)
    }

    /// Takes a lease back; false when it was lost, or is of an earlier recovery.
    pub fn take_back(&mut self, lease: &[u8]) -> bool {
        let before = self.leases.len();
        self.leases.retain(|own| own.to_string().as_bytes() != lease);
        self.leases.len() < before
    }
}

impl Lease {
    fn parse(text: &str) -> Option<Self> {
        let (number, since) = text.split_once('@')?;
        Some(Self { number: number.parse().ok()?, since: since.parse().ok()? })
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.number, self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_it_is_written() {
        let mut half = HalfOpen { successes: 1, ..HalfOpen::default() };
        let ttl = Duration::from_secs(1);
        half.lend(2, ttl, 1_000).expect("nothing is lent");
        half.lend(2, ttl, 1_001).expect("one is lent");
        let states = [
            (State::Closed { failures: 3 }, "closed 3"),
            (State::Open { since: 1_767_225_600_000 }, "open 1767225600000"),
            (State::HalfOpen(half), "half-open 1 2 1@1000 2@1001"),
        ];
        for (state, text) in states {
            assert_eq!(state.to_string(), text);
            assert_eq!(State::parse(text), Some(state));
        }
    }

    #[test]
    fn what_is_no_record_is_a_healthy_upstream() {
        for text in ["", "7", "closed", "closed -1", "open x", "half-open 1", "half-open 1 1 1", "ajar 1"] {
            assert_eq!(State::read(Some(text.as_bytes())), State::HEALTHY, "{text}");
        }
        assert_eq!(State::read(Some(&[0xff])), State::HEALTHY);
        assert_eq!(State::read(None), State::HEALTHY);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_no_time_late() {
        let ttl = Duration::from_secs(10);
        assert_eq!(left(50_000, ttl, 50_000), Some(10_000));
        assert_eq!(left(50_000, ttl, 59_999), Some(1));
        assert_eq!(left(50_000, ttl, 60_000), None);
        assert_eq!(left(50_000, ttl, 49_000), Some(10_000), "another gateway's clock may be a little ahead");
        assert_eq!(left(50_000, ttl, 1_000), None);
    }

    #[test]
    fn a_change_is_decided_again_when_another_was_faster() {
        let gateway = testing::Gateway::new();
        gateway.exchange(testing::get("/"));
        let mut seen = Vec::new();
        change(|state| {
            if seen.is_empty() {
                state::set(Subject::Upstream, RECORD, "closed 4", None);
            }
            let State::Closed { failures } = state else { panic!("{state:?}") };
            seen.push(failures);
            (Some(State::Closed { failures: failures + 1 }), ())
        });
        assert_eq!(seen, [0, 4]);
        assert_eq!(state::get(Subject::Upstream, RECORD).as_deref(), Some(&b"closed 5"[..]));
    }
}
