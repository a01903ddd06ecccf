//! What one worker keeps for one endpoint, and the hold that an exchange has on it.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::connection::Connector;
use super::definition::{Address, Endpoint, Internal, KeepAlive, Upstream};
use super::http2::Connections;
use super::idle::Idle;
use super::limit::Permit;
use super::patience::{Alarm, Silence};
use super::vitals::{Loaded, Record};
use crate::http1::client::Connection;

#[derive(Debug)]
pub(super) struct EndpointState {
    pub(super) address: Address,
    pub(super) text: Arc<str>,
    /// `None`: the gateway itself is the endpoint.
    pub(super) connector: Option<Connector>,
    /// Over HTTP/1.
    pub(super) idle: Idle,
    pub(super) http2: Connections,
    /// For requests with long heads, for which an endpoint may leave with all that runs on the connection.
    pub(super) http2_long: Connections,
    in_flight: Cell<u32>,
    pub(super) record: Record,
}

/// One unfinished request: counted as long as it lives.
#[derive(Debug)]
pub(super) struct InFlight {
    endpoint: Rc<EndpointState>,
    _loaded: Option<Loaded>,
}

/// What a response's body holds until its end, or a tunnel: its place in the count.
#[derive(Debug)]
pub struct Lease {
    pub(super) in_flight: InFlight,
    /// Of the connection that the body comes on.
    pub(super) alarm: Alarm,
    /// How long the body may take, if not as long as it likes.
    pub(super) silence: Option<Silence>,
    /// Its place at the upstream, where places are limited.
    pub(super) permit: Option<Permit>,
}

impl EndpointState {
    pub(super) fn new(address: &Address) -> Rc<Self> {
        Rc::new(Self {
            address: address.clone(),
            text: address.text(),
            connector: match address {
                Address::Remote(remote) => Some(Connector::new(remote)),
                Address::Internal(Internal::Echo) => None,
            },
            idle: Idle::new(),
            http2: Connections::new(),
            http2_long: Connections::new(),
            in_flight: Cell::new(0),
            record: Record::default(),
        })
    }

    /// Goes on as an endpoint of this config.
    pub(super) fn follow(&self, upstream: &Upstream, endpoint: &Endpoint) {
        self.limit(upstream.keep_alive);
        self.record.follow(upstream, &endpoint.vitals);
    }

    /// Sets what a config says of its connections.
    pub(super) fn limit(&self, limits: KeepAlive) {
        let names_clients = self.connector.as_ref().is_some_and(|it| it.remote.proxy_protocol.is_some());
        // A connection that begins with a client's address is of no use to another client.
        let limits = if names_clients { KeepAlive { connections: 0, ..limits } } else { limits };
        self.idle.limit(limits);
        self.http2.limit(limits);
        self.http2_long.limit(limits);
    }

    /// Closes connections that idled too long or were closed by the endpoint.
    pub(super) fn sweep(&self, now: Instant) {
        self.idle.sweep(now);
        self.http2.sweep(now);
        self.http2_long.sweep(now);
        if self.idle.is_empty() {
            self.http2.choose_again();
            self.http2_long.choose_again();
        }
    }

    /// Unfinished requests of this worker: sent or about to be, and not yet answered to the end.
    #[cfg(test)]
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    pub(super) fn enter(self: &Rc<Self>) -> InFlight {
        self.in_flight.set(self.in_flight.get() + 1);
        InFlight { endpoint: Rc::clone(self), _loaded: self.record.enter() }
    }
}

impl Lease {
    /// The exchange is over: another one may use the connection, if it can take one.
    pub(super) fn finish(self, connection: Option<Connection>) {
        if let Some(connection) = connection {
            self.in_flight.endpoint.idle.put(connection, self.alarm);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.endpoint.in_flight.set(self.endpoint.in_flight.get() - 1);
    }
}
