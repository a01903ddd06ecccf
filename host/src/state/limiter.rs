//! Rates that all workers share.
//!
//! One key's quotas are one entry under one lock, so that several are charged together or not at
//! all. An entry whose quotas are whole again says nothing that a new one would not; when there is no
//! room, the entry that is soonest whole goes, of the plugin that has the most. So a flood of keys can
//! give a caller of the same plugin a fresh quota early, and never takes one away.

mod meter;
#[cfg(test)]
mod tests;

use self::meter::Meter;
use super::shards::{Bounds, Shards, Usage, Worth};
use super::{Misuse, Moment};

/// [`Standing::retry_after`] of a cost that no waiting lets pass.
pub const NEVER: u64 = u64::MAX;

/// How much may pass in how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Units a window, at least 1.
    pub limit: u64,
    /// Milliseconds, at least 1.
    pub window: u64,
    /// Token bucket: units that may come at once; 0 means `limit`.
    pub burst: u64,
    pub algorithm: Algorithm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The generic cell rate algorithm, in its form as a continuous-state leaky bucket (ITU-T I.371;
    /// ATM Forum Traffic Management 4.0).
    TokenBucket,
    /// The counter of this window and that of the one before, weighted by how much of it the sliding
    /// window still covers (Cloudflare, "How we built rate limiting capable of scaling to millions of
    /// domains", 2017), except that a key's windows begin with its first unit.
    SlidingWindow,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Always, when the cost was 0: that only asks how the quotas stand.
    pub allowed: bool,
    /// One for each quota, in their order.
    pub standings: Vec<Standing>,
}

/// How one quota stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Units left now.
    pub remaining: u64,
    /// Milliseconds until the quota is whole again.
    pub reset: u64,
    /// Milliseconds until this cost could pass if nothing else came; 0 when it passed this quota,
    /// [`NEVER`] when it is more than the quota ever has.
    pub retry_after: u64,
}

#[derive(Debug)]
pub struct Limiter {
    shards: Shards<Meters>,
}

/// One for each quota that was asked of a key. A quota is the same only if all its numbers are, so
/// another one under the same key (a plugin entry with another config, a reload) starts whole and
/// leaves this one alone.
#[derive(Default)]
struct Meters(Vec<Meter>);

impl Limiter {
    pub fn new(bounds: Bounds) -> Self {
        Self { shards: Shards::new(bounds) }
    }

    /// Takes `cost` from every quota of the key, or from none.
    pub fn acquire(
        &self,
        scope: &str,
        key: &str,
        quotas: &[Quota],
        cost: u64,
        now: Moment,
    ) -> Result<Decision, Misuse> {
        Misuse::check_name(key)?;
        check(quotas)?;
        let mut decision = Decision { allowed: true, standings: Vec::with_capacity(quotas.len()) };
        let bounds = self.shards.bounds_each();
        let (probe, mut entries) = self.shards.lock(scope, key);
        if let Some(meters) = entries.get_mut(&probe)
            && let Some(places) = meters.places(quotas)
        {
            meters.acquire(&places[..quotas.len()], cost, now, &mut decision);
            return Ok(decision);
        }
        let mut meters = entries.take(&probe).unwrap_or_default();
        let places = meters.prepare(quotas, now);
        meters.acquire(&places[..quotas.len()], cost, now, &mut decision);
        if meters.until() > now {
            entries.put(&probe, meters, bounds, now);
        }
        Ok(decision)
    }

    /// For a reload; what no longer fits makes room.
    pub fn resize(&self, bounds: Bounds) {
        self.shards.resize(bounds);
    }

    pub fn usage(&self) -> Usage {
        self.shards.usage()
    }
}

fn check(quotas: &[Quota]) -> Result<(), Misuse> {
    if quotas.len() > Misuse::MAX_QUOTAS {
        return Err(Misuse::Quotas(quotas.len()));
    }
    match quotas.iter().find(|quota| quota.limit == 0 || quota.window == 0) {
        Some(quota) if quota.limit == 0 => Err(Misuse::Limit),
        Some(_) => Err(Misuse::Window),
        None => Ok(()),
    }
}

/// Where the meter of each quota is; as many as there are quotas.
type Places = [u8; Misuse::MAX_QUOTAS];

impl Meters {
    /// Those of one call, and those of one call before it.
    const MOST: usize = 2 * Misuse::MAX_QUOTAS;

    fn places(&self, quotas: &[Quota]) -> Option<Places> {
        let mut places = Places::default();
        for (number, quota) in quotas.iter().enumerate() {
            let taken = &places[..number];
            let mut candidates = (0u8..).zip(&self.0);
            let found = candidates.find(|(place, meter)| meter.quota == *quota && !taken.contains(place));
            places[number] = found?.0;
        }
        Some(places)
    }

    /// Adds the meters that are missing, at the cost of those that were not asked for.
    fn prepare(&mut self, quotas: &[Quota], now: Moment) -> Places {
        self.0.retain(|meter| quotas.contains(&meter.quota) || meter.until() > now);
        self.0.sort_by_key(|meter| (!quotas.contains(&meter.quota), std::cmp::Reverse(meter.until())));
        self.0.truncate(Self::MOST - quotas.len());
        // Most keys have the same quotas for all their life.
        self.0.reserve_exact(quotas.len());
        for quota in quotas {
            let asked = quotas.iter().filter(|it| *it == quota).count();
            if self.0.iter().filter(|meter| meter.quota == *quota).count() < asked {
                self.0.push(Meter::new(*quota, now));
            }
        }
        self.places(quotas).expect("each quota has got its meter")
    }

    fn acquire(&mut self, places: &[u8], cost: u64, now: Moment, decision: &mut Decision) {
        for &place in places {
            let meter = &mut self.0[usize::from(place)];
            meter.settle(now);
            decision.allowed &= meter.passes(cost, now);
        }
        for &place in places {
            let meter = &mut self.0[usize::from(place)];
            let retry_after = meter.retry_after(cost, now);
            if decision.allowed {
                meter.charge(cost);
            }
            let (remaining, reset) = (meter.remaining(now), meter.reset(now));
            decision.standings.push(Standing { remaining, reset, retry_after });
        }
    }
}

impl Worth for Meters {
    fn until(&self) -> Moment {
        self.0.iter().map(Meter::until).max().unwrap_or_default()
    }

    fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Meter>()
    }
}
