//! What an upstream is: the immutable part, shared by all workers as a piece of the live config.
//!
//! It must not know connections, counters or anything else that a worker keeps.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};

use super::balance::{HashKey, Ring, Sticky};
use super::health::Probing;
use super::limit::Limit;
use super::retry::Retry;
use super::tls::Tls;
use super::vitals::{Standing, Vitals};
use crate::wire::origin::Origin;
use crate::wire::proxy_protocol::Version;

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Unique in a config. Connections and health are carried over a reload by this name and the address.
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

impl Upstream {
    /// Whether a URL of this origin means one of its endpoints.
    pub fn stands_for(&self, origin: &Origin) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.address.origin().as_ref() == Some(origin))
    }

    /// Whether requests to it are encrypted, at one endpoint at least.
    pub fn is_secure(&self) -> bool {
        self.endpoints.iter().any(|it| matches!(&it.address, Address::Remote(remote) if remote.tls.is_some()))
    }
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
    /// Plain connections to this address.
    #[cfg(test)]
    pub fn tcp(protocol: Protocol, address: SocketAddr) -> Self {
        let text = address.to_string();
        let authority = HeaderValue::from_str(&text).expect("an address is a header value");
        let (place, text) = (Place::Tcp(address), text.into());
        Self::Remote(Arc::new(Remote { place, tls: None, protocol, proxy_protocol: None, authority, text }))
    }

    /// As its URL is written. A socket's path has none, though `Host` says something.
    fn origin(&self) -> Option<Origin> {
        match self {
            Self::Remote(remote) if matches!(remote.place, Place::Tcp(_)) => {
                let scheme = if remote.tls.is_some() { "https" } else { "http" };
                Origin::parse(&format!("{scheme}://{}", remote.authority.to_str().ok()?)).ok()
            }
            Self::Remote(_) | Self::Internal(Internal::Echo) => None,
        }
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
