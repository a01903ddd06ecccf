//! Descriptors that are kept back for the admin listener, so that it can be asked what is wrong when the process has no
//! other left.
//!
//! They are sockets that lead nowhere, for those need no file. One is closed where another descriptor is about to be
//! wanted, on the thread that wants it. Who else waits for descriptors may be quicker, which is rare, and made good when
//! there are some again.

use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// As many connections can be served at once, less one: answering opens a file.
const MOST: usize = 4;

pub(super) struct Reserve(Mutex<Vec<UnixDatagram>>);

impl Reserve {
    pub(super) fn new() -> Self {
        let this = Self(Mutex::default());
        this.fill();
        this
    }

    /// Lets go of one, for a connection. False if there is none.
    pub(super) fn release(&self) -> bool {
        self.kept().pop().is_some()
    }

    /// Takes as many as are missing, if there are so many.
    pub(super) fn fill(&self) {
        let mut kept = self.kept();
        while kept.len() < MOST {
            let Ok(socket) = UnixDatagram::unbound() else { return };
            kept.push(socket);
        }
    }

    /// Does what opens one descriptor at a time, and closes it.
    pub(super) fn lend<T>(&self, open: impl FnOnce() -> T) -> T {
        self.release();
        let opened = open();
        self.fill();
        opened
    }

    fn kept(&self) -> MutexGuard<'_, Vec<UnixDatagram>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
