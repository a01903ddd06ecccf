//! From what the config says to what a worker uses: places are forgotten, headers made in advance.

use std::sync::Arc;

use http::HeaderValue;
use rustls::ClientConfig;

use super::definition::{Address, Balancer, Endpoint, Internal, KeepAlive, Place, Protocol, Remote, Upstream};
use super::tls::Tls;
use crate::config;

/// What handshakes with endpoints are made by, and a digest of all that it was made of.
pub type Handshakes<'a> = (&'a Arc<ClientConfig>, [u8; 32]);

impl Upstream {
    /// `handshakes` is for endpoints with TLS.
    ///
    /// # Panics
    ///
    /// When it is not there and there is such an endpoint.
    pub fn of(checked: &config::Upstream, handshakes: Option<Handshakes<'_>>) -> Self {
        let endpoint = |endpoint: &config::Endpoint| self::endpoint(endpoint, checked, handshakes);
        Self {
            name: checked.name.as_str().into(),
            endpoints: checked.endpoints.iter().map(endpoint).collect(),
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

fn endpoint(checked: &config::Endpoint, upstream: &config::Upstream, handshakes: Option<Handshakes<'_>>) -> Endpoint {
    let protocol = match upstream.protocol {
        config::Protocol::Http1 => Protocol::Http1,
        config::Protocol::Http2 => Protocol::Http2,
        config::Protocol::Auto => Protocol::Auto,
    };
    let proxy_protocol = upstream.proxy_protocol;
    let remote = |place: Place, tls, authority| {
        let text = place.to_string().into();
        Address::Remote(Arc::new(Remote { place, tls, protocol, proxy_protocol, authority, text }))
    };
    let address = match &checked.address {
        config::Address::Http { tls, host, port, authority } => {
            let tls = tls.clone().map(|name| {
                let (config, digest) = handshakes.expect("who asks has made it for upstreams with TLS");
                Tls::new(Arc::clone(config), digest, name)
            });
            let authority = HeaderValue::from_str(authority.as_str());
            let authority = authority.expect("an authority has only visible ASCII characters");
            remote(Place::Tcp { host: host.as_str().into(), port: *port }, tls, authority)
        }
        // A socket has no host: what curl and nginx say of one.
        config::Address::Unix(path) => {
            remote(Place::Unix(Arc::clone(path)), None, HeaderValue::from_static("localhost"))
        }
        config::Address::Echo => Address::Internal(Internal::Echo),
    };
    Endpoint { address, weight: checked.weight.get() }
}
