//! Sends a request to one of an upstream's endpoints and hands back the response as it arrives.
//!
//! [`Upstream`] is what the config says, shared by all workers. [`WorkerUpstreams`] is what one
//! worker keeps for it: idle connections, and whose turn it is. A worker is one thread, so nothing here
//! is locked. What workers share of endpoints is in `vitals`, and `health` decides about them; how many requests run at
//! once is of all workers too (`limit.rs`).
//!
//! It must not know routes, plugins or clients: requests come in with their headers cleaned, and
//! which status an [`UpstreamError`] makes is the proxy's choice.

#![cfg(feature = "gateway")]

mod answer_body;
mod attempt;
mod balance;
mod coded;
mod connection;
mod definition;
pub mod echo;
mod endpoint;
mod error;
mod from_config;
pub mod health;
mod http2;
mod idle;
mod limit;
mod patience;
mod replay;
mod request_body;
mod retry;
#[cfg(test)]
mod tests;
mod tls;
mod tries;
mod vitals;

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;
use tokio::time::timeout_at;

pub use answer_body::{AnswerBodyError, UpstreamBody};
pub use balance::Caller;
pub use definition::{Overrides, Upstream};
pub use endpoint::Lease;
pub use error::UpstreamError;
pub use from_config::Plan;
pub use limit::Permits;
pub use request_body::{
    BodyMeter, ClientBody, GivenUp, Invitation, PIECE, RequestBody, RequestBodyError, Through, Turn, Verdict, give_way,
};
pub use tls::Handshakes;
pub use tries::Tries;
pub use vitals::Vitals;

use crate::http1::client::Request;
use balance::{Candidates, Choice};
use definition::Endpoint;
#[cfg(test)]
use definition::{Address, Balancer, Ejection, Internal, KeepAlive, Protocol};
use endpoint::EndpointState;
use limit::{Limit, Refusal};
use patience::Silence;
use retry::{Budget, Retry};
use vitals::Standing;

/// What one worker keeps for the upstreams of one config, in the config's order.
#[derive(Debug)]
pub struct WorkerUpstreams {
    upstreams: Vec<UpstreamState>,
}

