//! From what the config says to what a worker uses: places are forgotten, headers made in advance.

use super::definition::{Address, Balancer, Endpoint, Internal, KeepAlive, Upstream};
use crate::config;

impl From<&config::Upstream> for Upstream {
    fn from(checked: &config::Upstream) -> Self {
        Self {
            name: checked.name.as_str().into(),
            endpoints: checked.endpoints.iter().map(Endpoint::from).collect(),
            balancer: match checked.balancer {
                config::Balancer::RoundRobin => Balancer::RoundRobin,
                config::Balancer::LeastRequests => Balancer::LeastRequests,
            },
            connect_timeout: checked.timeout.connect,
            response_timeout: checked.timeout.response,
            keep_alive: KeepAlive {
                connections: checked.keep_alive.connections,
                idle_timeout: checked.keep_alive.idle_timeout,
            },
        }
    }
}

impl From<&config::Endpoint> for Endpoint {
    fn from(checked: &config::Endpoint) -> Self {
        let address = match &checked.address {
            config::Address::Http { host, port, authority } => {
                Address::tcp(host, *port, authority.as_str()).expect("an authority has only visible ASCII characters")
            }
            config::Address::Echo => Address::Internal(Internal::Echo),
        };
        Self { address, weight: checked.weight.get() }
    }
}
