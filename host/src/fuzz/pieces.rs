//! How bytes arrive: in pieces, whose sizes are as random as the bytes that say them.

/// Splits bytes into pieces of 1 byte up to some more. The first byte says how.
pub(super) fn pieces(bytes: &[u8]) -> (&[u8], impl Iterator<Item = &[u8]>) {
    let (seed, bytes) = bytes.split_first().map_or((0, bytes), |(seed, rest)| (*seed, rest));
    let mut state = u32::from(seed);
    let mut rest = bytes;
    let next = move || {
        if rest.is_empty() {
            return None;
        }
        // Of Numerical Recipes; the upper bits are the random ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = 1 + usize::from(seed);
        let (piece, after) = rest.split_at((1 + (state >> 16) as usize % most).min(rest.len()));
        rest = after;
        Some(piece)
    };
    (bytes, std::iter::from_fn(next))
}
