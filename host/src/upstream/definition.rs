//! What an upstream is: the immutable part, shared by all workers as a piece of the live config.
//!
//! It must not know connections, counters or anything else that a worker keeps.

use std::sync::Arc;
use std::time::Duration;

use http::header::InvalidHeaderValue;
use http::{HeaderValue, StatusCode};

use super::balance::{HashKey, Ring, Sticky};
use super::health::Probing;
use super::vitals::{Standing, Vitals};

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Unique in a config. Connections and health are carried over a reload by this name and the address.
    pub name: Arc<str>,
    pub endpoints: Vec<Endpoint>,
    pub balancer: Balancer,
    /// From the choice of an endpoint to an open connection: resolving the name, then TCP.
    pub connect_timeout: Duration,
    /// From the request being written to the head of the response.
    pub response_timeout: Duration,
    pub keep_alive: KeepAlive,
    /// How long an endpoint that comes, or comes back, takes to get its whole share.
    pub slow_start: Option<Duration>,
    /// With less than this part of the endpoints in service, in thousandths, all are taken to be.
    pub panic_threshold: u32,
    /// `None`: endpoints are not asked how they are.
    pub health: Option<Probing>,
    pub ejection: Ejection,
    /// What workers share.
    pub standing: Arc<Standing>,
}

/// One address in an upstream.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: Address,
    /// Its share of the requests, relative to the other endpoints; 0 counts as 1.
    pub weight: u32,
    /// What workers share.
    pub vitals: Arc<Vitals>,
}

/// When requests that fail take their endpoint out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// So many in a row; `None`: never.
    pub failures: Option<u32>,
    /// Of responses that are failures too.
    pub statuses: Arc<[StatusCode]>,
    /// For so long at first, and twice as long each time.
    pub time: Duration,
    pub longest: Duration,
    /// The part of the endpoints that may be ejected at once, in thousandths.
    pub most: u32,
}

impl Ejection {
    #[cfg(test)]
    pub(super) fn never() -> Self {
        Self { failures: None, statuses: [].into(), time: Duration::ZERO, longest: Duration::ZERO, most: 0 }
    }
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

/// The choice among endpoints. What of it workers share, and why, stands in `balance`.
#[derive(Clone, Debug)]
pub enum Balancer {
    /// In turn, each as often as its weight says, and evenly interleaved.
    RoundRobin,
    /// Of two, the one with fewer unfinished requests for its weight.
    LeastRequests,
    /// The same one for the same key; in turn without one.
    ConsistentHash { by: HashKey, ring: Arc<Ring> },
    /// The one that the client's cookie names; in turn without one.
    Sticky(Arc<Sticky>),
}

impl Balancer {
    /// Whether it asks for the unfinished requests of all workers.
    pub(super) fn counts_load(&self) -> bool {
        matches!(self, Self::LeastRequests)
    }
}

impl Endpoint {
    /// In service.
    pub fn new(upstream: &Arc<str>, address: Address, weight: u32) -> Self {
        let vitals = Vitals::new(upstream, address.text());
        Self { address, weight, vitals }
    }
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