#[derive(Debug)]
struct UpstreamState {
    name: Arc<str>,
    connect_timeout: Duration,
    response_timeout: Duration,
    idle_timeout: Option<Duration>,
    total_timeout: Option<Duration>,
    retry: Option<Retry>,
    budget: Rc<Budget>,
    limit: Option<Limit>,
    failover: Option<usize>,
    choice: Choice,
    panic_threshold: u32,
    slow_start: Option<Duration>,
    endpoints: Vec<Rc<EndpointState>>,
    /// What workers share of them.
    vitals: Box<[Arc<Vitals>]>,
    standing: Arc<Standing>,
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
            UpstreamState::new(upstream, old)
        });
        Self { upstreams: renewed.collect() }
    }

    /// Sends `request` to an endpoint of the upstream with this index in the config, and waits for
    /// the head of the response, always HTTP/1.1 with hop-by-hop headers still there; its body streams. `tries` says
    /// what that took and who answered, also when there is no response.
    ///
    /// The headers are cleaned; a request without `Host` gets the endpoint's. `caller` is who asks, for balancers that tell
    /// callers apart, which may give it a cookie with the response, and for endpoints that are told of it.
    ///
    /// Whatever the config says of retries, a request goes to the same endpoint once more when an idle connection turns
    /// out to be closed before anything was written, or when the endpoint says over HTTP/2 that it did nothing with it. If
    /// no endpoint got the whole head of it, it goes to the upstream's failover. A call that is dropped closes its
    /// connection, or resets its stream.
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
        caller: &Caller<'_>,
        overrides: Overrides,
        tries: &mut Tries,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let mut upstream = &self.upstreams[upstream];
        let mut body = Some(body);
        loop {
            let sent = upstream.send(request, &mut body, caller, overrides, tries).await;
            let Some(failover) = upstream.failover else { return sent };
            let nobody_has_it = body.is_some() && sent.as_ref().is_err_and(UpstreamError::is_of_endpoints);
            if !nobody_has_it || tries.failover.is_some() {
                return sent;
            }
            tries.failover = Some(failover);
            upstream = &self.upstreams[failover];
        }
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
    fn new(upstream: &Upstream, old: Option<&Self>) -> Self {
        let endpoint = |endpoint: &Endpoint| {
            let mut old = old.iter().flat_map(|old| &old.endpoints);
            let kept = old.find(|old| old.address == endpoint.address);
            let state = kept.map_or_else(|| EndpointState::new(&endpoint.address), Rc::clone);
            state.follow(upstream, endpoint);
            state
        };
        let weights: Vec<u32> = upstream.endpoints.iter().map(|endpoint| endpoint.weight).collect();
        Self {
            name: Arc::clone(&upstream.name),
            connect_timeout: upstream.connect_timeout,
            response_timeout: upstream.response_timeout,
            idle_timeout: upstream.idle_timeout,
            total_timeout: upstream.total_timeout,
            choice: Choice::new(&upstream.balancer, &weights),
            panic_threshold: upstream.panic_threshold,
            slow_start: upstream.slow_start,
            endpoints: upstream.endpoints.iter().map(endpoint).collect(),
            vitals: upstream.endpoints.iter().map(|endpoint| Arc::clone(&endpoint.vitals)).collect(),
            standing: Arc::clone(&upstream.standing),
            retry: upstream.retry.clone(),
            budget: old.map_or_else(|| Rc::new(Budget::new()), |old| Rc::clone(&old.budget)),
            limit: upstream.limit.clone(),
            failover: upstream.failover,
        }
    }

    /// Sends a request as often as it takes, within the upstream's limits of time and number.
    async fn send(
        &self,
        request: Request<'_>,
        body: &mut Option<RequestBody>,
        caller: &Caller<'_>,
        overrides: Overrides,
        tries: &mut Tries,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let timeouts = attempt::Timeouts {
            connect: self.connect_timeout,
            response: overrides.response.unwrap_or(self.response_timeout),
        };
        let idle = overrides.idle.unwrap_or(self.idle_timeout);
        let total = overrides.total.unwrap_or(self.total_timeout);
        let until = total.map(|total| tokio::time::Instant::now() + total);
        let meter = body.as_ref().map(|body| Rc::clone(body.meter()));
        // Both boxed, so that requests without such limits keep no room for them.
        let permit = match &self.limit {
            Some(limit) => Some(Box::pin(limit.enter()).await.map_err(|refusal| self.refused(limit, refusal))?),
            None => None,
        };
        let mut trying = pin!(self.try_all(request, body, caller, timeouts, tries));
        let mut response = match until {
            None => trying.await?,
            // Boxed as well.
            Some(until) => match Box::pin(timeout_at(until, trying.as_mut())).await {
                Ok(sent) => sent?,
                Err(_) => return Err(self.too_late(total.unwrap_or_default())),
            },
        };
        let silence = (idle.is_some() || until.is_some()).then_some(Silence { idle, until, meter, since: None });
        response.body_mut().keep_to(silence, permit);
        Ok(response)
    }

    fn too_late(&self, after: Duration) -> UpstreamError {
        UpstreamError::TotalTimeout { upstream: Arc::clone(&self.name), after }
    }

    fn refused(&self, limit: &Limit, refusal: Refusal) -> UpstreamError {
        let upstream = Arc::clone(&self.name);
        match refusal {
            Refusal::QueueFull => UpstreamError::QueueFull { upstream },
            Refusal::TooLate => UpstreamError::QueueTimeout { upstream, after: limit.queue_timeout },
        }
    }

    /// The endpoint for the next try: in service, and none of those that were tried already.
    fn choose(&self, caller: &Caller<'_>, tried: &[usize]) -> Result<usize, UpstreamError> {
        let candidates = Candidates::new(&self.vitals, &self.standing, self.panic_threshold, self.slow_start, tried);
        self.choice
            .choose(&candidates, caller)
            .ok_or_else(|| UpstreamError::NoEndpoint { upstream: Arc::clone(&self.name) })
    }
}
