//! An exchange whose upstream has switched to another protocol: it ends with the tunnel.

use std::io;

use super::flight::Flight;
use crate::http1::Way;
use crate::upstream::Lease;

/// A tunnel as it is counted and logged. Dropped before its end, it is an exchange that was not completed.
pub struct Tunnel {
    flight: Box<Flight>,
    /// The upstream counts it as unfinished.
    _lease: Lease,
}

impl Tunnel {
    pub(super) fn new(mut flight: Box<Flight>, lease: Lease) -> Self {
        flight.switched();
        flight.proxy.metrics.tunnels.increment();
        Self { flight, _lease: lease }
    }

    /// A piece went this way.
    pub fn carried(&mut self, way: Way, bytes: usize) {
        match way {
            Way::Up => self.flight.received(bytes),
            Way::Down => self.flight.sent(bytes),
        }
    }

    /// Nothing more is carried: both sides have said all, or one failed.
    pub fn end(mut self, end: &io::Result<()>) {
        match end {
            Ok(()) => self.flight.complete(),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => self.flight.cut("tunnel-idle-timeout"),
            Err(_) => {}
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.flight.proxy.metrics.tunnels.decrement();
    }
}
