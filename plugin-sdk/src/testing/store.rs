//! Keys and values with a time to live. Unbounded, unlike the gateway's.

use std::collections::HashMap;

/// The most bytes of a key, behind whose it is; of a value.
const KEY: usize = 2 * 1024;
const VALUE: usize = 64 * 1024;

#[derive(Default)]
pub(crate) struct Store(HashMap<String, Entry>);

struct Entry {
    value: Value,
    /// Milliseconds since 1970.
    expires: Option<u64>,
}

enum Value {
    Bytes(Vec<u8>),
    Counter(i64),
}

impl Store {
    pub(crate) fn get(&mut self, key: &str, now: u64) -> Option<Vec<u8>> {
        self.live(key, now).map(|entry| match &entry.value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Counter(count) => count.to_string().into_bytes(),
        })
    }

    pub(crate) fn set(&mut self, key: &str, value: &[u8], ttl: Option<u64>, now: u64) {
        assert!(value.len() <= VALUE, "a value has at most 64 KiB");
        let entry = Entry { value: Value::Bytes(value.to_owned()), expires: expires(ttl, now) };
        self.insert(key, entry);
    }

    pub(crate) fn delete(&mut self, key: &str, now: u64) -> bool {
        let was_there = self.live(key, now).is_some();
        self.0.remove(key);
        was_there
    }

    pub(crate) fn add(&mut self, key: &str, delta: i64, ttl: Option<u64>, now: u64) -> i64 {
        if let Some(Entry { value: Value::Counter(count), .. }) = self.live(key, now) {
            *count = count.saturating_add(delta);
            return *count;
        }
        self.insert(key, Entry { value: Value::Counter(delta), expires: expires(ttl, now) });
        delta
    }

    fn insert(&mut self, key: &str, entry: Entry) {
        assert!(key.len() <= KEY, "a key has at most 1 KiB");
        self.0.insert(key.to_owned(), entry);
    }

    fn live(&mut self, key: &str, now: u64) -> Option<&mut Entry> {
        self.0.get_mut(key).filter(|entry| entry.expires.is_none_or(|expires| now < expires))
    }
}

fn expires(ttl: Option<u64>, now: u64) -> Option<u64> {
    ttl.map(|ttl| now.saturating_add(ttl))
}
