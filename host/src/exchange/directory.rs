//! The names of one live config that hooks and the log may ask for.

use std::sync::Arc;

use crate::router::Router;
use crate::state::Consumers;

/// Names and consumers of one live config.
///
/// Each worker wraps it in an `Arc` of its own, so that counting its users touches no memory that
/// workers share.
#[derive(Debug, Clone)]
pub struct Directory {
    pub router: Arc<Router>,
    pub routes: Arc<[RouteNames]>,
    pub upstreams: Arc<[Box<str>]>,
    pub consumers: Arc<Consumers>,
}

/// What a route and the plugins of its chain are called.
#[derive(Debug)]
pub struct RouteNames {
    pub name: Box<str>,
    /// As logs and metrics call them: `name`, or `route/name` of one that is written inside a route.
    pub plugins: Box<[Arc<str>]>,
}
