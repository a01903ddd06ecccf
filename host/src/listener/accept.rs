//! Accepts the connections of one listener on one worker.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::spawn_local;

use super::worker::Shared;
use super::{Settings, connection};

/// How long to wait when the process is out of descriptors or memory; a closed connection ends the
/// wait earlier.
const PAUSE: Duration = Duration::from_millis(100);

pub(super) async fn accept(shared: Rc<Shared>, listener: TcpListener, settings: Rc<RefCell<Rc<Settings>>>) {
    loop {
        let current = Rc::clone(&settings.borrow());
        if current.connections.is_some_and(|most| shared.connections.get() >= most) {
            shared.closed.notified().await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                let settings = Rc::clone(&settings.borrow());
                let guard = Open::new(Rc::clone(&shared));
                spawn_local(connection::serve(guard, stream, peer, settings));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!("cannot accept: {error}");
                tokio::select! {
                    () = shared.closed.notified() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
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
}

impl Open {
    fn new(shared: Rc<Shared>) -> Self {
        shared.connections.set(shared.connections.get() + 1);
        shared.proxy.opened();
        Self { shared }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.connections.set(self.shared.connections.get() - 1);
        self.shared.proxy.closed();
        self.shared.closed.notify_waiters();
    }
}
