//! What a connection waits for, and how far that came: for whoever watches over it, and ends what does not move.
//!
//! It must not know the time. A connection that waits for nothing pays a store for it.

use std::cell::Cell;

/// Of one connection.
#[derive(Debug, Default)]
pub struct Progress {
    /// For more of a request's body.
    pub body: Wait,
    /// For the client to read what is written to it.
    pub room: Wait,
    /// For a byte of either side of a tunnel.
    pub tunnel: Wait,
}

/// One kind of waiting.
#[derive(Debug, Default)]
pub struct Wait {
    waits: Cell<bool>,
    moved: Cell<u64>,
    over: Cell<bool>,
}

impl Wait {
    /// Whether it is being waited now.
    pub fn waits(&self) -> bool {
        self.waits.get()
    }

    /// Bytes that have moved so far.
    pub fn moved(&self) -> u64 {
        self.moved.get()
    }

    /// Ends the waiting. Wake up the connection's task after it.
    pub fn end(&self) {
        self.over.set(true);
    }

    /// Whether it was ended.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    pub(crate) fn set(&self, waits: bool) {
        self.waits.set(waits);
    }

    /// So many bytes have moved since the beginning.
    pub(super) fn come_to(&self, moved: u64) {
        self.moved.set(moved);
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.moved.set(self.moved.get() + bytes as u64);
    }
}
