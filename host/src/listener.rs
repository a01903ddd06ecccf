//! Accepts connections, speaks TLS, HTTP/1.1 and HTTP/2, and runs the workers.
//!
//! A worker is one OS thread with a current-thread runtime and sockets of its own (`SO_REUSEPORT`),
//! so that no request moves between threads. It must not know what becomes of a request: that is
//! [`Proxy::handle`](crate::proxy::Proxy::handle).

mod accept;
mod connection;
mod http2;
mod patience;
mod socket;
mod stalls;
mod tls;
mod worker;

pub use socket::{BindError, bind, bind_beside, takes_in};
pub use tls::{HTTP1, HTTP2, Tls};
pub use worker::{Command, Worker, WorkerParts};

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// How one listener serves its connections.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub http1: bool,
    /// With prior knowledge, or agreed on by ALPN.
    pub http2: bool,
    /// What handshakes need, if it speaks TLS.
    pub tls: Option<Tls>,
    /// Open connections of one worker.
    pub connections: Option<usize>,
    /// From the first byte of a request, or from the accept, to the end of its headers.
    pub header_timeout: Duration,
    /// From the accept to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// Between two requests of one connection.
    pub idle_timeout: Duration,
    /// Between two pieces of a request's body. HTTP/1 only.
    pub body_timeout: Duration,
    /// How long a client may not read. HTTP/1 only.
    pub write_timeout: Duration,
    /// Bytes a second below which a body does not come and a client does not read. HTTP/1 only.
    pub min_rate: u64,
    /// Between two pieces of a tunnel.
    pub tunnel_idle_timeout: Duration,
    /// Requests of one HTTP/1 connection.
    pub requests: Option<usize>,
    /// Bytes of a request's target.
    pub target_bytes: usize,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of one request's line and headers.
    pub header_bytes: usize,
}

/// One worker's socket of a listener.
#[derive(Debug)]
pub struct Socket {
    /// As the configuration says it, which names the listener: port 0 stays 0.
    pub name: SocketAddr,
    pub socket: TcpListener,
    pub settings: Settings,
}
