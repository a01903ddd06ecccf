//! The listeners of the live config: what is bound, and what a reload changes of it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::GatewayError;
use crate::config::{self, Config};
use crate::listener::{
    Acceptor, Address, BindError, Command, ConnectionLimits, Room, Settings, Socket, Tls, Worker, bind, bind_beside,
};
use crate::telemetry::metrics::Registry;

/// What is bound now.
pub(super) struct Listeners {
    workers: usize,
    registry: Arc<Registry>,
    bound: Vec<Bound>,
}

struct Bound {
    name: Address,
    /// With the port that the system chose for port 0.
    address: Address,
    settings: Settings,
    limits: ConnectionLimits,
    room: Arc<Room>,
    mode: u32,
    /// Of a Unix socket.
    acceptor: Option<Acceptor>,
}

/// Changes that are ready to be made: everything that could fail has been done.
pub(super) struct Changes {
    commands: Vec<Vec<Command>>,
    bound: Vec<Bound>,
}

/// How an address with a port is bound: free, or beside a listener that is about to close.
type Bind = fn(SocketAddr, usize) -> Result<Vec<TcpListener>, BindError>;

impl Listeners {
    /// Binds every listener; the sockets are per worker. `tls` is for each of the listeners.
    pub(super) fn bind(
        config: &Config,
        tls: &[Option<Tls>],
        workers: usize,
        registry: &Arc<Registry>,
    ) -> Result<(Self, Vec<Vec<Socket>>), GatewayError> {
        let mut this = Self { workers, registry: Arc::clone(registry), bound: Vec::new() };
        let mut sockets: Vec<Vec<Socket>> = (0..workers).map(|_| Vec::new()).collect();
        for (listener, tls) in config.listeners.iter().zip(tls) {
            let (bound, new) = this.bind_one(listener, settings(config, listener, tls), bind)?;
            this.bound.push(bound);
            for (worker, socket) in sockets.iter_mut().zip(new) {
                worker.push(socket);
            }
        }
        Ok((this, sockets))
    }

    /// Accepts on what is bound, and logs where; tests and scripts that use port 0 read it.
    pub(super) fn open(&mut self, workers: &[Worker]) {
        for bound in &mut self.bound {
            bound.open(workers, &self.registry);
        }
    }

    /// Accepts no more where the workers do not accept by themselves.
    pub(super) fn close(&mut self) {
        for bound in &mut self.bound {
            bound.acceptor = None;
        }
    }

    /// Binds what is new in a config. Nothing changes before the changes are made.
    pub(super) fn prepare(&self, config: &Config, tls: &[Option<Tls>]) -> Result<Changes, GatewayError> {
        let mut commands: Vec<Vec<Command>> = (0..self.workers).map(|_| Vec::new()).collect();
        let mut bound = Vec::new();
        for (listener, tls) in config.listeners.iter().zip(tls) {
            let mut settings = settings(config, listener, tls);
            let Some(old) = self.bound.iter().find(|old| old.name == listener.address) else {
                let closes = |old: &&Bound| !config.listeners.iter().any(|kept| kept.address == old.name);
                let meets =
                    |old: &&Bound| listener.address.takes_in(&old.address) || old.address.takes_in(&listener.address);
                let mut met = self.bound.iter().filter(meets).peekable();
                let beside = met.peek().is_some() && met.all(|old| closes(&old));
                let (new, sockets) = self.bind_one(listener, settings, if beside { bind_beside } else { bind })?;
                bound.push(new);
                for (commands, socket) in commands.iter_mut().zip(sockets) {
                    commands.push(Command::Listen(socket));
                }
                continue;
            };
            if old.settings.tls == settings.tls {
                // What it was made of is the same: so its tickets stay good.
                settings.tls.clone_from(&old.settings.tls);
            }
            if old.settings != settings {
                for commands in &mut commands {
                    commands.push(Command::Change(old.name.clone(), settings.clone()));
                }
            }
            bound.push(Bound {
                name: old.name.clone(),
                address: old.address.clone(),
                settings,
                limits: listener.connections,
                room: Arc::clone(&old.room),
                mode: listener.mode,
                acceptor: None,
            });
        }
        for old in &self.bound {
            if !bound.iter().any(|new| new.name == old.name) {
                for commands in &mut commands {
                    commands.push(Command::Close(old.name.clone()));
                }
            }
        }
        Ok(Changes { commands, bound })
    }

