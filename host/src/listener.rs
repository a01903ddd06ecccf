//! Accepts connections, speaks TLS, HTTP/1.1 and HTTP/2, and runs the workers.
//!
//! A worker is one OS thread with a current-thread runtime and sockets of its own (`SO_REUSEPORT`),
//! so that no request moves between threads. It must not know what becomes of a request: that is
//! [`Proxy::handle`](crate::proxy::Proxy::handle).

#![cfg(feature = "gateway")]

mod accept;
mod acceptor;
mod address;
mod connection;
pub(crate) mod http2;
mod limits;
mod patience;
mod proxied;
mod refusals;
mod room;
mod socket;
mod stalls;
mod tls;
mod told;
mod unix;
mod worker;

pub use acceptor::Acceptor;
pub use address::{Address, LONGEST_PATH};
pub use limits::ClientLimits;
pub use room::{ConnectionLimits, Room};
pub use socket::{BindError, bind, bind_beside};
pub use tls::Tls;
pub use worker::{Command, Worker, WorkerParts};

use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;

use crate::wire::peer::Peers;

/// How one listener serves its connections.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// By which routes ask for it.
    pub name: Option<Arc<str>>,
    pub http1: bool,
    /// With prior knowledge, or agreed on by ALPN.
    pub http2: bool,
    /// What handshakes need, if it speaks TLS.
    pub tls: Option<Tls>,
    /// Peers that say by the PROXY protocol, before anything else, whose connection it is.
    pub proxied: Peers,
    /// Whether an upstream is told of the ends of clients' connections.
    pub tells_ends: bool,
    /// Peers that speak for many clients: they may have more connections than one address may.
    pub uncounted: Peers,
    pub limits: ClientLimits,
}

impl Settings {
    /// With a name that no other worker has: requests count their uses of it.
    fn of_worker(self) -> Rc<Self> {
        Rc::new(Self { name: self.name.as_deref().map(Arc::from), ..self })
    }
}

/// One worker's part of a listener.
#[derive(Debug)]
pub struct Socket {
    pub name: Address,
    /// None where the connections are accepted by an [`Acceptor`].
    pub socket: Option<TcpListener>,
    pub settings: Settings,
    pub room: Arc<Room>,
}
