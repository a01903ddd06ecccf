//! When the log is told of clients that are turned away: of each kind once a second, however many come, with a count of those
//! that were left out.
//!
//! The workers share it, and touch it only when they turn somebody away. It must not know why that is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::Address;

/// Milliseconds between two lines of a kind.
const SILENCE: u64 = 1000;
/// Kinds that there are.
pub(super) const KINDS: usize = 12;

/// What one listener has told.
#[derive(Debug)]
pub(super) struct Told {
    listener: Address,
    since: Instant,
    kinds: [Kind; KINDS],
}

#[derive(Debug, Default)]
struct Kind {
    /// When the next line may come: milliseconds since the beginning.
    due: AtomicU64,
    left_out: AtomicU64,
}

impl Told {
    pub(super) fn new(listener: Address) -> Self {
        Self { listener, since: Instant::now(), kinds: Default::default() }
    }

    pub(super) fn listener(&self) -> &Address {
        &self.listener
    }

    /// How many of this kind were left out since its last line, if another one may come now; else this is one of them.
    pub(super) fn line(&self, kind: usize) -> Option<u64> {
        self.kinds[kind].line(self.since.elapsed().as_millis())
    }
}

impl Kind {
    /// How many were left out since the last line, if one may come now.
    fn line(&self, now: u128) -> Option<u64> {
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let due = self.due.load(Relaxed);
        if now < due || self.due.compare_exchange(due, now.saturating_add(SILENCE), Relaxed, Relaxed).is_err() {
            self.left_out.fetch_add(1, Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_told_once_a_second_with_a_count_of_what_was_left_out() {
        let kind = Kind::default();
        assert_eq!(kind.line(0), Some(0));
        assert!((1..1000).all(|now| kind.line(now).is_none()));
        assert_eq!(kind.line(1000), Some(999));
        assert_eq!(kind.line(1999), None);
        assert_eq!(kind.line(5000), Some(1));
    }
}
