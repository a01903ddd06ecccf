//! The listeners of the live config: what is bound, and what a reload changes of it.

use std::net::{SocketAddr, TcpListener};

use super::GatewayError;
use crate::config;
use crate::listener::{BindError, Command, Settings, Socket, Tls, Worker, bind, bind_beside, takes_in};

/// What is bound now.
pub(super) struct Listeners {
    workers: usize,
    bound: Vec<Bound>,
}

struct Bound {
    name: SocketAddr,
    /// With the port that the system chose for port 0.
    address: SocketAddr,
    settings: Settings,
}

/// Changes that are ready to be made: everything that could fail has been done.
pub(super) struct Changes {
    commands: Vec<Vec<Command>>,
    bound: Vec<Bound>,
}

impl Listeners {
    /// Binds every listener; the sockets are per worker. `tls` is for each of the listeners.
    pub(super) fn bind(
        listeners: &[config::Listener],
        tls: &[Option<Tls>],
        workers: usize,
    ) -> Result<(Self, Vec<Vec<Socket>>), GatewayError> {
        let mut this = Self { workers, bound: Vec::new() };
        let mut sockets: Vec<Vec<Socket>> = (0..workers).map(|_| Vec::new()).collect();
        for (listener, tls) in listeners.iter().zip(tls) {
            let (bound, new) = this.bind_one(listener, settings(listener, tls), bind)?;
            this.bound.push(bound);
            for (worker, socket) in sockets.iter_mut().zip(new) {
                worker.push(socket);
            }
        }
        Ok((this, sockets))
    }

    /// Logs where the gateway can be reached; tests and scripts that use port 0 read it.
    pub(super) fn announce(&self) {
        for bound in &self.bound {
            tracing::info!(address = %bound.address, "listening on {}", bound.address);
        }
    }

    /// Binds what is new in a config. Nothing changes before the changes are made.
    pub(super) fn prepare(&self, listeners: &[config::Listener], tls: &[Option<Tls>]) -> Result<Changes, GatewayError> {
        let mut commands: Vec<Vec<Command>> = (0..self.workers).map(|_| Vec::new()).collect();
        let mut bound = Vec::new();
        for (listener, tls) in listeners.iter().zip(tls) {
            let mut settings = settings(listener, tls);
            let Some(old) = self.bound.iter().find(|old| old.name == listener.address) else {
                let closes = |old: &&Bound| !listeners.iter().any(|kept| kept.address == old.name);
                let meets =
                    |old: &&Bound| takes_in(listener.address, old.address) || takes_in(old.address, listener.address);
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
                    commands.push(Command::Change(old.name, settings.clone()));
                }
            }
            bound.push(Bound { name: old.name, address: old.address, settings });
        }
        for old in &self.bound {
            if !bound.iter().any(|new| new.name == old.name) {
                for commands in &mut commands {
                    commands.push(Command::Close(old.name));
                }
            }
        }
        Ok(Changes { commands, bound })
    }

    pub(super) fn make(&mut self, changes: Changes, workers: &[Worker]) {
        for (worker, commands) in workers.iter().zip(changes.commands) {
            for command in commands {
                worker.tell(command);
            }
        }
        let new = |bound: &&Bound| !self.bound.iter().any(|old| old.name == bound.name);
        for bound in changes.bound.iter().filter(new) {
            tracing::info!(address = %bound.address, "listening on {}", bound.address);
        }
        for old in self.bound.iter().filter(|old| !changes.bound.iter().any(|bound| bound.name == old.name)) {
            tracing::info!(address = %old.address, "no longer listening on {}; its connections go on", old.address);
        }
        self.bound = changes.bound;
    }

    fn bind_one(
        &self,
        listener: &config::Listener,
        settings: Settings,
        bind: fn(SocketAddr, usize) -> Result<Vec<TcpListener>, BindError>,
    ) -> Result<(Bound, Vec<Socket>), GatewayError> {
        let failed = |error| GatewayError::Listener { place: listener.place.clone(), error };
        let sockets = bind(listener.address, self.workers).map_err(failed)?;
        let address = sockets.first().map_or(Ok(listener.address), TcpListener::local_addr)?;
        let sockets = sockets
            .into_iter()
            .map(|socket| Socket { name: listener.address, socket, settings: settings.clone() })
            .collect();
        Ok((Bound { name: listener.address, address, settings }, sockets))
    }
}

fn settings(listener: &config::Listener, tls: &Option<Tls>) -> Settings {
    Settings {
        http1: listener.protocols.http1,
        http2: listener.protocols.http2,
        tls: tls.clone(),
        connections: listener.limits.connections.map(std::num::NonZero::get),
        header_timeout: listener.limits.header_timeout,
        handshake_timeout: listener.limits.handshake_timeout,
        idle_timeout: listener.limits.idle_timeout,
        body_timeout: listener.limits.body_timeout,
        write_timeout: listener.limits.write_timeout,
        min_rate: listener.limits.min_rate,
        tunnel_idle_timeout: listener.limits.tunnel_idle_timeout,
        requests: listener.limits.requests.map(std::num::NonZero::get),
        target_bytes: listener.limits.target_bytes,
        headers: listener.limits.headers,
        header_bytes: listener.limits.header_bytes,
    }
}
