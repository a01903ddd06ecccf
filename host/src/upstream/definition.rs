//! What an upstream is: the immutable part, shared by all workers as a piece of the live config.
//!
//! It must not know connections, counters or anything else that a worker keeps.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;

use super::tls::Tls;
use crate::wire::proxy_protocol::Version;

use super::limit::Limit;
use super::retry::Retry;

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Unique in a config. Connections are carried over a reload by this name and the address.
    pub name: Arc<str>,
    pub endpoints: Vec<Endpoint>,
    pub balancer: Balancer,
    /// From the choice of an endpoint to an open connection: TCP, then TLS.
    pub connect_timeout: Duration,
    /// From the request being written to the head of the response.
    pub response_timeout: Duration,
    /// Between two pieces of the response's body, while the client takes them.
    pub idle_timeout: Option<Duration>,
    /// From the request being sent to the last byte of its response, all tries together.
    pub total_timeout: Option<Duration>,
    pub keep_alive: KeepAlive,
    /// `None`: a request is sent once.
    pub retry: Option<Retry>,
    pub limit: Option<Limit>,
    /// The index of the upstream that requests go to which none of its own endpoints took.
    pub failover: Option<usize>,
}

/// What a route says in place of its upstream's timeouts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides {
    pub response: Option<Duration>,
    /// `Some(None)` is "off".
    pub idle: Option<Option<Duration>>,
    pub total: Option<Option<Duration>>,
}

/// One address in an upstream.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: Address,
    /// Its share of the requests, relative to the other endpoints; 0 counts as 1.
    pub weight: u32,
}

/// Where an endpoint is, with what is needed of it per request made in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Behind a socket. All of it tells two endpoints apart.
    Remote(Arc<Remote>),
    /// Answered by the gateway itself, with no connection.
    Internal(Internal),
}

/// An endpoint that is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    pub place: Place,
    /// `None`: plain connections.
    pub tls: Option<Tls>,
    pub protocol: Protocol,
    /// By which version of the PROXY protocol it is told of clients. Its connections are not kept: each is of one client.
    pub proxy_protocol: Option<Version>,
    /// What `Host` says when the request does not bring one.
    pub authority: HeaderValue,
    /// Address and port, or the path of a socket, for logs and metrics.
    pub text: Arc<str>,
}

/// What is connected to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// What a name stands for is known before: no request looks one up.
    Tcp(SocketAddr),
    /// A socket's path.
    Unix(Arc<Path>),
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    /// Over TLS agreed on by ALPN, else with prior knowledge (RFC 9113, section 3.3).
    Http2,
    /// Whatever the endpoint chooses by ALPN.
    Auto,
}

/// Endpoints that the gateway itself is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Internal {
    /// `internal:echo`: answers with what it received. See [`crate::upstream::echo`].
    Echo,
}

/// The choice among endpoints. Each worker counts its own requests only: no lock and no shared
/// cache line is touched, and over many requests the workers' sums keep the same proportions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balancer {
    /// In turn, each as often as its weight says, and evenly interleaved.
    RoundRobin,
    /// The one with the fewest unfinished requests for its weight; in turn among equals.
    LeastRequests,
}

/// Connections that wait for the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle ones kept for each worker and endpoint; 0: every request opens its own.
    pub connections: usize,
    /// How long one may wait. Keep it below the upstream's own, or requests race with its closing.
    pub idle_timeout: Duration,
    /// HTTP/2: how often an endpoint is asked for a sign of life while exchanges run on a connection.
    pub ping_interval: Duration,
}

impl KeepAlive {
    /// Until a config says what is kept.
    pub(super) const NONE: Self = Self { connections: 0, idle_timeout: Duration::ZERO, ping_interval: Duration::MAX };
}

impl Address {
    /// Plain connections to this address.
    #[cfg(test)]
    pub fn tcp(protocol: Protocol, address: SocketAddr) -> Self {
        let text = address.to_string();
        let authority = HeaderValue::from_str(&text).expect("an address is a header value");
        let (place, text) = (Place::Tcp(address), text.into());
        Self::Remote(Arc::new(Remote { place, tls: None, protocol, proxy_protocol: None, authority, text }))
    }

    /// The address as logs and metrics show it: `127.0.0.1:9001`, `unix:/run/users.sock`, `internal:echo`.
    pub fn text(&self) -> Arc<str> {
        match self {
            Self::Remote(remote) => Arc::clone(&remote.text),
            Self::Internal(Internal::Echo) => Arc::from("internal:echo"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
