//! From what the config says to what a worker uses: places are forgotten, headers made in advance.

use std::sync::Arc;

use super::definition::{Address, Balancer, Endpoint, Internal, KeepAlive, Overrides, Protocol, Upstream};
use super::limit::{Limit, Permits};
use super::retry::Retry;
use crate::config::{self, RetryOn};

impl Upstream {
    /// `permits` are those that workers share of an upstream of this name.
    pub fn new(checked: &config::Upstream, permits: &Arc<Permits>) -> Self {
        Self {
            name: checked.name.as_str().into(),
            endpoints: checked.endpoints.iter().map(|endpoint| self::endpoint(endpoint, checked.protocol)).collect(),
            balancer: match checked.balancer {
                config::Balancer::RoundRobin => Balancer::RoundRobin,
                config::Balancer::LeastRequests => Balancer::LeastRequests,
            },
            connect_timeout: checked.timeout.connect,
            response_timeout: checked.timeout.response,
            keep_alive: KeepAlive {
                connections: checked.keep_alive.connections,
                idle_timeout: checked.keep_alive.idle_timeout,
                ping_interval: checked.keep_alive.ping_interval,
            },
            idle_timeout: checked.timeout.idle,
            total_timeout: checked.timeout.total,
            retry: retry(&checked.retry),
            limit: checked.limit.map(|limit| Limit {
                requests: limit.requests,
                queue: limit.queue,
                queue_timeout: limit.queue_timeout,
                permits: Arc::clone(permits),
            }),
            failover: checked.failover,
        }
    }
}

impl From<config::RouteTimeout> for Overrides {
    fn from(checked: config::RouteTimeout) -> Self {
        Self { response: checked.response, idle: checked.idle, total: checked.total }
    }
}

/// `None`: a request is sent once.
fn retry(checked: &config::Retry) -> Option<Retry> {
    let on = |failure| checked.on.contains(&failure);
    let never = checked.attempts < 2 || checked.on.is_empty() && checked.statuses.is_empty();
    (!never).then(|| Retry {
        attempts: checked.attempts,
        on_connect: on(RetryOn::Connect),
        on_reset: on(RetryOn::Reset),
        on_timeout: on(RetryOn::Timeout),
        statuses: checked.statuses.clone(),
        methods: checked.methods.clone(),
        buffer: checked.buffer,
        per_try: checked.per_try,
        budget: checked.budget,
        back_off: checked.back_off,
    })
}

fn endpoint(checked: &config::Endpoint, protocol: config::Protocol) -> Endpoint {
    let protocol = match protocol {
        config::Protocol::Http1 => Protocol::Http1,
        config::Protocol::Http2 => Protocol::Http2,
    };
    let address = match &checked.address {
        config::Address::Http { host, port, authority } => Address::tcp(protocol, host, *port, authority.as_str())
            .expect("an authority has only visible ASCII characters"),
        config::Address::Echo => Address::Internal(Internal::Echo),
    };
    Endpoint { address, weight: checked.weight.get() }
}
