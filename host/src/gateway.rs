//! The control thread: starts the workers, watches the configuration, and lets everything end well.
//!
//! It prepares each live config off the path of requests and swaps it in when it is whole. It must
//! not touch a request.

#![cfg(feature = "gateway")]

mod aside;
pub mod cache;
mod certificates;
mod expiry;
mod listeners;
pub mod loader;
mod logs;
mod names;
mod patterns;
mod redirects;
mod reload;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::LocalSet;
use tokio::time::{Instant, Interval};

use crate::admin::{self, AdminState, Readiness};
use crate::config::{Config, Problems};
use crate::listener::{Address, BindError, Command, Worker, WorkerParts};
use crate::proxy::{ProxyParts, Room};
use crate::sandbox::{Engine, EngineSettings, LoadError};
use crate::telemetry::metrics::Registry;
use listeners::Listeners;
use loader::Loader;
pub use logs::Logs;
use names::Names;
use reload::{Followers, Reloader};
use watch::Watch;

/// Why the gateway does not run, or stopped.
#[derive(Debug, Error)]
pub enum GatewayError {
    #[error("{0}")]
    Problems(#[from] Problems),
    #[error("{0}")]
    Sandbox(#[from] LoadError),
    #[error("{}: {error}", .place)]
    Listener { place: crate::config::Place, error: BindError },
    #[error("the admin listener: {0}")]
    Admin(BindError),
    #[error("the process could not be set up: {0}")]
    Io(#[from] std::io::Error),
}

/// Runs the gateway until SIGTERM or SIGINT, from a configuration that was read already.
pub fn run(path: &Path, config: Config, logs: Logs) -> Result<(), GatewayError> {
    raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        // Before components are compiled, which takes a while: what is asked meanwhile is done after it.
        let signals = Signals::new()?;
        Gateway::start(path, config, logs).await?.serve(signals).await
    })
}

/// As many descriptors as the system lets this process have: the usual soft limit of 1,024 is for programs that
/// use `select`.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }) {
        tracing::warn!(%error, "the limit of open descriptors stays at {:?}", limit.current);
    }
}

/// Workers that a configuration asks for.
pub fn workers(config: &Config) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    config.gateway.workers.map_or_else(cores, std::num::NonZero::get)
}

/// The engine of a configuration.
pub fn engine(config: &Config, cache: Option<PathBuf>) -> Result<Engine, LoadError> {
    Engine::new(EngineSettings {
        instances: config.gateway.sandbox.instances,
        memory: usize::try_from(config.gateway.sandbox.memory).unwrap_or(usize::MAX),
        cache,
    })
}

/// How long workers that were told to cut what runs may take to log it: the last log hooks have a second, and the one
/// that runs then may take its `limits.wall`.
const LAST_WORDS: Duration = Duration::from_secs(3);

struct Gateway {
    workers: Vec<Worker>,
    reloader: Reloader,
    readiness: Readiness,
    registry: Arc<Registry>,
    admin: Option<std::net::TcpListener>,
    shutdown_timeout: Duration,
}

impl Gateway {
    async fn start(path: &Path, config: Config, logs: Logs) -> Result<Self, GatewayError> {
        let workers = workers(&config);
        let engine = engine(&config, cache::folder())?;
        let registry = Arc::new(Registry::new(workers));
        logs.show_drops(&registry);
        let state = Arc::new(loader::state(&config.gateway));
        registry.show_state(Arc::clone(&state));
        let mut loader = Loader::new(engine, state, Arc::clone(&registry), workers);
        let files = watch::seen(&loader::files(&config));
        let live = loader.load(&config)?;
        let names = Names::new(&config.gateway.dns, Arc::clone(&registry));
        names.look_up(loader.plans(), &config.gateway.dns).await;
        loader.commit();
        let (mut listeners, sockets) = Listeners::bind(&config, loader.tls(), workers, &registry)?;
        let admin = config.gateway.admin.map(admin_socket).transpose()?;
        let live = Arc::clone(names.make_live(live, loader.plans()));
        let room = Arc::new(Room::default());
        let kept = Arc::clone(&room);
        registry.show_bodies(move || kept.taken());
        let workers = sockets
            .into_iter()
            .enumerate()
            .map(|(index, sockets)| {
                let proxy = ProxyParts {
                    worker: index,
                    live: Arc::clone(&live),
                    access_log: logs.access.writer(),
                    metrics: registry.worker(index),
                    unmatched: registry.unmatched(),
                    room: Arc::clone(&room),
                };
                Worker::start(WorkerParts { index, sockets, proxy })
            })
            .collect::<Result<Vec<_>, _>>()?;
        registry.host.config_generation.set(1);
        tracing::info!(
            concat!("tollgate ", env!("CARGO_PKG_VERSION"), ": {}, {}, {}, {}"),
            path.display(),
            count(config.routes.len(), "route"),
            count(config.plugins.len(), "plugin"),
            count(workers.len(), "worker"),
        );
        listeners.open(&workers);
        let followers = Followers { loader, names, listeners, logs };
        Ok(Self {
            workers,
            shutdown_timeout: config.gateway.shutdown_timeout,
            reloader: Reloader::new(path, config, followers, Arc::clone(&registry), files),
            readiness: Readiness::default(),
            registry,
            admin,
        })
    }

