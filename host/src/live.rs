//! The live config: one immutable value that every request takes once and keeps to its end.

#![cfg(feature = "gateway")]

use std::sync::Arc;

use crate::chain::Chain;
use crate::config;
use crate::exchange::Directory;
use crate::telemetry::metrics::RouteMetrics;
use crate::upstream::{Overrides, Upstream};
use crate::wire::headers::Owned;
use crate::wire::peer::Peers;

/// Everything that a request needs of the configuration. Where a name's addresses change, a copy with other upstreams takes
/// its place.
#[derive(Clone, Debug)]
pub struct Live {
    /// 1 is the one that the process started with; other addresses of a name make no new one.
    pub generation: u64,
    /// In the order of [`Directory::routes`].
    pub routes: Vec<Route>,
    /// In the order of [`Directory::upstreams`]; then those that stand for origins of plugins, which nothing else goes to.
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
#[derive(Clone, Debug)]
pub struct Route {
    pub chain: Chain,
    pub destination: config::Destination,
    pub mirror: Option<config::Mirror>,
    pub path: config::Path,
    /// In place of the upstream's.
    pub timeout: Overrides,
    /// Bytes of a request's body.
    pub max_body: Option<u64>,
    pub preserve_host: bool,
    /// Whether its requests may switch to another protocol.
    pub upgrade: bool,
    /// Of responses.
    pub compress: Option<config::Compress>,
    pub metrics: Arc<RouteMetrics>,
}
