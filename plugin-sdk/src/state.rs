//! Keys and values that all workers share and that outlive instances, reloads and swaps. Each
//! plugin sees its own, for each [`Subject`]. Needs the grant `state`.
//!
//! The store is bounded: when it is full, entries that expire soonest make room. A value is at
//! most 64 KiB, a key at most 1 KiB; a larger one is a fault. A time to live counts in whole
//! milliseconds; without one, an entry stays until it is deleted or makes room.

use crate::{Subject, backend};
use std::time::Duration;

/// The value of a key.
pub fn get(of: Subject, key: &str) -> Option<Vec<u8>> {
    backend::state::get(of, key)
}

/// Sets the value of a key.
///
/// ```
/// # use tollgate_plugin_sdk::{prelude::*, testing};
/// # let _gateway = testing::Gateway::new();
/// state::set(Subject::Plugin, "seen", "1", Duration::from_secs(60));
/// state::set(Subject::Plugin, "forever", "1", None);
/// ```
pub fn set(of: Subject, key: &str, value: impl AsRef<[u8]>, ttl: impl Into<Option<Duration>>) {
    backend::state::set(of, key, value.as_ref(), ttl.into().map(millis));
}

/// Deletes an entry. Answers whether there was one.
pub fn delete(of: Subject, key: &str) -> bool {
    backend::state::delete(of, key)
}

/// Adds to a counter and answers its new value; one that is not there, or holds something that is
/// not a counter, starts at 0. The time to live counts from the start of the counter and is not
/// renewed. Saturates.
pub fn add(of: Subject, key: &str, delta: i64, ttl: impl Into<Option<Duration>>) -> i64 {
    backend::state::add(of, key, delta, ttl.into().map(millis))
}

/// Sets the value only if the current one equals `expected` (`None`: there is no entry). Answers
/// whether it did.
pub fn compare_and_swap(
    of: Subject,
    key: &str,
    expected: Option<&[u8]>,
    value: impl AsRef<[u8]>,
    ttl: impl Into<Option<Duration>>,
) -> bool {
    backend::state::compare_and_swap(of, key, expected, value.as_ref(), ttl.into().map(millis))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
