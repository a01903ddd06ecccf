//! Sends a request to one of an upstream's endpoints and hands back the response as it arrives.
//!
//! [`Upstream`] is what the config says, shared by all workers. [`WorkerUpstreams`] is what one
//! worker keeps for it: idle connections, counts of unfinished requests and whose turn it is. A
//! worker is one thread, so nothing here is locked, and the counts are this worker's own.
//!
//! It must not know routes, plugins or clients: requests come in with their headers cleaned, and
//! which status an [`UpstreamError`] makes is the proxy's choice.

#![cfg(feature = "gateway")]

mod answer_body;
mod attempt;
mod balance;
mod connection;
mod definition;
pub mod echo;
mod endpoint;
mod error;
mod from_config;
mod http2;
mod idle;
mod patience;
mod request_body;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;

pub use answer_body::{AnswerBodyError, UpstreamBody};
pub use definition::Upstream;
pub use endpoint::Lease;
pub use error::UpstreamError;
pub use request_body::{BodyMeter, ClientBody, PIECE, RequestBody, RequestBodyError, Through};

use crate::http1::client::Request;
use balance::Turns;
use definition::Endpoint;
#[cfg(test)]
use definition::{Address, Balancer, Internal, KeepAlive, Protocol};
use endpoint::EndpointState;

/// What one worker keeps for the upstreams of one config, in the config's order.
#[derive(Debug)]
pub struct WorkerUpstreams {
    upstreams: Vec<UpstreamState>,
}

/// A response and who gave it.
#[derive(Debug)]
pub struct Answer {
    /// Always HTTP/1.1, its framing checked. Hop-by-hop headers are still there.
    pub response: Response<UpstreamBody>,
    /// The address as logs show it.
    pub endpoint: Arc<str>,
}

#[derive(Debug)]
struct UpstreamState {
    name: Arc<str>,
    connect_timeout: Duration,
    response_timeout: Duration,
    turns: Turns,
    endpoints: Vec<Rc<EndpointState>>,
}

impl WorkerUpstreams {
    /// Starts with no connections.
    pub fn new(upstreams: &[Upstream]) -> Self {
        Self { upstreams: Vec::new() }.renew(upstreams)
    }

    /// What this worker keeps for the next config. Connections and counts go on where upstream and
    /// address are the same; exchanges that still run on `self` share them.
    pub fn renew(&self, upstreams: &[Upstream]) -> Self {
        let renewed = upstreams.iter().map(|upstream| {
            let old = self.upstreams.iter().find(|old| old.name == upstream.name);
            UpstreamState::new(upstream, old.map_or(&[], |old| &old.endpoints))
        });
        Self { upstreams: renewed.collect() }
    }

    /// Sends `request` to an endpoint of the upstream with this index in the config, and waits for
    /// the head of the response; its body streams.
    ///
    /// The headers are cleaned; a request without `Host` gets the endpoint's. `response_timeout` replaces the upstream's own: the longest silence between the
    /// last piece of the request and the head of the response.
    ///
    /// A request is sent once. Only when an idle connection turns out to be closed before anything
    /// was written, or an endpoint says over HTTP/2 that it did nothing with it, does it go to another one, to the same
    /// endpoint. A call that is dropped closes its connection, or resets its stream.
    ///
    /// # Errors
    ///
    /// When there is no response; see [`UpstreamError`].
    ///
    /// # Panics
    ///
    /// When the index is not of the config that this was made for.
    pub async fn send(
        &self,
        upstream: usize,
        request: Request<'_>,
        body: RequestBody,
        response_timeout: Option<Duration>,
    ) -> Result<Answer, UpstreamError> {
        let upstream = &self.upstreams[upstream];
        let endpoint = upstream.choose()?;
        let timeouts = attempt::Timeouts {
            connect: upstream.connect_timeout,
            response: response_timeout.unwrap_or(upstream.response_timeout),
        };
        let response = attempt::run(endpoint, timeouts, request, body).await?;
        Ok(Answer { response, endpoint: Arc::clone(&endpoint.text) })
    }

    /// Closes connections that idled too long or were closed by their endpoints. To be called every
    /// second or so: endpoints that get no requests are swept by nothing else.
    pub fn sweep(&self) {
        let now = Instant::now();
        for endpoint in self.upstreams.iter().flat_map(|upstream| &upstream.endpoints) {
            endpoint.sweep(now);
        }
    }
}

impl UpstreamState {
    fn new(upstream: &Upstream, old: &[Rc<EndpointState>]) -> Self {
        let endpoint = |endpoint: &Endpoint| {
            let kept = old.iter().find(|old| old.address == endpoint.address);
            let state = kept.map_or_else(|| EndpointState::new(&endpoint.address), Rc::clone);
            state.limit(upstream.keep_alive);
            state
        };
        Self {
            name: Arc::clone(&upstream.name),
            connect_timeout: upstream.connect_timeout,
            response_timeout: upstream.response_timeout,
            turns: Turns::new(upstream.balancer, upstream.endpoints.iter().map(|endpoint| endpoint.weight)),
            endpoints: upstream.endpoints.iter().map(endpoint).collect(),
        }
    }

    fn choose(&self) -> Result<&Rc<EndpointState>, UpstreamError> {
        self.turns
            .choose(|index| self.endpoints[index].in_flight())
            .map(|index| &self.endpoints[index])
            .ok_or_else(|| UpstreamError::NoEndpoint { upstream: Arc::clone(&self.name) })
    }
}
