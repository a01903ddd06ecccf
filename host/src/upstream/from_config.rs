//! From what the config says to what a worker uses: places are forgotten, headers made in advance, names are addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::HeaderValue;

use super::definition::{Address, Balancer, Endpoint, Internal, KeepAlive, Place, Protocol, Remote, Upstream};
use super::tls::{Handshakes, Tls};
use crate::config;

/// What an upstream is made of, as often as the names of its endpoints change their addresses.
#[derive(Clone, Debug)]
pub struct Plan {
    checked: config::Upstream,
    handshakes: Option<Handshakes>,
}

impl Plan {
    /// `handshakes` is for endpoints with TLS; there must be one if there is such an endpoint.
    pub fn new(checked: &config::Upstream, handshakes: Option<Handshakes>) -> Self {
        Self { checked: checked.clone(), handshakes }
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
