//! What an upstream is: the immutable part, shared by all workers as a piece of the live config.
//!
//! It must not know connections, counters or anything else that a worker keeps.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::InvalidHeaderValue;

use super::limit::Limit;
use super::retry::Retry;

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Unique in a config. Connections are carried over a reload by this name and the address.
    pub name: Arc<str>,
    pub endpoints: Vec<Endpoint>,
    pub balancer: Balancer,
    /// From the choice of an endpoint to an open connection: resolving the name, then TCP.
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
    /// Plain HTTP over TCP.
    Tcp {
        protocol: Protocol,
        /// A DNS name or an IP address, IPv6 without brackets.
        host: Box<str>,
        port: u16,
        /// What `Host` says when the request does not bring one.
        authority: HeaderValue,
        /// Host and port, for logs and metrics; also what tells two endpoints apart.
        text: Arc<str>,
    },
    /// Answered by the gateway itself, with no connection.
    Internal(Internal),
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    /// With prior knowledge (RFC 9113, section 3.3).
    Http2,
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
    /// `host` is a DNS name or an IP address (IPv6 without brackets); `authority` is host and port
    /// as `Host` should say them, usually as written in the endpoint's URL.
    ///
    /// # Errors
    ///
    /// When `authority` cannot be a header value.
    pub fn tcp(protocol: Protocol, host: &str, port: u16, authority: &str) -> Result<Self, InvalidHeaderValue> {
        let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let authority = HeaderValue::from_str(authority)?;
        Ok(Self::Tcp { protocol, host: host.into(), port, authority, text: text.into() })
    }

    /// The address as logs and metrics show it: `127.0.0.1:9001`, `internal:echo`.
    pub fn text(&self) -> Arc<str> {
        match self {
            Self::Tcp { text, .. } => Arc::clone(text),
            Self::Internal(Internal::Echo) => Arc::from("internal:echo"),
        }
    }
}
