//! From what the config says to what a worker uses: places are forgotten, headers made in advance.

use super::definition::{Address, Balancer, Endpoint, Internal, KeepAlive, Protocol, Upstream};
use crate::config;

impl From<&config::Upstream> for Upstream {
    fn from(checked: &config::Upstream) -> Self {
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
        }
    }
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
