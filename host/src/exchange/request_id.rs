//! The id of an exchange: what logs, upstreams and the client know it by.

use std::ops::Deref;

use bytes::Bytes;
use http::HeaderValue;

/// The id of an exchange: visible ASCII, 1 to 128 bytes. A clone shares the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

/// Longer ids of others are replaced by one of ours.
const MOST_BYTES: usize = 128;

impl RequestId {
    /// What somebody else calls the exchange, if it can be its id.
    pub fn given(value: &HeaderValue) -> Option<Self> {
        let is_id = (1..=MOST_BYTES).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic);
        is_id.then(|| Self(value.clone()))
    }

    /// An id of our own making.
    pub fn made(text: [u8; 32]) -> Self {
        Self(HeaderValue::from_maybe_shared(Bytes::from_owner(text)).expect("ids are made of hex digits"))
    }

    pub fn value(&self) -> &HeaderValue {
        &self.0
    }
}

impl Deref for RequestId {
    type Target = str;

    fn deref(&self) -> &str {
        str::from_utf8(self.0.as_bytes()).expect("ids are ASCII")
    }
}
