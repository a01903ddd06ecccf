//! Accepts on a Unix socket, and hands what comes to the workers in turn.
//!
//! Unlike an address with a port, a path cannot be listened on by each worker. So the control thread does it, and does
//! no more than that: it reads nothing.

use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::Path;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{AbortHandle, spawn_local};

use super::accept::{self, Failures};
use super::room::Room;
use super::unix::{self, SocketFile};
use super::worker::{Command, Worker};
use super::{Address, BindError};
use crate::telemetry::metrics::Registry;
use crate::wire::peer::Peer;

/// A Unix socket that is listened on. Dropped, it is closed, and its file is gone.
#[derive(Debug)]
pub struct Acceptor {
    // Goes before the socket is closed: nobody else has taken its place by then.
    file: SocketFile,
    address: Address,
    /// Until it begins.
    listener: Option<StdUnixListener>,
    task: Option<AbortHandle>,
}

impl Acceptor {
    /// Accepts nothing yet. `mode`: the permissions of the file.
    pub fn bind(path: &Arc<Path>, mode: u32) -> Result<Self, BindError> {
        let address = Address::Unix(Arc::clone(path));
        match unix::bind(path, mode) {
            Ok((listener, file)) => Ok(Self { file, address, listener: Some(listener), task: None }),
            Err(source) => Err(BindError { address, source }),
        }
    }

    /// Begins, unless it has begun. Call it inside a `LocalSet`.
    pub fn start(&mut self, room: &Arc<Room>, workers: &[Worker], registry: &Arc<Registry>) {
        let Some(listener) = self.listener.take() else { return };
        match UnixListener::from_std(listener) {
            Ok(listener) => {
                let workers = workers.iter().map(Worker::commands).collect();
                let turns = Turns { workers, next: 0 };
                let accepts = run(listener, self.address.clone(), Arc::clone(room), turns, Arc::clone(registry));
                self.task = Some(spawn_local(accepts).abort_handle());
            }
            Err(error) => tracing::error!("listener {} cannot be accepted on: {error}", self.address),
        }
    }

    pub fn set_mode(&self, mode: u32) {
        if let Err(error) = self.file.set_mode(mode) {
            tracing::warn!("the permissions of {} stay as they are: {error}", self.address);
        }
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn run(listener: UnixListener, address: Address, room: Arc<Room>, mut turns: Turns, registry: Arc<Registry>) {
    let failures = Failures::new(address.clone(), Arc::clone(&room));
    loop {
        // The worker waits for what it reads: this thread's runtime forgets it.
        match listener.accept().await.and_then(|(stream, _)| stream.into_std()) {
            Ok(stream) => match room.seat() {
                Some(seat) => turns.hand_over(Command::Serve(address.clone(), stream, seat)),
                None => accept::refuse(&room, Peer::Unix, &registry.host.refusals.connections),
            },
            Err(error) => failures.pause(&error, &registry.host.accept_failures).await,
        }
    }
}

/// Whose turn it is.
struct Turns {
    workers: Vec<UnboundedSender<Command>>,
    next: usize,
}

impl Turns {
    /// A worker that has returned is passed over.
    fn hand_over(&mut self, mut command: Command) {
        for _ in 0..self.workers.len() {
            let worker = &self.workers[self.next % self.workers.len()];
            self.next = self.next.wrapping_add(1);
            match worker.send(command) {
                Ok(()) => return,
                Err(returned) => command = returned.0,
            }
        }
    }
}
