//! Checked upstreams: a named group of equal endpoints.

use std::num::NonZeroU32;
use std::time::Duration;

use http::HeaderName;
use http::uri::Authority;

use super::upstream_health::{Ejection, Health};
use crate::config::Secret;

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub name: String,
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    pub protocol: Protocol,
    pub balancer: Balancer,
    pub timeout: UpstreamTimeout,
    pub keep_alive: KeepAlive,
    pub slow_start: Option<Duration>,
    /// In thousandths of the endpoints.
    pub panic_threshold: u32,
    pub health: Option<Health>,
    pub ejection: Ejection,
}

/// One address in an upstream.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: Address,
    /// Its share of the requests, relative to the other endpoints.
    pub weight: NonZeroU32,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Plain HTTP over TCP.
    Http {
        /// A DNS name or an IP address, IPv6 without brackets.
        host: String,
        port: u16,
        /// As written in the URL: what `Host` says when the client's is not preserved.
        authority: Authority,
    },
    /// `internal:echo`: the gateway answers itself with what it received.
    Echo,
}

/// What endpoints speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    /// With prior knowledge.
    Http2,
}

/// The choice among endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Balancer {
    RoundRobin,
    LeastRequests,
    ConsistentHash(HashKey),
    Sticky(StickyCookie),
}

/// What is hashed of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKey {
    Header(HeaderName),
    Cookie(String),
    ClientAddress,
}

/// The cookie that names an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StickyCookie {
    pub name: String,
    /// `None`: one of the process.
    pub secret: Option<Secret>,
    pub max_age: Option<Duration>,
    pub same_site: SameSite,
}

/// Whether other sites' pages may send a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    Lax,
    None,
}

/// How long an endpoint may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamTimeout {
    /// From the first packet to an open connection.
    pub connect: Duration,
    /// From the request being sent to the head of its response. A route's timeout replaces it.
    pub response: Duration,
}

/// Connections that wait for the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle ones for each worker and endpoint; 0: every request opens its own.
    pub connections: usize,
    pub idle_timeout: Duration,
    /// HTTP/2: how often one is asked for a sign of life while exchanges run on it.
    pub ping_interval: Duration,
}
