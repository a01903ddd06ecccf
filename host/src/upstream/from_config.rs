//! From what the config says to what a worker uses: places are forgotten, headers made in advance.

use std::sync::{Arc, LazyLock};

use super::balance::{HashKey, Ring, SameSite, Sticky, StickyCookie};
use super::definition::{Address, Balancer, Ejection, Endpoint, Internal, KeepAlive, Protocol, Upstream};
use super::health::{Probing, Question};
use crate::config;

impl From<&config::Upstream> for Upstream {
    fn from(checked: &config::Upstream) -> Self {
        let name = Arc::from(checked.name.as_str());
        let endpoints = endpoints(&name, checked);
        Self {
            balancer: balancer(&checked.balancer, &name, &endpoints),
            name,
            endpoints,
            connect_timeout: checked.timeout.connect,
            response_timeout: checked.timeout.response,
            keep_alive: KeepAlive {
                connections: checked.keep_alive.connections,
                idle_timeout: checked.keep_alive.idle_timeout,
                ping_interval: checked.keep_alive.ping_interval,
            },
            slow_start: checked.slow_start,
            panic_threshold: checked.panic_threshold,
            health: checked.health.as_ref().map(probing),
            ejection: Ejection {
                failures: checked.ejection.failures,
                statuses: checked.ejection.statuses.as_slice().into(),
                time: checked.ejection.time,
                longest: checked.ejection.longest,
                most: checked.ejection.most,
            },
            standing: Arc::default(),
        }
    }
}

/// An address that is there twice is one endpoint, with two places in the choice.
fn endpoints(upstream: &Arc<str>, checked: &config::Upstream) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(checked.endpoints.len());
    for endpoint in &checked.endpoints {
        let address = address(endpoint, checked.protocol);
        let mut endpoint = Endpoint::new(upstream, address, endpoint.weight.get());
        if let Some(first) = endpoints.iter().find(|first| first.address == endpoint.address) {
            endpoint.vitals = Arc::clone(&first.vitals);
        }
        endpoints.push(endpoint);
    }
    endpoints
}

fn balancer(checked: &config::Balancer, upstream: &str, endpoints: &[Endpoint]) -> Balancer {
    let texts: Vec<Arc<str>> = endpoints.iter().map(|endpoint| endpoint.address.text()).collect();
    match checked {
        config::Balancer::RoundRobin => Balancer::RoundRobin,
        config::Balancer::LeastRequests => Balancer::LeastRequests,
        config::Balancer::ConsistentHash(key) => {
            let weighted = texts.iter().zip(endpoints).map(|(text, endpoint)| (&**text, endpoint.weight));
            let by = match key {
                config::HashKey::Header(name) => HashKey::Header(name.clone()),
                config::HashKey::Cookie(name) => HashKey::Cookie(name.as_str().into()),
                config::HashKey::ClientAddress => HashKey::ClientAddress,
            };
            Balancer::ConsistentHash { by, ring: Arc::new(Ring::new(weighted)) }
        }
        config::Balancer::Sticky(cookie) => {
            let key = match &cookie.secret {
                Some(secret) => secret.reveal().as_bytes(),
                None => PROCESS_KEY.as_slice(),
            };
            let same_site = match cookie.same_site {
                config::SameSite::Strict => SameSite::Strict,
                config::SameSite::Lax => SameSite::Lax,
                config::SameSite::None => SameSite::None,
            };
            let cookie = StickyCookie { name: &cookie.name, max_age: cookie.max_age, same_site };
            Balancer::Sticky(Arc::new(Sticky::new(cookie, key, upstream, texts.iter().map(|text| &**text))))
        }
    }
}

/// What cookies are made by where no secret is said: good for the life of the process, reloads included.
static PROCESS_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let mut key = [0; 32];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut key).expect("the system has random numbers: TLS needs them too");
    key
});

fn probing(checked: &config::Health) -> Probing {
    Probing {
        question: match &checked.question {
            config::HealthQuestion::Tcp => Question::Tcp,
            config::HealthQuestion::Http { path, host, statuses } => {
                Question::http(path.clone(), host.clone(), statuses.clone())
            }
        },
        interval: checked.interval,
        timeout: checked.timeout,
        healthy: checked.healthy,
        unhealthy: checked.unhealthy,
    }
}

fn address(checked: &config::Endpoint, protocol: config::Protocol) -> Address {
    let protocol = match protocol {
        config::Protocol::Http1 => Protocol::Http1,
        config::Protocol::Http2 => Protocol::Http2,
    };
    match &checked.address {
        config::Address::Http { host, port, authority } => Address::tcp(protocol, host, *port, authority.as_str())
            .expect("an authority has only visible ASCII characters"),
        config::Address::Echo => Address::Internal(Internal::Echo),
    }
}
