//! Keys and values.

use super::capability;
use crate::Subject;

pub(crate) fn get(of: Subject, key: &str) -> Option<Vec<u8>> {
    capability("state", |world| world.store.get(&world.entry(of, key), world.now))
}

pub(crate) fn set(of: Subject, key: &str, value: &[u8], ttl: Option<u64>) {
    capability("state", |world| world.store.set(&world.entry(of, key), value, ttl, world.now));
}

pub(crate) fn delete(of: Subject, key: &str) -> bool {
    capability("state", |world| world.store.delete(&world.entry(of, key), world.now))
}

pub(crate) fn add(of: Subject, key: &str, delta: i64, ttl: Option<u64>) -> i64 {
    capability("state", |world| world.store.add(&world.entry(of, key), delta, ttl, world.now))
}

pub(crate) fn compare_and_swap(
    of: Subject,
    key: &str,
    expected: Option<&[u8]>,
    value: &[u8],
    ttl: Option<u64>,
) -> bool {
    capability("state", |world| {
        let entry = world.entry(of, key);
        let same = world.store.get(&entry, world.now).as_deref() == expected;
        if same {
            world.store.set(&entry, value, ttl, world.now);
        }
        same
    })
}
