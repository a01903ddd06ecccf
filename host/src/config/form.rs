//! The file form: which keys there are, of what type, and what their absence means. Doc comments
//! become the descriptions in the JSON Schema.
//!
//! It must not check anything that needs a second key to be seen.

mod gateway;
mod plugin;
mod route;
mod upstream;
mod upstream_health;

pub(super) use gateway::{Certificate, Consumer, Gateway, Listener, Presence, ProtocolWord, Tls};
pub(super) use plugin::{ChainEntry, Limits, Plugin};
pub(super) use route::{Compress, Redirect, Respond, Route, RouteTimeout, RouteUpstreams, Status};
pub(super) use upstream::{BalancerWord, Endpoint, Retry, Upstream, UpstreamTls};
pub(super) use upstream_health::{Ejection, Health, Sticky};

use super::node::{Node, Text, Value};
use super::problem::Place;
use super::read::{Form, Reading, form};

form! {
    /// The config of a Tollgate gateway. Any string may hold `${env:NAME}` and `${file:path}`.
    struct Document {
        /// Files with further listeners, upstreams, consumers, plugins and routes. Relative to this file;
        /// `*` stands for a part of a file's name.
        preset include: Vec<Text> = [],
        /// What holds for the whole gateway.
        table gateway: Gateway,
        /// The addresses that are accepted on.
        preset listener: Vec<Listener> = [],
        /// Named groups of equal endpoints.
        preset upstream: Vec<Upstream> = [],
        /// Authenticated callers known to the gateway.
        preset consumer: Vec<Consumer> = [],
        /// Configured components, named.
        preset plugin: Vec<Plugin> = [],
        /// Match rules with their chain and upstream.
        preset route: Vec<Route> = [],
    }
}

form! {
    /// An included file.
    struct Part {
        /// The addresses that are accepted on.
        preset listener: Vec<Listener> = [],
        /// Named groups of equal endpoints.
        preset upstream: Vec<Upstream> = [],
        /// Authenticated callers known to the gateway.
        preset consumer: Vec<Consumer> = [],
        /// Configured components, named.
        preset plugin: Vec<Plugin> = [],
        /// Match rules with their chain and upstream.
        preset route: Vec<Route> = [],
    }
}

impl Document {
    /// A document in which nothing is written.
    pub(super) fn empty(place: &Place) -> Self {
        let node = Node { place: place.clone(), value: Value::Table(Vec::new()) };
        Self::read(&node, &mut Reading::new(&mut Vec::new())).expect("no key is required")
    }

    /// Adds what an included file holds.
    pub(super) fn extend(&mut self, part: Part) {
        self.listener.extend(part.listener);
        self.upstream.extend(part.upstream);
        self.consumer.extend(part.consumer);
        self.plugin.extend(part.plugin);
        self.route.extend(part.route);
    }
}
