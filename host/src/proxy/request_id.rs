//! Ids of exchanges: 32 hex digits, unique over workers and restarts, not secret.

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};

use crate::exchange::RequestId;

/// Makes the ids of one worker: a random prefix and a scrambled count.
pub(super) struct RequestIds {
    prefix: u64,
    key: u64,
    count: Cell<u64>,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        // `RandomState` is the standard library's only door to the system's random numbers.
        let random = || RandomState::new().build_hasher().finish();
        Self { prefix: random(), key: random(), count: Cell::new(0) }
    }

    pub(super) fn next(&self) -> RequestId {
        let count = self.count.get();
        self.count.set(count.wrapping_add(1));
        let mut id = [0; 32];
        hex(self.prefix, &mut id[..16]);
        hex(scramble(count ^ self.key), &mut id[16..]);
        RequestId::made(id)
    }
}

/// A bijection, so that different counts stay different (the finaliser of SplitMix64; Steele et al., 2014).
fn scramble(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

fn hex(value: u64, out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, out) in value.to_be_bytes().into_iter().zip(out.chunks_exact_mut(2)) {
        out[0] = DIGITS[usize::from(byte >> 4)];
        out[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_hex_digits_and_differ() {
        let ids = RequestIds::new();
        let made: std::collections::HashSet<_> = (0..10_000).map(|_| ids.next().to_string()).collect();
        assert_eq!(made.len(), 10_000);
        assert!(made.iter().all(|id| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit())));
    }
}
