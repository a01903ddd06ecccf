//! The room that bodies may take which are kept for plugins: one count for the whole process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Bytes of bodies that are kept now, on all workers. Only exchanges that keep a body touch it.
#[derive(Debug, Default)]
pub struct Room {
    taken: AtomicUsize,
}

/// A part of the room, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    /// Bytes that all shares together may have.
    most: usize,
    bytes: usize,
}

/// There is no room for more.
#[derive(Debug)]
pub(super) struct Full;

impl Room {
    /// Bytes.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A share of nothing yet, of a room that has `most` bytes.
    pub(super) fn share(self: &Arc<Self>, most: usize) -> Share {
        Share { room: Arc::clone(self), most, bytes: 0 }
    }
}

impl Share {
    pub(super) fn grow(&mut self, more: usize) -> Result<(), Full> {
        let before = self.room.taken.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.most {
            self.room.taken.fetch_sub(more, Ordering::Relaxed);
            return Err(Full);
        }
        self.bytes += more;
        Ok(())
    }

    /// Bytes that hold the share for as long as any of them is kept.
    pub(super) fn hold(self, bytes: impl Into<Bytes>) -> Bytes {
        Bytes::from_owner(Held { bytes: bytes.into(), _share: self })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_once_and_given_back_with_the_last_byte() {
        let room = Arc::new(Room::default());
        let mut share = room.share(10);
        assert!(share.grow(6).is_ok() && share.grow(5).is_err() && share.grow(4).is_ok());
        assert!(room.share(10).grow(1).is_err());
        let bytes = share.hold(Bytes::from_static(b"ten bytes!"));
        let rest = bytes.slice(9..);
        drop(bytes);
        assert_eq!((room.taken(), &rest[..]), (10, &b"!"[..]));
        drop(rest);
        assert_eq!(room.taken(), 0);
    }
}
