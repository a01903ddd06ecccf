//! Checked routes: a match rule, its chain, its destination.

use std::time::Duration;

use super::{Destination, Mirror};
use crate::config::Place;
use crate::router::Rule;

/// A match rule, its chain, its destination.
#[derive(Clone, Debug)]
pub struct Route {
    pub name: String,
    pub rule: Rule,
    /// Indexes into `Config::plugins` in the order of execution, the gateway's own plugins merged in.
    pub chain: Vec<usize>,
    pub destination: Destination,
    pub mirror: Option<Mirror>,
    /// The path that the upstream sees.
    pub path: Path,
    /// In place of the upstream's.
    pub timeout: RouteTimeout,
    /// Bytes of a request's body; `None`: no limit.
    pub max_body: Option<u64>,
    /// Whether the upstream sees the client's `Host` (`true`) or its own endpoint's authority.
    pub preserve_host: bool,
    /// Whether its requests may switch to another protocol.
    pub upgrade: bool,
    /// Which responses are compressed; `None`: none.
    pub compress: Option<Compress>,
    /// Where its name is written.
    pub place: Place,
}

/// What replaces an upstream's timeouts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteTimeout {
    pub response: Option<Duration>,
    /// `Some(None)` is "off".
    pub idle: Option<Option<Duration>>,
    pub total: Option<Option<Duration>>,
}

/// Which responses are compressed with gzip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compress {
    /// Media types in lower case: `text/html`, or `text/*`.
    pub types: Vec<String>,
    /// Bytes of a body; one of unknown length is long enough.
    pub min_length: u64,
}

/// What becomes of the path on the way to the upstream. The query is kept always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    Keep,
    /// Begins with `/`, does not end with one, and every path that the rule matches begins with it.
    /// What is left may be empty: the upstream then sees `/`.
    StripPrefix(String),
    Rewrite(PathTemplate),
}

/// A path with the parameters of the rule's path in it; begins with a literal `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathTemplate {
    pub parts: Vec<TemplatePart>,
}

/// A piece of a `PathTemplate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplatePart {
    Literal(String),
    /// The name of a parameter that the rule's path has; `**` is `rest`.
    Param(String),
    /// The whole path, as the chain left it: in locations only.
    Path,
}
