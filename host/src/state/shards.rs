//! A bounded map in shards, each under its own lock: what the store and the limiter are made of.
//!
//! A shard has its part of the bounds: no count is shared, and a full shard may drop an entry while
//! another has room. With the number of shards that [`Shards::new`] chooses, that begins at about
//! 90 % of the whole.

mod entries;

use std::fmt;
use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LockResult, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError, TryLockResult};
use std::{hint, thread};

pub(super) use self::entries::{Entries, Worth};
use super::key::{Parts, Probe};

/// How much may be kept in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    pub entries: usize,
    /// Keys, values and what keeping them costs. One entry alone in its shard may be larger.
    pub bytes: usize,
}

impl Bounds {
    /// With 512 bytes for each entry: twice what one with a key of common length and two quotas takes.
    pub const fn of_entries(entries: usize) -> Self {
        let bytes = entries.saturating_mul(512);
        Self { entries, bytes }
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub entries: usize,
    pub bytes: usize,
    /// Entries that had to make room before their time, since the start.
    pub dropped: u64,
}

pub(super) struct Shards<V> {
    hashing: RandomState,
    shards: Box<[Shard<V>]>,
    entries_each: AtomicUsize,
    bytes_each: AtomicUsize,
}

/// On cache lines of its own: processors fetch lines in pairs.
#[repr(align(128))]
struct Shard<V>(RwLock<Entries<V>>);

impl<V: Worth> Shards<V> {
    const MOST: usize = 64;
    const LEAST_ENTRIES: usize = 256;
    const LEAST_BYTES: usize = 1024 * 1024;

    pub(super) fn new(bounds: Bounds) -> Self {
        let shards = (bounds.entries / Self::LEAST_ENTRIES).min(bounds.bytes / Self::LEAST_BYTES);
        let shards = 1 << shards.clamp(1, Self::MOST).ilog2();
        Self {
            hashing: RandomState::new(),
            shards: (0..shards).map(|_| Shard(RwLock::new(Entries::new()))).collect(),
            entries_each: AtomicUsize::new(bounds.entries / shards),
            bytes_each: AtomicUsize::new(bounds.bytes / shards),
        }
    }

    /// The entries among which the one of this scope and name is, or would be.
    pub(super) fn lock<'a>(&self, scope: &'a str, name: &'a str) -> (Probe<'a>, RwLockWriteGuard<'_, Entries<V>>) {
        let probe = Probe::new(&self.hashing, scope, name);
        (probe, self.shard(&probe).lock())
    }

    /// As [`lock`](Self::lock), beside others who only look: workers ask more often than they write, a breaker's
    /// record for one.
    pub(super) fn look<'a>(&self, scope: &'a str, name: &'a str) -> (Probe<'a>, RwLockReadGuard<'_, Entries<V>>) {
        let probe = Probe::new(&self.hashing, scope, name);
        (probe, self.shard(&probe).look())
    }

    fn shard(&self, probe: &Probe<'_>) -> &Shard<V> {
        // The map uses the lowest and the seven highest bits.
        &self.shards[(probe.hash() >> 32) as usize & (self.shards.len() - 1)]
    }

    /// What one shard may keep.
    pub(super) fn bounds_each(&self) -> Bounds {
        let each = |bound: &AtomicUsize| bound.load(Ordering::Relaxed);
        Bounds { entries: each(&self.entries_each).max(1), bytes: each(&self.bytes_each) }
    }

    /// The number of shards stays: smaller bounds than shards keep one entry in each.
    pub(super) fn resize(&self, bounds: Bounds) {
        self.entries_each.store(bounds.entries / self.shards.len(), Ordering::Relaxed);
        self.bytes_each.store(bounds.bytes / self.shards.len(), Ordering::Relaxed);
        let bounds = self.bounds_each();
        for shard in &self.shards {
            // A few at a time, so that no request waits for all.
            while shard.lock().shrink(bounds, 64) {}
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.shards.iter().fold(Usage::default(), |sum, shard| {
            let usage = shard.look().usage();
            Usage {
                entries: sum.entries + usage.entries,
                bytes: sum.bytes + usage.bytes,
                dropped: sum.dropped + usage.dropped,
            }
        })
    }
}

impl<V: Worth> fmt::Debug for Shards<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.usage().fmt(f)
    }
}

impl<V> Shard<V> {
    // Nothing under the lock panics, and if it did, a wrong count would be better than a dead shard.
    fn lock(&self) -> RwLockWriteGuard<'_, Entries<V>> {
        soon(|| self.0.try_write(), || self.0.write())
    }

    fn look(&self) -> RwLockReadGuard<'_, Entries<V>> {
        soon(|| self.0.try_read(), || self.0.read())
    }
}

/// Takes a lock that is held for a tenth of a microsecond. Who finds it held for longer waits for a worker that was taken
/// off its core in the middle, and so offers it this one: to sleep and be woken would be a system call for both, and a turn
/// of the scheduler more for this one. In the end it sleeps all the same.
fn soon<G>(attempt: impl Fn() -> TryLockResult<G>, sleep: impl Fn() -> LockResult<G>) -> G {
    const SPINS: usize = 100;
    const OFFERS: usize = 100;
    for attempts in 0..SPINS + OFFERS {
        match attempt() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) if attempts < SPINS => hint::spin_loop(),
            Err(TryLockError::WouldBlock) => thread::yield_now(),
        }
    }
    sleep().unwrap_or_else(PoisonError::into_inner)
}
