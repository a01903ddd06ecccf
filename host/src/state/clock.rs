//! Time as the shared state counts it.

use std::time::Instant;

/// A point in time: nanoseconds since the [`Clock`] was made. 64 bits last for 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// Where moments count from. One for the life of the process, or a reload would turn time back.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Moment {
    /// Later than every other: for what does not expire.
    pub const NEVER: Self = Self(u64::MAX);

    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    #[must_use]
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    #[must_use]
    pub const fn plus_millis(self, millis: u64) -> Self {
        self.plus_nanos(Self::from_millis(millis).0)
    }

    /// Nanoseconds; 0 when `earlier` is later, as it can be when two workers read the clock and then
    /// meet at a lock in the other order.
    pub(super) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Clock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    /// The moment of a time that the caller has read.
    pub fn at(&self, instant: Instant) -> Moment {
        let nanos = instant.saturating_duration_since(self.start).as_nanos();
        Moment(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
