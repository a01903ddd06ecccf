//! Accepts the connections of one listener on one worker.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::refusals::Why;
use super::room::{Room, Seat};
use super::told::Told;
use super::worker::Shared;
use super::{Address, Settings, connection};
use crate::http1::Socket;
use crate::telemetry::metrics::Counter;
use crate::wire::peer::Peer;

pub(super) async fn accept(
    shared: Rc<Shared>,
    address: Address,
    listener: TcpListener,
    settings: Rc<RefCell<Rc<Settings>>>,
    room: Arc<Room>,
) {
    let failures = Failures::new(address, Arc::clone(&room));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match room.seat() {
                Some(seat) => {
                    let open = Open::new(Rc::clone(&shared), seat);
                    let settings = Rc::clone(&settings.borrow());
                    spawn_local(connection::serve(open, Socket::Plain(stream), Some(peer), settings));
                }
                None => {
                    refuse(&room, peer.into(), &shared.proxy.metrics().refusals.connections);
                    Socket::Plain(stream).reset_on_close(true);
                }
            },
            Err(error) => failures.pause(&error, &shared.proxy.metrics().accept_failures).await,
        }
    }
}

/// Counts one who comes when as many are there as may be, and tells of it.
pub(super) fn refuse(room: &Room, peer: Peer, count: &Counter) {
    count.increment();
    Why::Full.tell(room.told(), peer, &"as many are open as `connections` allows");
}

/// What keeps a listener from accepting: when to try again, and when to tell of it.
pub(super) struct Failures {
    address: Address,
    room: Arc<Room>,
}

/// How long to wait when the process is out of descriptors or memory: who waits for it to end asks the system for
/// nothing.
const PAUSE: Duration = Duration::from_millis(100);

impl Failures {
    pub(super) fn new(address: Address, room: Arc<Room>) -> Self {
        Self { address, room }
    }

    /// Returns when the next attempt is due.
    pub(super) async fn pause(&self, error: &io::Error, count: &Counter) {
        if is_of_one_connection(error) {
            return;
        }
        count.increment();
        if self.room.begins_pause() {
            tracing::warn!("cannot accept on {}, and tries again all the while: {error}", self.address);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A connection that was gone before it was accepted says nothing about the next one.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Counts an open connection for as long as it lives.
pub(super) struct Open {
    pub(super) shared: Rc<Shared>,
    seat: Seat,
}

impl Open {
    pub(super) fn new(shared: Rc<Shared>, seat: Seat) -> Self {
        shared.connections.set(shared.connections.get() + 1);
        shared.proxy.opened();
        Self { shared, seat }
    }

    /// What the listener tells of those who are turned away.
    pub(super) fn told(&self) -> &Told {
        self.seat.told()
    }

    /// Whether this peer may have one more connection. Asked once, when it is known who that is.
    pub(super) fn admits(&mut self, peer: Peer, settings: &Settings) -> bool {
        match peer {
            Peer::Ip(address) if self.seat.is_by_address() && !settings.uncounted.has_address(address) => {
                self.seat.count(address)
            }
            Peer::Ip(_) | Peer::Unix => true,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.connections.set(self.shared.connections.get() - 1);
        self.shared.proxy.closed();
        self.shared.closed.notify_waiters();
    }
}
