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
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of one request's line and headers.
    pub header_bytes: usize,
    /// Requests that an HTTP/2 connection may have open at once.
    pub streams: usize,
}

/// One worker's socket of a listener.
#[derive(Debug)]
pub struct Socket {
    /// As the configuration says it, which names the listener: port 0 stays 0.
    pub name: SocketAddr,
    pub socket: TcpListener,
    pub settings: Settings,
}
