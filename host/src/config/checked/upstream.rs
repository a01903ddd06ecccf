//! Checked upstreams: a named group of equal endpoints.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use http::uri::Authority;
use http::{Method, StatusCode};
use rustls::pki_types::ServerName;

use super::UpstreamTls;
use crate::config::Place;
use crate::wire::proxy_protocol::Version;

use super::upstream_health::{Ejection, Health};
use crate::config::Secret;

/// A named group of equal endpoints.
#[derive(Clone, Debug)]
pub struct Upstream {
    pub name: String,
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    pub protocol: Protocol,
    /// For those that are spoken to over TLS.
    pub tls: UpstreamTls,
    /// How endpoints are told of clients, before anything else.
    pub proxy_protocol: Option<Version>,
    pub balancer: Balancer,
    pub timeout: UpstreamTimeout,
    pub keep_alive: KeepAlive,
    pub retry: Retry,
    pub limit: Option<UpstreamLimit>,
    /// The index of the upstream that stands in.
    pub failover: Option<usize>,
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
    /// Where its URL is written.
    pub place: Place,
    /// Its share of the requests, relative to the other endpoints.
    pub weight: NonZeroU32,
}

/// Where an endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Over TCP.
    Http {
        /// Whose certificate it must be, if it is spoken to over TLS.
        tls: Option<ServerName<'static>>,
        /// A DNS name or an IP address, IPv6 without brackets.
        host: String,
        port: u16,
        /// As written in the URL: what `Host` says when the client's is not preserved.
        authority: Authority,
    },
    /// The path of a Unix socket.
    Unix(Arc<Path>),
    /// `internal:echo`: the gateway answers itself with what it received.
    Echo,
}

/// What endpoints speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    /// Over TLS agreed on, else with prior knowledge.
    Http2,
    /// What an endpoint chooses when hands are shaken; all are spoken to over TLS.
    Auto,
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
    /// Between two pieces of the response's body, while the client takes them.
    pub idle: Option<Duration>,
    /// From the request being sent to the last byte of its response.
    pub total: Option<Duration>,
}

/// When a request is sent again.
#[derive(Clone, Debug)]
pub struct Retry {
    /// Tries of one request, the first included.
    pub attempts: usize,
    pub on: Vec<RetryOn>,
    pub statuses: Vec<StatusCode>,
    /// Of requests that are sent again although an endpoint may have acted on them.
    pub methods: Vec<Method>,
    /// Bytes of a request's body that are kept for another try.
    pub buffer: usize,
    pub per_try: Option<Duration>,
    /// Requests that are sent again, in thousandths of those that come.
    pub budget: u32,
    pub back_off: Duration,
}

/// Failures of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryOn {
    /// Nothing was sent, or nothing done with it.
    Connect,
    /// The endpoint left without a response.
    Reset,
    /// It did not respond in time.
    Timeout,
}

/// How many requests run at once, on all workers together, and how many wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpstreamLimit {
    pub requests: usize,
    pub queue: usize,
    pub queue_timeout: Duration,
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