    async fn serve(mut self, mut signals: Signals) -> Result<(), GatewayError> {
        let (stop_admin, admin_stopped) = oneshot::channel::<()>();
        let admin = self.admin.take().map(|socket| self.spawn_admin(socket, admin_stopped)).transpose()?;
        let mut watch = Watch::new(self.reloader.files());
        let mut daily = tokio::time::interval_at(Instant::now() + expiry::AGAIN, expiry::AGAIN);
        self.readiness.set(true);
        while self.wait_for_change(&mut watch, &mut daily, &mut signals).await
            && self.reload(&mut watch, &mut signals).await
        {}
        self.drain(signals).await;
        let _ = stop_admin.send(());
        if let Some(admin) = admin {
            let _ = admin.await;
        }
        Ok(())
    }

    /// Waits until the configuration is to be read again; false when the gateway is to stop.
    async fn wait_for_change(&self, watch: &mut Watch, daily: &mut Interval, signals: &mut Signals) -> bool {
        loop {
            tokio::select! {
                asked = signals.next() => {
                    if asked == Asked::Reload {
                        tracing::info!("SIGHUP: reading the configuration again");
                    }
                    return asked == Asked::Reload;
                }
                () = watch.changed() => return true,
                _ = daily.tick() => self.reloader.remind(),
            }
        }
    }

    /// Reads the configuration again; false when the gateway is to stop, which does not wait for it.
    async fn reload(&mut self, watch: &mut Watch, signals: &mut Signals) -> bool {
        let mut again = true;
        while std::mem::take(&mut again) {
            let taken = {
                let mut reload = std::pin::pin!(self.reloader.reload(&self.workers));
                loop {
                    tokio::select! {
                        taken = reload.as_mut() => break taken,
                        asked = signals.next() => match asked {
                            Asked::Stop => return false,
                            // What is being read may be older than the signal.
                            Asked::Reload => again = true,
                        },
                    }
                }
            };
            self.shutdown_timeout = taken.unwrap_or(self.shutdown_timeout);
            watch.follow(self.reloader.files());
        }
        true
    }

    /// Readiness off, accept no more, finish what runs, for so long as the configuration says.
    async fn drain(&mut self, mut signals: Signals) {
        let most = self.shutdown_timeout;
        tracing::info!("stopping: exchanges that run get {most:?} to finish");
        self.readiness.set(false);
        self.reloader.close();
        for worker in &self.workers {
            worker.tell(Command::Drain);
        }
        let why = tokio::select! {
            () = self.finished() => String::new(),
            () = tokio::time::sleep(most) => format!("after {most:?}"),
            () = signals.until_stop() => "by a second signal".to_owned(),
        };
        if !why.is_empty() {
            for worker in &self.workers {
                worker.tell(Command::Cut);
            }
            // A worker that does not return even now is left to the end of the process.
            let _ = tokio::time::timeout(LAST_WORDS, self.finished()).await;
            match self.workers.drain(..).map(Worker::cut).sum() {
                0 => {}
                1 => tracing::warn!("1 exchange was cut {why}"),
                cut => tracing::warn!("{cut} exchanges were cut {why}"),
            }
        }
        tracing::info!("stopped");
    }

    /// Waits for every worker to return.
    async fn finished(&self) {
        while !self.workers.iter().all(Worker::is_finished) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn spawn_admin(
        &self,
        socket: std::net::TcpListener,
        stopped: oneshot::Receiver<()>,
    ) -> Result<tokio::task::JoinHandle<()>, GatewayError> {
        let listener = tokio::net::TcpListener::from_std(socket)?;
        tracing::info!("admin listener on {}", listener.local_addr()?);
        let state = Arc::new(AdminState::new(Arc::clone(&self.registry), self.readiness.clone(), Vec::new()));
        let shutdown = async { drop(stopped.await) };
        Ok(tokio::task::spawn_local(admin::serve(listener, state, shutdown)))
    }
}

/// `1 route`, `2 routes`.
pub fn count(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

impl GatewayError {
    /// What the operator can do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Listener { error, .. } | Self::Admin(error) if error.is_in_use() => Some(match error.address {
                Address::Tcp(_) => "another process has this port, maybe another gateway: stop it, or use another port",
                Address::Unix(_) => {
                    "another process listens there, maybe another gateway: stop it, or use another path"
                }
            }),
            Self::Problems(_) | Self::Sandbox(_) | Self::Listener { .. } | Self::Admin(_) | Self::Io(_) => None,
        }
    }
}

fn admin_socket(address: std::net::SocketAddr) -> Result<std::net::TcpListener, GatewayError> {
    let mut sockets = crate::listener::bind(address, 1).map_err(GatewayError::Admin)?;
    Ok(sockets.remove(0))
}

/// What a signal asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}

/// The signals that the gateway heeds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// A write would make a file larger than the process may (`ulimit -f`): to the log that is a full disk. Whoever does not
    /// heed the signal is ended by it.
    _file_size: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }

    async fn until_stop(&mut self) {
        while self.next().await != Asked::Stop {}
    }
}
