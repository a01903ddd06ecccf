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
pub use room::{ConnectionLimits, Room};
pub use socket::{BindError, bind, bind_beside};
pub use tls::Tls;
pub use worker::{Command, Worker, WorkerParts};

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

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

/// What one client may take of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// From the first byte of a request, or from the accept, to the end of its headers.
    pub header_timeout: Duration,
    /// From the accept to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// Between two requests of one connection.
    pub idle_timeout: Duration,
    /// Between two pieces of a request's body.
    pub body_timeout: Duration,
    /// How long a client may not read what is written to it.
    pub write_timeout: Duration,
    /// Bytes a second below which a body does not come and a client does not read; 0: any byte counts.
    pub min_rate: u64,
    /// Between two pieces of a tunnel, whichever way they go.
    pub tunnel_idle_timeout: Duration,
    /// Requests of one connection; `None`: no limit.
    pub requests: Option<NonZeroUsize>,
    /// Bytes of a request's target.
    pub target_bytes: usize,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of one request's line and headers, at least 8 KiB.
    pub header_bytes: usize,
    /// Requests that an HTTP/2 connection may have open at once.
    pub streams: usize,
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
