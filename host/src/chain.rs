//! The ordered plugins of a route: request hooks in order, response hooks in reverse.
//!
//! The chain decides who is called and what a fault means (`on-error`). It must not know how a
//! guest is called, which is the sandbox's, nor what a client is told, which is the proxy's.

#![cfg(feature = "gateway")]

mod bodies;
mod chunks;
mod run;

use std::sync::Arc;

pub use bodies::{Bodies, Keeping};
pub use chunks::Cut;
pub use run::{Halt, Run};

use crate::config::{OnError, OverLimit};
use crate::sandbox::{Hooks, Plugin};

/// The ordered plugins of a route.
#[derive(Clone, Debug)]
pub struct Chain {
    links: Vec<Link>,
    /// The links that export `on-log`, so that the end of most exchanges costs nothing.
    loggers: Vec<usize>,
    bodies: Option<Bodies>,
    request_chunks: bool,
    response_chunks: bool,
    waits: bool,
    decoding: Decoding,
}

/// How many times as long bodies may become that plugins see decoded: the least that one of them says. None are seen as
/// they are.
#[derive(Clone, Copy, Debug)]
pub struct Decoding {
    pub request: Option<u32>,
    pub response: Option<u32>,
}

/// One plugin in a chain.
#[derive(Clone, Debug)]
pub struct Link {
    pub plugin: Arc<Plugin>,
    pub on_error: OnError,
}

impl Chain {
    pub fn new(links: Vec<Link>) -> Self {
        let loggers = (0..links.len()).filter(|&place| links[place].plugin.hooks().on_log).collect();
        let any = |has: fn(Hooks) -> bool| links.iter().any(|link| has(link.plugin.hooks()));
        Self {
            bodies: Bodies::of(&links),
            decoding: Decoding {
                request: ratio(&links, |hooks| hooks.on_request_body || hooks.on_request_chunk),
                response: ratio(&links, |hooks| hooks.on_response_body || hooks.on_response_chunk),
            },
            request_chunks: any(|hooks| hooks.on_request_chunk),
            response_chunks: any(|hooks| hooks.on_response_chunk),
            waits: links.iter().any(|link| link.plugin.waits()),
            links,
            loggers,
        }
    }

    /// Whether requests' bodies go through plugins piece by piece.
    pub fn request_chunks(&self) -> bool {
        self.request_chunks
    }

    /// The same of responses.
    pub fn response_chunks(&self) -> bool {
        self.response_chunks
    }

    /// Whether calls may wait for answers of others ([`Run::sending`]).
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Whether a plugin has to see all bytes that pass, which those of another protocol would not.
    pub fn guards_bodies(&self) -> bool {
        let guards = |link: &Link| {
            let hooks = link.plugin.hooks();
            (hooks.bodies() || hooks.chunks()) && link.plugin.spec().limits.over_limit == OverLimit::Reject
        };
        self.links.iter().any(guards)
    }

    /// Whether what a client gets of a response's body may be another than the upstream's.
    pub fn changes_responses(&self) -> bool {
        self.response_chunks || self.bodies.as_ref().is_some_and(|bodies| bodies.response.is_some())
    }

    /// What has to be kept of bodies, if a plugin wants them whole.
    pub fn bodies(&self) -> Option<&Bodies> {
        self.bodies.as_ref()
    }

    /// Whether plugins see bodies decoded, and how long those may become.
    pub fn decoding(&self) -> Decoding {
        self.decoding
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }
}

/// The least ratio of those plugins that see bodies by one of these hooks, and see them decoded.
fn ratio(links: &[Link], sees: impl Fn(Hooks) -> bool) -> Option<u32> {
    let specs = links.iter().filter(|link| sees(link.plugin.hooks())).map(|link| link.plugin.spec());
    specs.filter(|spec| spec.decode).map(|spec| spec.limits.max_ratio).min()
}
