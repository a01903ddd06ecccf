//! From what the config says to what a worker uses: places are forgotten, headers made in advance, names are addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderValue;

use super::definition::{
    Address, Balancer, Endpoint, Internal, KeepAlive, Overrides, Place, Protocol, Remote, Upstream,
};
use super::limit::{Limit, Permits};
use super::retry::Retry;
use super::tls::{Handshakes, Tls};
use crate::config::{self, RetryOn};

/// What an upstream is made of, as often as the names of its endpoints change their addresses.
#[derive(Clone, Debug)]
pub struct Plan {
    checked: config::Upstream,
    handshakes: Option<Handshakes>,
    permits: Arc<Permits>,
}

impl Plan {
    /// `handshakes` is for endpoints with TLS; there must be one if there is such an endpoint. `permits` are those that
    /// workers share of an upstream of this name.
    pub fn new(checked: &config::Upstream, handshakes: Option<Handshakes>, permits: &Arc<Permits>) -> Self {
        Self { checked: checked.clone(), handshakes, permits: Arc::clone(permits) }
    }

    /// The DNS names of its endpoints.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.checked.endpoints.iter().filter_map(|endpoint| match &endpoint.address {
            config::Address::Http { host, .. } if host.parse::<IpAddr>().is_err() => Some(host.as_str()),
            _ => None,
        })
    }

    /// The upstream, given the addresses that names have now: each is an endpoint of its own, with the weight of the name.
    pub fn upstream(&self, addresses: impl Fn(&str) -> Vec<IpAddr>) -> Upstream {
        let checked = &self.checked;
        Upstream {
            name: checked.name.as_str().into(),
            endpoints: checked.endpoints.iter().flat_map(|endpoint| self.endpoints(endpoint, &addresses)).collect(),
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
                permits: Arc::clone(&self.permits),
            }),
            failover: checked.failover,
        }
    }

    fn endpoints(&self, endpoint: &config::Endpoint, addresses: &impl Fn(&str) -> Vec<IpAddr>) -> Vec<Endpoint> {
        let places: Vec<Place> = match &endpoint.address {
            config::Address::Http { host, port, .. } => {
                let addresses = host.parse().map_or_else(|_| addresses(host), |address| vec![address]);
                addresses.into_iter().map(|address| Place::Tcp(SocketAddr::new(address, *port))).collect()
            }
            config::Address::Unix(path) => vec![Place::Unix(Arc::clone(path))],
            config::Address::Echo => {
                return vec![Endpoint { address: Address::Internal(Internal::Echo), weight: endpoint.weight.get() }];
            }
        };
        let address = |place| Address::Remote(Arc::new(self.remote(&endpoint.address, place)));
        places.into_iter().map(|place| Endpoint { address: address(place), weight: endpoint.weight.get() }).collect()
    }

    fn remote(&self, address: &config::Address, place: Place) -> Remote {
        let (tls, authority) = match address {
            config::Address::Http { tls, authority, .. } => {
                let authority = HeaderValue::from_str(authority.as_str());
                (tls.clone(), authority.expect("an authority has only visible ASCII characters"))
            }
            // A socket has no host: what curl and nginx say of one.
            config::Address::Unix(_) | config::Address::Echo => (None, HeaderValue::from_static("localhost")),
        };
        let handshakes = || self.handshakes.clone().expect("who made the plan has them where there is TLS");
        Remote {
            text: place.to_string().into(),
            place,
            tls: tls.map(|name| Tls { handshakes: handshakes(), name }),
            protocol: match self.checked.protocol {
                config::Protocol::Http1 => Protocol::Http1,
                config::Protocol::Http2 => Protocol::Http2,
                config::Protocol::Auto => Protocol::Auto,
            },
            proxy_protocol: self.checked.proxy_protocol,
            authority,
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
