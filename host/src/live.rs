//! The live config: one immutable value that every request takes once and keeps to its end.

#![cfg(feature = "gateway")]

use std::sync::Arc;
use std::time::Duration;

use crate::chain::Chain;
use crate::config;
use crate::exchange::Directory;
use crate::telemetry::metrics::RouteMetrics;
use crate::upstream::Upstream;
use crate::wire::headers::Owned;
use crate::wire::peer::Peers;

/// Everything that a request needs of the configuration.
#[derive(Debug)]
pub struct Live {
    /// 1 is the one that the process started with.
    pub generation: u64,
    /// In the order of [`Directory::routes`].
    pub routes: Vec<Route>,
    /// In the order of [`Directory::upstreams`].
    pub upstreams: Vec<Upstream>,
    /// Names and the router, in the same order.
    pub directory: Directory,
    /// Headers that only plugins may say.
    pub owned: Owned,
    /// Bytes of bodies that are kept at once, on all workers.
    pub max_bodies: usize,
    /// Whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Peers,
}

/// Where a request goes and what it passes.
#[derive(Debug)]
pub struct Route {
    pub chain: Chain,
    pub destination: config::Destination,
    pub path: config::Path,
    /// From the request being sent to the head of its response.
    pub timeout: Option<Duration>,
    /// Bytes of a request's body.
    pub max_body: Option<u64>,
    pub preserve_host: bool,
    /// Whether its requests may switch to another protocol.
    pub upgrade: bool,
    /// Of responses.
    pub compress: Option<config::Compress>,
    pub metrics: Arc<RouteMetrics>,
}
