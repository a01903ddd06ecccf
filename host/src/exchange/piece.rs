//! What a hook of bodies is called for.

use bytes::Bytes;

/// A whole body, or a piece of one, for the time of a call.
#[derive(Debug)]
pub struct Piece {
    pub bytes: Bytes,
    /// Nothing follows it.
    pub is_last: bool,
    /// Bytes that the plugin may put in its place.
    pub most: usize,
}
