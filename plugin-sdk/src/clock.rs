//! The time. Needs no grant.

use crate::backend;

/// Milliseconds since 1970-01-01 in UTC. Wall time: it may jump, also backwards.
pub fn now() -> u64 {
    backend::clock::now()
}
