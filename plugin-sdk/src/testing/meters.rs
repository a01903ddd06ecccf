//! The algorithms of `limiter`, over the fake clock.

use crate::limiter::{Algorithm, Decision, Quota, Standing};
use std::collections::HashMap;
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Meters(HashMap<(String, Quota), Meter>);

/// How much of one quota of one key is used.
#[derive(Clone, Copy, Default)]
struct Meter {
    /// Token bucket: when the quota is whole again, in nanoseconds since 1970.
    whole: u128,
    /// Sliding window: the number of the window, the units used in it and in the one before.
    window: u64,
    current: u64,
    previous: u64,
}

impl Meters {
    /// Takes the cost from every quota, or from none.
    pub(crate) fn acquire(&mut self, key: &str, quotas: &[Quota], cost: u64, now: u64) -> Decision {
        let taken: Vec<_> = quotas.iter().map(|quota| self.meter(key, quota).take(quota, cost, now)).collect();
        let allowed = taken.iter().all(Result::is_ok);
        let standings = quotas.iter().zip(taken).map(|(quota, taken)| {
            let meter = self.meter(key, quota);
            let retry_after = match taken {
                Ok(charged) if allowed => {
                    *meter = charged;
                    0
                }
                Ok(_) => 0,
                Err(retry_after) => retry_after,
            };
            let (remaining, reset) = meter.standing(quota, now);
            Standing { remaining, reset: Duration::from_millis(reset), retry_after: Duration::from_millis(retry_after) }
        });
        Decision { allowed, standings: standings.collect() }
    }

    fn meter(&mut self, key: &str, quota: &Quota) -> &mut Meter {
        assert!(quota.limit > 0 && quota.window > 0, "a quota has a limit and a window of at least 1");
        self.0.entry((key.to_owned(), quota.clone())).or_default()
    }
}

impl Meter {
    /// The meter with the cost taken, or the milliseconds until it could be.
    fn take(self, quota: &Quota, cost: u64, now: u64) -> Result<Self, u64> {
        match quota.algorithm {
            Algorithm::TokenBucket => {
                let bucket = Bucket::new(quota);
                let whole = self.whole.max(nanos(now)) + bucket.interval * u128::from(cost);
                let too_early = whole.saturating_sub(nanos(now) + bucket.depth);
                if too_early > 0 { Err(millis_up(too_early)) } else { Ok(Self { whole, ..self }) }
            }
            Algorithm::SlidingWindow => {
                let meter = self.slid(quota, now);
                match meter.wait(quota, cost, now % quota.window) {
                    0 => Ok(Self { current: meter.current + cost, ..meter }),
                    wait => Err(wait),
                }
            }
        }
    }

    /// Units left, and milliseconds until the quota is whole.
    fn standing(self, quota: &Quota, now: u64) -> (u64, u64) {
        match quota.algorithm {
            Algorithm::TokenBucket => {
                let bucket = Bucket::new(quota);
                let used = self.whole.saturating_sub(nanos(now));
                let remaining = bucket.depth.saturating_sub(used) / bucket.interval;
                (u64::try_from(remaining).unwrap_or(u64::MAX), millis_up(used))
            }
            Algorithm::SlidingWindow => {
                let meter = self.slid(quota, now);
                let elapsed = now % quota.window;
                let older = weighted(meter.previous, quota.window - elapsed, quota.window);
                let reset = match (meter.current, meter.previous) {
                    (0, 0) => 0,
                    (0, _) => quota.window - elapsed,
                    _ => 2 * quota.window - elapsed,
                };
                (quota.limit.saturating_sub(meter.current + older), reset)
            }
        }
    }

    /// The meter as it is in the window of `now`.
    fn slid(self, quota: &Quota, now: u64) -> Self {
        let window = now / quota.window;
        match window - self.window {
            0 => self,
            1 => Self { window, previous: self.current, current: 0, ..self },
            _ => Self { window, previous: 0, current: 0, ..self },
        }
    }

    /// Milliseconds until a sliding window has room for the cost, `elapsed` into the current one.
    fn wait(self, quota: &Quota, cost: u64, elapsed: u64) -> u64 {
        let window = quota.window;
        if let Some(room) = quota.limit.checked_sub(self.current.saturating_add(cost)) {
            return shrinks_at(self.previous, room, window).saturating_sub(elapsed);
        }
        let room = quota.limit.saturating_sub(cost);
        window - elapsed + shrinks_at(self.current, room, window)
    }
}

/// How far into a window the units of the one before fit into `room`.
fn shrinks_at(units: u64, room: u64, window: u64) -> u64 {
    if units <= room {
        return 0;
    }
    let covered = u128::from(window) * u128::from(room) / u128::from(units);
    window - u64::try_from(covered).unwrap_or(window)
}

/// A quota as the generic cell rate algorithm sees it, in nanoseconds.
struct Bucket {
    /// For one unit.
    interval: u128,
    /// For all that may come at once.
    depth: u128,
}

impl Bucket {
    fn new(quota: &Quota) -> Self {
        let burst = if quota.burst == 0 { quota.limit } else { quota.burst };
        let interval = (nanos(quota.window) / u128::from(quota.limit)).max(1);
        Self { interval, depth: interval * u128::from(burst) }
    }
}

/// The part of `units` that falls into `covered` of `window`, rounded up.
fn weighted(units: u64, covered: u64, window: u64) -> u64 {
    let part = (u128::from(units) * u128::from(covered)).div_ceil(u128::from(window));
    u64::try_from(part).unwrap_or(u64::MAX)
}

fn nanos(millis: u64) -> u128 {
    u128::from(millis) * 1_000_000
}

fn millis_up(nanos: u128) -> u64 {
    u64::try_from(nanos.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
