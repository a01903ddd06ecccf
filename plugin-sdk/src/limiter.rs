//! Rates that all workers share. Needs the grant `limiter`.
//!
//! ```
//! # use tollgate_plugin_sdk::{prelude::*, testing};
//! # let _gateway = testing::Gateway::new();
//! let quotas = [
//!     Quota::new(100, Duration::from_secs(1)).burst(20),
//!     Quota::new(10_000, Duration::from_secs(3600)).sliding_window(),
//! ];
//! let decision = limiter::acquire(Subject::Plugin, "acme", &quotas, 1);
//! assert!(decision.allowed());
//! ```

use crate::state::millis;
use crate::{Subject, backend};
use std::time::Duration;

/// So many units a window.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Quota {
    pub(crate) limit: u64,
    /// Milliseconds.
    pub(crate) window: u64,
    /// 0 means `limit`.
    pub(crate) burst: u64,
    pub(crate) algorithm: Algorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    TokenBucket,
    SlidingWindow,
}

impl Quota {
    /// `limit` units, at least 1, in a `window` of at least a millisecond, as a token bucket
    /// without a timer (the generic cell rate algorithm): smooth, and all of `limit` may come at
    /// once.
    pub fn new(limit: u64, window: impl Into<Duration>) -> Self {
        let window = millis(window.into());
        Self { limit, window, burst: 0, algorithm: Algorithm::TokenBucket }
    }

    /// Token bucket: so many units may come at once, in place of `limit`.
    pub fn burst(self, burst: u64) -> Self {
        Self { burst, ..self }
    }

    /// Counts in two windows instead, the older one weighted by how much of it the current window
    /// still covers.
    pub fn sliding_window(self) -> Self {
        Self { algorithm: Algorithm::SlidingWindow, ..self }
    }
}

/// What [`acquire`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub(crate) allowed: bool,
    pub(crate) standings: Vec<Standing>,
}

/// How one quota stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Units left now.
    pub remaining: u64,
    /// Until the quota is whole again.
    pub reset: Duration,
    /// Until this cost could pass; zero when it passed this quota.
    pub retry_after: Duration,
}

impl Decision {
    /// Whether the cost was taken from every quota.
    pub fn allowed(&self) -> bool {
        self.allowed
    }

    /// One for each quota, in their order.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Until this cost could pass every quota; zero when it passed.
    pub fn retry_after(&self) -> Duration {
        self.standings.iter().map(|standing| standing.retry_after).max().unwrap_or_default()
    }
}

/// Takes `cost` from every quota of the subject under `key`, or from none: a request that one quota refuses is not
/// charged to the others.
pub fn acquire(of: Subject, key: &str, quotas: &[Quota], cost: u64) -> Decision {
    backend::limiter::acquire(of, key, quotas, cost)
}
