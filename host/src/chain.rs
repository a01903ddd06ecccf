//! The ordered plugins of a route: request hooks in order, response hooks in reverse.
//!
//! The chain decides who is called and what a fault means (`on-error`). It must not know how a
//! guest is called, which is the sandbox's, nor what a client is told, which is the proxy's.

#![cfg(feature = "gateway")]

mod run;

use std::sync::Arc;

pub use run::{Halt, Run};

use crate::config::OnError;
use crate::sandbox::Plugin;

/// The ordered plugins of a route.
#[derive(Clone, Debug)]
pub struct Chain {
    links: Vec<Link>,
    /// The links that export `on-log`, so that the end of most exchanges costs nothing.
    loggers: Vec<usize>,
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
        Self { links, loggers }
    }

    pub fn links(&self) -> &[Link] {
        &self.links
    }
}
