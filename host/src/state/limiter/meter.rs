//! The arithmetic of one quota.
//!
//! Everything is counted in units times nanoseconds, as integers of 128 bits: nothing is rounded but
//! what is shown, and absurd limits saturate.

use super::{Algorithm, NEVER, Quota};
use crate::state::Moment;

#[derive(Clone)]
pub(super) struct Meter {
    pub(super) quota: Quota,
    level: Level,
}

#[derive(Clone)]
enum Level {
    /// What was taken and has not drained yet, in units times the window. Drains by `limit` a
    /// nanosecond from `since` on.
    Bucket { taken: u128, since: Moment },
    /// Units that passed in the window that began at `start` and in the one before.
    Windows { start: Moment, current: u64, previous: u64 },
}

impl Meter {
    pub(super) fn new(quota: Quota, now: Moment) -> Self {
        let level = match quota.algorithm {
            Algorithm::TokenBucket => Level::Bucket { taken: 0, since: now },
            Algorithm::SlidingWindow => Level::Windows { start: now, current: 0, previous: 0 },
        };
        Self { quota, level }
    }

    /// Brings the level to `now`; the other functions expect that it was.
    pub(super) fn settle(&mut self, now: Moment) {
        let (window, limit) = (self.window(), self.quota.limit);
        match &mut self.level {
            Level::Bucket { taken, since } => {
                let drained = u128::from(now.since(*since)) * u128::from(limit);
                *taken = taken.saturating_sub(drained);
                *since = now.max(*since);
            }
            Level::Windows { start, current, previous } => {
                let elapsed = now.since(*start);
                if elapsed / 2 >= window {
                    (*current, *previous) = (0, 0);
                } else if elapsed >= window {
                    (*start, *current, *previous) = (start.plus_nanos(window), 0, *current);
                }
                if (*current, *previous) == (0, 0) {
                    *start = now.max(*start);
                }
            }
        }
    }

    pub(super) fn passes(&self, cost: u64, now: Moment) -> bool {
        cost == 0 || self.over(cost, now) == 0
    }

    pub(super) fn charge(&mut self, cost: u64) {
        let window = self.window();
        match &mut self.level {
            Level::Bucket { taken, .. } => *taken = taken.saturating_add(times(cost, window)),
            Level::Windows { current, .. } => *current = current.saturating_add(cost),
        }
    }

    pub(super) fn remaining(&self, now: Moment) -> u64 {
        let left = self.capacity().saturating_sub(self.used(now)) / u128::from(self.window());
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    /// Milliseconds, rounded up.
    pub(super) fn reset(&self, now: Moment) -> u64 {
        self.until().since(now).div_ceil(1_000_000)
    }

    /// Milliseconds, rounded up.
    pub(super) fn retry_after(&self, cost: u64, now: Moment) -> u64 {
        let over = self.over(cost, now);
        if cost == 0 || over == 0 {
            return 0;
        }
        if cost > self.most() {
            return NEVER;
        }
        let nanos = match self.level {
            Level::Bucket { .. } => nanos(over, self.quota.limit),
            Level::Windows { start, current, previous } => {
                let left = self.window() - now.since(start);
                let due = current.saturating_add(cost);
                if due <= self.quota.limit {
                    // The older window has to slide away far enough.
                    nanos(over, previous)
                } else {
                    // All of it has, and then part of the current one.
                    left.saturating_add(nanos(times(due - self.quota.limit, self.window()), current))
                }
            }
        };
        nanos.div_ceil(1_000_000)
    }

    /// When the quota is whole again.
    pub(super) fn until(&self) -> Moment {
        match self.level {
            Level::Bucket { taken, since } => since.plus_nanos(nanos(taken, self.quota.limit)),
            Level::Windows { current: 0, previous: 0, .. } => Moment::default(),
            Level::Windows { start, current: 0, .. } => start.plus_nanos(self.window()),
            Level::Windows { start, .. } => start.plus_nanos(self.window()).plus_nanos(self.window()),
        }
    }

    /// By how much `cost` is too much; 0 if it passes.
    fn over(&self, cost: u64, now: Moment) -> u128 {
        self.used(now).saturating_add(times(cost, self.window())).saturating_sub(self.capacity())
    }

    fn used(&self, now: Moment) -> u128 {
        match self.level {
            Level::Bucket { taken, .. } => taken,
            Level::Windows { start, current, previous } => {
                let covered = self.window().saturating_sub(now.since(start));
                times(previous, covered).saturating_add(times(current, self.window()))
            }
        }
    }

    fn capacity(&self) -> u128 {
        times(self.most(), self.window())
    }

    /// Units that can pass at once.
    fn most(&self) -> u64 {
        match self.quota {
            Quota { algorithm: Algorithm::TokenBucket, burst: 1.., .. } => self.quota.burst,
            _ => self.quota.limit,
        }
    }

    /// Nanoseconds.
    fn window(&self) -> u64 {
        self.quota.window.saturating_mul(1_000_000)
    }
}

fn times(units: u64, nanos: u64) -> u128 {
    u128::from(units) * u128::from(nanos)
}

/// How long it takes to lose `amount` (units times nanoseconds) at `rate` units a nanosecond, rounded
/// up.
fn nanos(amount: u128, rate: u64) -> u64 {
    // Most amounts have 64 bits, whose division is several times as fast.
    match (u64::try_from(amount), rate) {
        (Ok(0), _) => 0,
        (_, 0) => u64::MAX,
        (Ok(amount), _) => amount.div_ceil(rate),
        (Err(_), _) => u64::try_from(amount.div_ceil(u128::from(rate))).unwrap_or(u64::MAX),
    }
}
