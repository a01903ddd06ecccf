//! A worker: one thread, one runtime, its sockets, its connections.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_local};

use super::accept::{self, Open};
use super::patience::Patients;
use super::room::Seat;
use super::{Address, Settings, Socket, connection};
use crate::http1;
use crate::proxy::{Proxy, ProxyParts};

/// What the control thread asks of a worker.
#[derive(Debug)]
pub enum Command {
    /// Accept on this socket, in place of an earlier one of the same listener.
    Listen(Socket),
    /// Serve the connections that come from now on in another way.
    Change(Address, Settings),
    /// Accept no more on this listener; its connections go on.
    Close(Address),
    /// Serve this connection of a listener that has no socket here.
    Serve(Address, UnixStream, Seat),
    /// Accept no more at all, finish what runs, and return.
    Drain,
    /// After `Drain`: end what still runs, and return.
    Cut,
}

/// What a worker starts with.
pub struct WorkerParts {
    pub index: usize,
    pub sockets: Vec<Socket>,
    pub proxy: ProxyParts,
}

/// A running worker, as the control thread holds it.
#[derive(Debug)]
pub struct Worker {
    commands: mpsc::UnboundedSender<Command>,
    /// Answers how many exchanges were cut.
    thread: JoinHandle<usize>,
}

/// What the connections of one worker share.
pub(super) struct Shared {
    /// Which worker it is, from 0.
    pub(super) worker: usize,
    pub(super) proxy: Rc<Proxy>,
    pub(super) patients: Patients,
    pub(super) connections: Cell<usize>,
    pub(super) closed: tokio::sync::Notify,
}

impl Worker {
    pub fn start(parts: WorkerParts) -> io::Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let (started, starts) = std::sync::mpsc::sync_channel(1);
        let thread = thread::Builder::new().name(format!("worker-{}", parts.index)).stack_size(2 * 1024 * 1024).spawn(
            move || match runtime() {
                Ok(runtime) => {
                    let _ = started.send(Ok(()));
                    let proxy = runtime.block_on(run(parts, inbox));
                    proxy.cut();
                    // Every exchange that is in flight ends here, and leaves its line as any other.
                    runtime.shutdown_background();
                    proxy.conclude(LAST_HOOKS)
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                    0
                }
            },
        )?;
        starts.recv().map_err(io::Error::other)??;
        Ok(Self { commands, thread })
    }

    /// Tells the worker to do something; one that has returned does nothing more.
    pub fn tell(&self, command: Command) {
        if self.commands.send(command).is_err() {
            tracing::debug!("a worker that has returned was told something");
        }
    }

    /// Where it is told something by others than the control thread's own code.
    pub(super) fn commands(&self) -> mpsc::UnboundedSender<Command> {
        self.commands.clone()
    }

    /// Whether the worker has returned: it was drained, or it panicked.
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// How many exchanges it cut, if it has returned.
    pub fn cut(self) -> usize {
        if self.is_finished() { self.thread.join().unwrap_or_default() } else { 0 }
    }
}

/// How long the log hooks of exchanges that were cut may take, all together.
const LAST_HOOKS: Duration = Duration::from_secs(1);

/// Made on the worker's thread, which it cannot leave: so tasks need no set of their own and no lock.
fn runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

async fn run(parts: WorkerParts, mut inbox: mpsc::UnboundedReceiver<Command>) -> Rc<Proxy> {
    let proxy = Proxy::new(parts.proxy);
    let shared = Rc::new(Shared {
        worker: parts.index,
        proxy: Rc::clone(&proxy),
        patients: Patients::new(),
        connections: Cell::new(0),
        closed: tokio::sync::Notify::new(),
    });
    spawn_local(Rc::clone(&proxy).attend());
    let timers = Rc::clone(&shared);
    spawn_local(async move { timers.patients.attend().await });
    let mut listening = HashMap::new();
    for socket in parts.sockets {
        listen(&shared, &mut listening, socket);
    }
    while let Some(command) = inbox.recv().await {
        match command {
            Command::Listen(socket) => listen(&shared, &mut listening, socket),
            Command::Change(name, settings) => {
                if let Some(listener) = listening.get(&name) {
                    listener.settings.replace(settings.of_worker());
                }
            }
            Command::Close(name) => drop(listening.remove(&name)),
            Command::Serve(name, stream, seat) => {
                if let Some(listener) = listening.get(&name) {
                    serve(&shared, listener, stream, seat);
                }
            }
            Command::Drain | Command::Cut => break,
        }
    }
    listening.clear();
    shared.patients.drain();
    while shared.connections.get() > 0 || proxy.has_endings() {
        let closed = shared.closed.notified();
        tokio::select! {
            () = closed => {}
            Some(Command::Cut) = inbox.recv() => break,
            // Log hooks run on without a connection closing.
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
    }
    proxy
}

/// A listener. Its accepting task, if it has one, ends with this.
struct Listening {
    task: Option<AbortHandle>,
    settings: Rc<RefCell<Rc<Settings>>>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn listen(shared: &Rc<Shared>, listening: &mut HashMap<Address, Listening>, socket: Socket) {
    let Socket { name, socket, settings, room } = socket;
    let settings = Rc::new(RefCell::new(settings.of_worker()));
    let task = match socket.map(tokio::net::TcpListener::from_std).transpose() {
        Ok(listener) => listener.map(|listener| {
            let accepts = accept::accept(Rc::clone(shared), name.clone(), listener, Rc::clone(&settings), room);
            spawn_local(accepts).abort_handle()
        }),
        Err(error) => return tracing::error!("listener {name} cannot be accepted on: {error}"),
    };
    listening.insert(name, Listening { task, settings });
}

fn serve(shared: &Rc<Shared>, listener: &Listening, stream: UnixStream, seat: Seat) {
    let open = Open::new(Rc::clone(shared), seat);
    match tokio::net::UnixStream::from_std(stream) {
        Ok(stream) => {
            let settings = Rc::clone(&listener.settings.borrow());
            spawn_local(connection::serve(open, http1::Socket::Unix(stream), None, settings));
        }
        Err(error) => tracing::warn!("a connection cannot be served: {error}"),
    }
}
