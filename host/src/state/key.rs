//! Keys of shared entries: whose it is, and the name that the plugin gave it.
//!
//! A key is hashed once, for the shard and for its map, and read without being copied.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

/// As it is looked up.
#[derive(Clone, Copy)]
pub(super) struct Probe<'a> {
    hash: u64,
    scope: &'a str,
    name: &'a str,
}

/// As it is kept. A clone shares the text.
#[derive(Clone)]
pub(super) struct Key {
    hash: u64,
    scope: usize,
    /// The scope's bytes, then the name's.
    text: Arc<str>,
}

/// What a map of [`Key`]s compares, so that a [`Probe`] finds them.
pub(super) trait Parts {
    fn hash(&self) -> u64;
    fn parts(&self) -> (&str, &str);
}

/// Passes on the hash that keys bring.
#[derive(Clone, Copy, Default)]
pub(super) struct Prehashed(u64);

impl<'a> Probe<'a> {
    /// The hash is keyed: names hold what clients send, who could otherwise choose colliding ones.
    pub(super) fn new(hashing: &RandomState, scope: &'a str, name: &'a str) -> Self {
        Self { hash: hashing.hash_one((scope, name)), scope, name }
    }

    pub(super) fn scope(&self) -> &'a str {
        self.scope
    }

    pub(super) fn to_key(self) -> Key {
        let text = [self.scope, self.name].concat();
        Key { hash: self.hash, scope: self.scope.len(), text: text.into() }
    }
}

impl Key {
    /// Bytes of its text.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

impl Parts for Probe<'_> {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn parts(&self) -> (&str, &str) {
        (self.scope, self.name)
    }
}

impl Parts for Key {
    fn hash(&self) -> u64 {
        self.hash
    }

    fn parts(&self) -> (&str, &str) {
        self.text.split_at(self.scope)
    }
}

impl<'a> Borrow<dyn Parts + 'a> for Key {
    fn borrow(&self) -> &(dyn Parts + 'a) {
        self
    }
}

impl Hash for dyn Parts + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Parts::hash(self));
    }
}

impl PartialEq for dyn Parts + '_ {
    fn eq(&self, other: &Self) -> bool {
        Parts::hash(self) == Parts::hash(other) && self.parts() == other.parts()
    }
}

impl Eq for dyn Parts + '_ {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.parts() == other.parts()
    }
}

impl Eq for Key {}

impl BuildHasher for Prehashed {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Prehashed {
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys write their hash alone");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
