//! The callers that the config knows, and the one way to ask whose a key is.
//!
//! Keys are kept as salted hashes only. One live config owns one table; an exchange keeps a
//! [`ConsumerId`], which costs nothing to copy, and not a count that every worker would write to.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::key::Prehashed;

/// A caller that the gateway knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    pub name: String,
    pub groups: Vec<String>,
    /// The groups, separated by commas.
    pub group_list: String,
}

/// What the config says of a consumer. Holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct Registration<'a> {
    pub name: String,
    pub groups: Vec<String>,
    pub keys: Vec<&'a str>,
}

/// Of the table that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerId(u32);

/// Two consumers that have the same key, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("consumers {0} and {1} have the same key; give each its own")]
pub struct DuplicateKey(pub usize, pub usize);

pub struct Consumers {
    consumers: Vec<Consumer>,
    names: HashMap<String, ConsumerId>,
    /// Random for each table, so that nobody can choose keys by their hash.
    salt: [u8; 16],
    /// The last is nobody's: what unknown keys are compared with.
    keys: Vec<KeyHash>,
    /// Places in `keys` by the first eight bytes of the hash.
    places: HashMap<u64, u32, Prehashed>,
}

/// Bytes of a key. Longer ones are not hashed.
pub const MOST_KEY_BYTES: usize = 1024;

struct KeyHash {
    hash: [u8; 32],
    owner: ConsumerId,
}

impl Consumers {
    /// A consumer may list one key several times, two may not share it.
    pub fn new(registrations: &[Registration<'_>]) -> Result<Self, DuplicateKey> {
        // Salts under which two keys agree in eight bytes are too rare to meet twice.
        loop {
            if let Some(table) = Self::with_salt(registrations, random())? {
                return Ok(table);
            }
        }
    }

    /// The consumer that has a credential of this kind with this public id. Keys have none, and there
    /// is no other kind yet.
    pub fn find(&self, _kind: &str, _id: &str) -> Option<ConsumerId> {
        None
    }

    /// The consumer whose credential this is. Kind `key` has an empty `id`. Nobody has the empty key.
    ///
    /// An unknown key costs the same hash, lookup and comparison as a known one.
    pub fn verify(&self, kind: &str, id: &str, secret: &[u8]) -> Option<ConsumerId> {
        if kind != "key" || !id.is_empty() || secret.is_empty() || secret.len() > MOST_KEY_BYTES {
            return None;
        }
        let hash = hash(self.salt, secret);
        let nobody = u32::try_from(self.keys.len() - 1).expect("the table was built with this many");
        let place = self.places.get(&prefix(&hash)).copied().unwrap_or(nobody);
        let key = &self.keys[place as usize];
        let equal = bool::from(key.hash.ct_eq(&hash));
        (equal && place != nobody).then_some(key.owner)
    }

    /// The consumer of this name.
    pub fn named(&self, name: &str) -> Option<ConsumerId> {
        self.names.get(name).copied()
    }

    /// # Panics
    ///
    /// When `id` is of another, larger table.
    pub fn consumer(&self, id: ConsumerId) -> &Consumer {
        &self.consumers[id.0 as usize]
    }

    /// None when the places of two different keys meet.
    fn with_salt(registrations: &[Registration<'_>], salt: [u8; 16]) -> Result<Option<Self>, DuplicateKey> {
        let consumers = registrations.iter().map(|it| Consumer {
            name: it.name.clone(),
            groups: it.groups.clone(),
            group_list: it.groups.join(","),
        });
        let mut table = Self {
            consumers: consumers.collect(),
            names: (0u32..).zip(registrations).map(|(id, it)| (it.name.clone(), ConsumerId(id))).collect(),
            salt,
            keys: Vec::new(),
            places: HashMap::default(),
        };
        for (owner, registration) in (0u32..).zip(registrations) {
            for secret in &registration.keys {
                let hash = hash(salt, secret.as_bytes());
                let place = u32::try_from(table.keys.len()).expect("a config has fewer than 2^32 keys");
                if let Some(earlier) = table.places.insert(prefix(&hash), place) {
                    let earlier = &table.keys[earlier as usize];
                    match (earlier.hash == hash, earlier.owner.0 == owner) {
                        (false, _) => return Ok(None),
                        (true, false) => {
                            return Err(DuplicateKey(earlier.owner.0 as usize, owner as usize));
                        }
                        (true, true) => {}
                    }
                }
                table.keys.push(KeyHash { hash, owner: ConsumerId(owner) });
            }
        }
        table.keys.push(KeyHash { hash: hash(salt, &random()), owner: ConsumerId(u32::MAX) });
        Ok(Some(table))
    }
}

impl fmt::Debug for Consumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumers").field("consumers", &self.consumers).finish_non_exhaustive()
    }
}

fn hash(salt: [u8; 16], secret: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(secret).finalize().into()
}

fn prefix(hash: &[u8; 32]) -> u64 {
    u64::from_le_bytes(*hash.first_chunk().expect("32 bytes have a first 8"))
}

/// From the keys that the standard library draws for its hash maps: SipHash under a key that the
/// system's generator gave.
fn random() -> [u8; 16] {
    let state = RandomState::new();
    let halves = [state.hash_one(0), state.hash_one(1)].map(u64::to_le_bytes);
    *halves.as_flattened().first_chunk().expect("two times 8 bytes")
}