    pub(super) fn make(&mut self, changes: Changes, workers: &[Worker]) {
        let mut old = std::mem::replace(&mut self.bound, changes.bound);
        let mut new = Vec::new();
        for bound in &mut self.bound {
            match old.iter().position(|old| old.name == bound.name) {
                Some(place) => bound.take_over(old.swap_remove(place)),
                None => new.push(bound),
            }
        }
        for bound in &mut old {
            // Before the workers close it: what was accepted is still served.
            bound.acceptor = None;
            tracing::info!(address = %bound.address, "no longer listening on {}; its connections go on", bound.address);
        }
        for (worker, commands) in workers.iter().zip(changes.commands) {
            for command in commands {
                worker.tell(command);
            }
        }
        // After the workers know of it.
        for bound in new {
            bound.open(workers, &self.registry);
        }
    }

    fn bind_one(
        &self,
        listener: &config::Listener,
        settings: Settings,
        bind: Bind,
    ) -> Result<(Bound, Vec<Socket>), GatewayError> {
        let failed = |error| GatewayError::Listener { place: listener.place.clone(), error };
        let (address, sockets, acceptor) = match &listener.address {
            Address::Tcp(address) => {
                let sockets = bind(*address, self.workers).map_err(failed)?;
                let chosen = sockets.first().map_or(Ok(*address), TcpListener::local_addr)?;
                (Address::Tcp(chosen), sockets.into_iter().map(Some).collect(), None)
            }
            Address::Unix(path) => {
                let acceptor = Acceptor::bind(path, listener.mode).map_err(failed)?;
                let sockets: Vec<Option<TcpListener>> = (0..self.workers).map(|_| None).collect();
                (listener.address.clone(), sockets, Some(acceptor))
            }
        };
        let limits = listener.connections;
        let (name, room) = (listener.address.clone(), Room::new(limits, address.clone()));
        let socket = |socket| {
            let (name, settings, room) = (name.clone(), settings.clone(), Arc::clone(&room));
            Socket { name, socket, settings, room }
        };
        let sockets = sockets.into_iter().map(socket).collect();
        Ok((Bound { name, address, settings, limits, room, mode: listener.mode, acceptor }, sockets))
    }
}

impl Bound {
    fn open(&mut self, workers: &[Worker], registry: &Arc<Registry>) {
        if let Some(acceptor) = &mut self.acceptor {
            acceptor.start(&self.room, workers, registry);
        }
        tracing::info!(address = %self.address, "listening on {}", self.address);
    }

    /// Goes on with what the same listener had.
    fn take_over(&mut self, old: Self) {
        self.acceptor = old.acceptor;
        self.room.limit(self.limits);
        if let Some(acceptor) = &self.acceptor
            && self.mode != old.mode
        {
            acceptor.set_mode(self.mode);
        }
    }
}

fn settings(config: &Config, listener: &config::Listener, tls: &Option<Tls>) -> Settings {
    Settings {
        name: listener.name.as_deref().map(Arc::from),
        http1: listener.protocols.http1,
        http2: listener.protocols.http2,
        tls: tls.clone(),
        proxied: listener.proxy_protocol.clone(),
        tells_ends: config.upstreams.iter().any(|upstream| upstream.proxy_protocol.is_some()),
        uncounted: config.gateway.trusted_proxies.clone(),
        limits: listener.limits,
    }
}
