//! What all workers share and what outlives instances, reloads and swaps: plugins' keys and values
//! ([`Store`]), their rates ([`Limiter`]), and the callers that the config knows ([`Consumers`]).
//!
//! This is the `local` scope: one process's memory, bounded, each call under the lock of one shard.
//! The meaning of every call is written in `wit/capabilities.wit`.
//!
//! Pure: time comes in as a [`Moment`], nothing waits. It must not know HTTP, the sandbox or the form
//! of the config.

mod clock;
mod consumers;
mod key;
mod limiter;
mod shards;
mod store;
mod subject;

pub use self::clock::{Clock, Moment};
pub use self::consumers::{Consumer, ConsumerId, Consumers, MOST_KEY_BYTES, Registration};
pub use self::limiter::{Algorithm, Limiter, Quota};
pub use self::shards::Bounds;
pub use self::store::Store;
pub use self::subject::Subject;

/// What plugins share, in one process.
#[derive(Debug)]
pub struct State {
    pub store: Store,
    pub limiter: Limiter,
    pub clock: Clock,
}

impl State {
    pub fn new(store: Bounds, limiter: Bounds) -> Self {
        Self { store: Store::new(store), limiter: Limiter::new(limiter), clock: Clock::new() }
    }

    /// For a reload; what no longer fits makes room.
    pub fn resize(&self, store: Bounds, limiter: Bounds) {
        self.store.resize(store);
        self.limiter.resize(limiter);
    }
}

/// A call that is a fault of the plugin that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    #[error("a key of {0} bytes; at most {max} are allowed", max = Misuse::MAX_KEY)]
    Key(usize),
    #[error("a value of {0} bytes; at most {max} are allowed", max = Misuse::MAX_VALUE)]
    Value(usize),
    #[error("{0} quotas in one call; at most {max} are allowed", max = Misuse::MAX_QUOTAS)]
    Quotas(usize),
    #[error("a quota of 0 units; the least `limit` is 1")]
    Limit,
    #[error("a quota over 0 milliseconds; the least `window` is 1")]
    Window,
}

impl Misuse {
    /// Bytes.
    pub const MAX_KEY: usize = 1024;
    /// Bytes of an entry's name: a plugin's key behind the name of whose the entry is.
    const MAX_NAME: usize = 2 * Self::MAX_KEY;
    /// Bytes.
    pub const MAX_VALUE: usize = 64 * 1024;
    pub const MAX_QUOTAS: usize = 16;

    fn check_key(key: &str) -> Result<(), Self> {
        if key.len() > Self::MAX_KEY { Err(Self::Key(key.len())) } else { Ok(()) }
    }

    fn check_name(name: &str) -> Result<(), Self> {
        if name.len() > Self::MAX_NAME { Err(Self::Key(name.len())) } else { Ok(()) }
    }
}
