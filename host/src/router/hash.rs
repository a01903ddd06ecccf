//! A hash for tables whose keys are the operator's.
//!
//! A client chooses what is looked up but never what is stored, so it cannot make a table slow, and
//! the keyed hash of the standard library, which costs several times as much on short text, protects
//! from nothing here.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

pub(super) type Table<V> = HashMap<Box<str>, V, BuildHasherDefault<Folded>>;

/// Multiplies words of eight bytes and folds the high half of the product into the low one, as wyhash
/// does.
pub(super) struct Folded(u64);

impl Default for Folded {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        if let Some(last) = bytes.last_chunk::<8>().filter(|_| !tail.is_empty()) {
            self.write_u64(u64::from_le_bytes(*last));
        } else if !tail.is_empty() {
            self.write_u64(tail.iter().fold(1, |word, &byte| word << 8 | u64::from(byte)));
        }
    }

    /// What `str` ends with, which a table of nothing but text does not need.
    fn write_u8(&mut self, _: u8) {}

    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0xd6e8_feb8_6659_fd93;
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
