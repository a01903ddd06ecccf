//! Pieces of frames that arrive in any cut: a header block over its frames, and the first bytes of a payload. Pure.

use std::time::Instant;

use super::fields::{Fields, Names};
use super::frames::{END_STREAM, Head, PADDED, PRIORITY};

/// The header block that is arriving.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: u32,
    /// Nothing follows it on its stream.
    pub(super) ends: bool,
    pub(super) fields: Fields,
    pub(super) since: Instant,
    /// What comes before the fields in the current frame: the length of the padding, and a priority.
    padded: bool,
    priority: u32,
    /// Bytes of fields in the current frame.
    left: u32,
}

impl Block {
    /// Begins with a frame of HEADERS, of a connection with these names in its table.
    pub(super) fn begun(head: Head, names: Names, now: Instant) -> Self {
        Self {
            stream: head.stream,
            ends: head.has(END_STREAM),
            fields: Fields::behind(names),
            since: now,
            padded: head.has(PADDED),
            priority: if head.has(PRIORITY) { 5 } else { 0 },
            left: head.length,
        }
    }

    /// Goes on with one of CONTINUATION.
    pub(super) fn goes_on(&mut self, head: Head) {
        self.left = head.length;
    }

    /// Takes a piece of the payload of one of its frames.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        if self.padded
            && let Some(padding) = bytes.split_off_first()
        {
            self.padded = false;
            self.left = self.left.saturating_sub(1 + u32::from(*padding));
        }
        let priority = bytes.split_off(..bytes.len().min(self.priority as usize)).map_or(0, |bytes| bytes.len() as u32);
        self.priority -= priority;
        self.left = self.left.saturating_sub(priority);
        let fields = &bytes[..bytes.len().min(self.left as usize)];
        self.left -= fields.len() as u32;
        self.fields.feed(fields);
    }
}

/// The first bytes of a payload, or of the current setting.
#[derive(Debug, Default)]
pub(super) struct Value {
    pub(super) bytes: [u8; 8],
    pub(super) filled: usize,
}

impl Value {
    /// Takes up to `most` bytes in all.
    pub(super) fn fill(&mut self, bytes: &mut &[u8], most: usize) {
        if let Some(more) = bytes.split_off(..bytes.len().min(most - self.filled)) {
            self.bytes[self.filled..self.filled + more.len()].copy_from_slice(more);
            self.filled += more.len();
        }
    }

    pub(super) fn number(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes[..self.filled].get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().expect("these are four")))
    }
}
