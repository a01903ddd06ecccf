//! One exchange: a request, its response, and the bookkeeping of both.
//!
//! The proxy makes it, the chain passes it from plugin to plugin, the sandbox lends it to a guest
//! for the time of a call. It holds data only: it must not know how a request is routed or sent.

mod certificate;
mod directory;
mod edit;
mod piece;
mod request_id;
mod write;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HeaderMap;
use http::uri::PathAndQuery;
use http::{Method, StatusCode, Version};

pub use certificate::ClientCertificate;
pub use directory::{Directory, RouteNames};
pub use edit::{Edit, Staged};
pub use piece::Piece;
pub use request_id::RequestId;
pub use write::{HeaderError, WriteError, append_header, method, status};

use crate::http1::Protocols;
use crate::state::{Consumer, ConsumerId};

/// One request with its response and bookkeeping.
///
/// Boxed where it travels: a call into a guest moves a pointer.
#[derive(Debug)]
pub struct Exchange {
    /// Names that hooks may ask for, of the live config that the exchange started with.
    pub directory: Arc<Directory>,
    /// Index of the route in [`Directory::routes`].
    pub route: usize,
    /// Index of the upstream in [`Directory::upstreams`]; a plugin may steer it elsewhere. None of a route that answers
    /// by itself.
    pub upstream: Option<usize>,
    pub request: RequestHead,
    /// The target as routed: what captures point into, whatever plugins make of the path later.
    pub routed: PathAndQuery,
    pub response: Option<ResponseHead>,
    /// What a hook of bodies sees; there is one in the calls of those only.
    pub piece: Option<Piece>,
    /// The client after the trusted-proxy rules.
    pub client: IpAddr,
    /// What it showed in the handshake of its connection, where it was verified.
    pub certificate: Option<Arc<ClientCertificate>>,
    pub id: RequestId,
    pub consumer: Option<ConsumerId>,
    pub notes: Vec<Note>,
    /// What plugins have said of the response before there is one.
    pub staged: Vec<Staged>,
    /// What each hook call took, in the order of the calls.
    pub timings: Vec<Timing>,
    /// How far the exchange went along the chain.
    pub progress: Progress,
    pub outcome: Outcome,
    pub started: Instant,
    /// As the chain last read the clock, for what a hook counts by time.
    pub now: Instant,
}

/// The head of the request as the next plugin or the upstream sees it.
#[derive(Debug, Clone)]
pub struct RequestHead {
    pub method: Method,
    pub version: Version,
    /// How the client reached the gateway: `http` or `https`.
    pub scheme: &'static str,
    /// Host and port as the client named them, in lower case.
    pub authority: Box<str>,
    /// Normal form: what is routed on, authorised on and forwarded.
    pub target: PathAndQuery,
    pub headers: HeaderMap,
    /// Whether the client takes trailers over HTTP/1.1 too (`TE`), and upstreams may send some.
    pub takes_trailers: bool,
    /// The protocols that the client asks to switch to, if the route lets it.
    pub upgrade: Option<Box<Protocols>>,
}

/// The head of the response as the next plugin or the client sees it.
#[derive(Debug, Clone)]
pub struct ResponseHead {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub origin: Origin,
}

/// Who made the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Upstream,
    /// A plugin of the chain, by name.
    Plugin(Arc<str>),
    /// The gateway itself; the kind of the problem, such as `upstream-connect`, or what the route does by itself:
    /// `redirect`, `respond`.
    Gateway(&'static str),
}

/// Bytes that a plugin keeps with an exchange, found by the plugin's place in the chain.
#[derive(Debug)]
pub struct Note {
    pub plugin: usize,
    pub key: String,
    pub value: Vec<u8>,
}

/// Time that one hook call took.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Place in the chain.
    pub plugin: usize,
    pub took: Duration,
}

/// How far an exchange went along its chain, so that the way back meets the right plugins.
#[derive(Debug, Default, Clone)]
pub struct Progress {
    /// Plugins that the request has met: the first `met` of the chain.
    pub met: usize,
    /// The plugin that ended the request's way, by a reply or a fault. It does not see the response.
    pub ended_by: Option<usize>,
    /// Plugins that were skipped after a fault and get no later hook; few, if any.
    pub skipped: Vec<usize>,
}

/// What became of the exchange; filled in as it goes.
#[derive(Debug, Default)]
pub struct Outcome {
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// Whether the response body was sent to its end.
    pub completed: bool,
    pub endpoint: Option<Arc<str>>,
    /// How many endpoints it was sent to, one after the other.
    pub tries: u32,
    /// Index in [`Directory::upstreams`] of the one that stood in for the exchange's, if one did.
    pub failover: Option<usize>,
    /// Why the gateway answered in place of the upstream.
    pub problem: Option<&'static str>,
    /// From the first byte of the request to the last of the response, or of the tunnel.
    pub duration: Duration,
    /// Until the upstream switched to another protocol, if it did.
    pub switched: Option<Duration>,
}

/// A whole response, made by a plugin.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Exchange {
    /// A copy for calls that are made while this one is in use elsewhere. The notes go with it.
    pub fn twin(&mut self) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            request: self.request.clone(),
            routed: self.routed.clone(),
            response: None,
            piece: None,
            certificate: self.certificate.clone(),
            id: self.id.clone(),
            notes: std::mem::take(&mut self.notes),
            staged: Vec::new(),
            timings: Vec::new(),
            progress: self.progress.clone(),
            outcome: Outcome::default(),
            ..*self
        }
    }

    pub fn route_name(&self) -> &str {
        &self.directory.routes[self.route].name
    }

    /// Of the upstream that it goes to; empty if it goes to none.
    pub fn upstream_name(&self) -> &str {
        self.upstream.map_or("", |upstream| &self.directory.upstreams[upstream])
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.request.target.path()
    }

    /// The consumer that a plugin identified.
    pub fn caller(&self) -> Option<&Consumer> {
        self.consumer.map(|id| self.directory.consumers.consumer(id))
    }

    /// What a `{name}` in the route's path captured, percent-encoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.directory.router.param(self.route, name, self.routed.path())
    }
}
