//! Where the way of a route's requests ends: at an upstream, or at an answer that the route itself gives.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::Split;
use super::route::{PathTemplate, TemplatePart};

/// Where the way of a route's requests ends.
#[derive(Clone, Debug)]
pub enum Destination {
    Upstream(Split),
    Redirect(Redirect),
    Respond(Respond),
}

impl Destination {
    /// The index of the next request's upstream; see [`Split::next`].
    pub fn upstream(&self, turn: impl FnOnce() -> u32) -> Option<usize> {
        match self {
            Self::Upstream(split) => Some(split.next(turn)),
            Self::Redirect(_) | Self::Respond(_) => None,
        }
    }
}

/// Sends the client elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
    /// `None`: where the request went.
    pub origin: Option<Origin>,
    /// Its first part is a literal that begins with `/`, or the path of the request.
    pub path: PathTemplate,
    /// `None`: the query of the request.
    pub query: Option<Vec<QueryPart>>,
}

/// Scheme, host and port of a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As it stands in the location: `https://www.example.com:8443`.
    Fixed(String),
    /// The host that the client named.
    OfRequest { scheme: &'static str, port: Option<u16> },
}

/// A piece of a location's query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryPart {
    Literal(String),
    /// The query of the request, as it came; nothing if there is none.
    Query,
    /// Percent-encoded, so that it is one value.
    Value(TemplatePart),
}

/// One response for every request.
#[derive(Clone, Debug)]
pub struct Respond {
    /// 200 to 599.
    pub status: StatusCode,
    /// None that frames the message or concerns one connection.
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A second upstream that gets copies of a route's requests. Its responses are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// An index into `Config::upstreams`.
    pub upstream: usize,
    /// Of the requests, 1 to 100.
    pub percent: u32,
    /// Bytes of a request's body; longer ones are not copied.
    pub max_body: usize,
    /// Copies that one worker has under way.
    pub requests: u32,
    /// Until a copy is given up.
    pub timeout: Duration,
}
