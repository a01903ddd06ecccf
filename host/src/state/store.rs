//! Plugins' keys and values.

#[cfg(test)]
mod tests;

use super::shards::{Bounds, Shards, Usage, Worth};
use super::{Misuse, Moment};

/// Keys and values, each plugin's under its own scope. Times to live are in milliseconds; none means
/// until it is deleted or makes room.
///
/// When a shard is full, the plugin that has the most makes room: its entries that expire soonest;
/// among those that do not expire, the one that was set longest ago.
///
/// A counter reads as its decimal digits, and a value of such digits (`-?[0-9]+`, an `i64` in
/// its shortest form) counts as a counter: what Redis does too, so that both scopes agree.
#[derive(Debug)]
pub struct Store {
    shards: Shards<Value>,
}

struct Value {
    expires: Moment,
    content: Content,
}

enum Content {
    Counter(i64),
    Bytes(Box<[u8]>),
}

impl Store {
    pub fn new(bounds: Bounds) -> Self {
        Self { shards: Shards::new(bounds) }
    }

    pub fn get(&self, scope: &str, key: &str, now: Moment) -> Result<Option<Vec<u8>>, Misuse> {
        Misuse::check_name(key)?;
        let (probe, entries) = self.shards.look(scope, key);
        Ok(entries.get(&probe).filter(|value| value.lives(now)).map(|value| value.content.to_vec()))
    }

    pub fn has(&self, scope: &str, key: &str, now: Moment) -> bool {
        let (probe, entries) = self.shards.look(scope, key);
        entries.get(&probe).is_some_and(|value| value.lives(now))
    }

    pub fn set(&self, scope: &str, key: &str, value: Vec<u8>, ttl: Option<u64>, now: Moment) -> Result<(), Misuse> {
        let value = Value::new(value, ttl, now)?;
        Misuse::check_name(key)?;
        let bounds = self.shards.bounds_each();
        let (probe, mut entries) = self.shards.lock(scope, key);
        entries.put(&probe, value, bounds, now);
        Ok(())
    }

    /// Whether there was one.
    pub fn delete(&self, scope: &str, key: &str, now: Moment) -> Result<bool, Misuse> {
        Misuse::check_name(key)?;
        let (probe, mut entries) = self.shards.lock(scope, key);
        Ok(entries.take(&probe).is_some_and(|value| value.lives(now)))
    }

    /// The new value. What is not there, or is no counter, starts at 0 and then lives for `ttl`; a
    /// counter keeps the time that it has left. Saturates.
    pub fn add(&self, scope: &str, key: &str, delta: i64, ttl: Option<u64>, now: Moment) -> Result<i64, Misuse> {
        Misuse::check_name(key)?;
        let bounds = self.shards.bounds_each();
        let (probe, mut entries) = self.shards.lock(scope, key);
        if let Some(value) = entries.get_mut(&probe).filter(|value| value.lives(now))
            && let Some(counter) = value.content.counter()
        {
            let sum = counter.saturating_add(delta);
            value.content = Content::Counter(sum);
            return Ok(sum);
        }
        let value = Value { expires: expiry(ttl, now), content: Content::Counter(delta) };
        entries.put(&probe, value, bounds, now);
        Ok(delta)
    }

    /// Sets the value only if the current one equals `expected` (none: there is no entry). Answers
    /// whether it did.
    pub fn compare_and_swap(
        &self,
        scope: &str,
        key: &str,
        expected: Option<&[u8]>,
        value: Vec<u8>,
        ttl: Option<u64>,
        now: Moment,
    ) -> Result<bool, Misuse> {
        let value = Value::new(value, ttl, now)?;
        Misuse::check_name(key)?;
        let bounds = self.shards.bounds_each();
        let (probe, mut entries) = self.shards.lock(scope, key);
        let current = entries.get(&probe).filter(|value| value.lives(now));
        let equal = match (current, expected) {
            (Some(current), Some(expected)) => current.content.equals(expected),
            (None, None) => true,
            _ => false,
        };
        if equal {
            entries.put(&probe, value, bounds, now);
        }
        Ok(equal)
    }

    /// For a reload; what no longer fits makes room.
    pub fn resize(&self, bounds: Bounds) {
        self.shards.resize(bounds);
    }

    pub fn usage(&self) -> Usage {
        self.shards.usage()
    }
}

impl Value {
    fn new(bytes: Vec<u8>, ttl: Option<u64>, now: Moment) -> Result<Self, Misuse> {
        if bytes.len() > Misuse::MAX_VALUE {
            return Err(Misuse::Value(bytes.len()));
        }
        Ok(Self { expires: expiry(ttl, now), content: Content::Bytes(bytes.into()) })
    }

    fn lives(&self, now: Moment) -> bool {
        self.expires > now
    }
}

impl Content {
    fn counter(&self) -> Option<i64> {
        match self {
            Self::Counter(counter) => Some(*counter),
            Self::Bytes(bytes) => {
                let number: i64 = std::str::from_utf8(bytes).ok()?.parse().ok()?;
                (number.to_string().as_bytes() == &**bytes).then_some(number)
            }
        }
    }

    fn to_vec(&self) -> Vec<u8> {
        match self {
            Self::Counter(counter) => counter.to_string().into_bytes(),
            Self::Bytes(bytes) => bytes.to_vec(),
        }
    }

    fn equals(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Counter(counter) => counter.to_string().as_bytes() == bytes,
            Self::Bytes(own) => **own == *bytes,
        }
    }
}

impl Worth for Value {
    fn until(&self) -> Moment {
        self.expires
    }

    fn bytes(&self) -> usize {
        match &self.content {
            Content::Counter(_) => 0,
            Content::Bytes(bytes) => bytes.len(),
        }
    }
}

fn expiry(ttl: Option<u64>, now: Moment) -> Moment {
    ttl.map_or(Moment::NEVER, |ttl| now.plus_millis(ttl))
}
