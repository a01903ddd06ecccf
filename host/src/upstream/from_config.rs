//! From what the config says to what a worker uses: places are forgotten, headers made in advance, names are addresses.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use ipnet::IpNet;

use super::balance::{HashKey, Ring, SameSite, Sticky, StickyCookie};
use super::definition::{
    Address, Balancer, Ejection, Endpoint, Internal, KeepAlive, Overrides, Place, Protocol, Remote, Upstream,
};
use super::health::{Probing, Question};
use super::limit::{Limit, Permits};
use super::retry::Retry;
use super::tls::{Handshakes, Tls};
use crate::config::{self, RetryOn};
use crate::wire::reach;

/// What an upstream is made of, as often as the names of its endpoints change their addresses.
#[derive(Clone, Debug)]
pub struct Plan {
    checked: config::Upstream,
    handshakes: Option<Handshakes>,
    permits: Arc<Permits>,
    /// Of one that stands for a plugin's origin: which special addresses it may have.
    networks: Option<Box<[IpNet]>>,
}

impl Plan {
    /// `handshakes` is for endpoints with TLS; there must be one if there is such an endpoint. `permits` are those that
    /// workers share of an upstream of this name.
    pub fn new(checked: &config::Upstream, handshakes: Option<Handshakes>, permits: &Arc<Permits>) -> Self {
        Self { checked: checked.clone(), handshakes, permits: Arc::clone(permits), networks: None }
    }

    /// The same for an origin of a plugin: only addresses of the internet are endpoints, and those of these networks. So
    /// what is dialled is what was looked at, whatever the name stands for a moment later.
    #[must_use]
    pub fn reaching(self, networks: &[IpNet]) -> Self {
        Self { networks: Some(networks.into()), ..self }
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
        let name = Arc::from(checked.name.as_str());
        let endpoints = self.endpoints(&name, &addresses);
        Upstream {
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

    /// An address that is there twice is one endpoint, with two places in the choice.
    fn endpoints(&self, upstream: &Arc<str>, addresses: &impl Fn(&str) -> Vec<IpAddr>) -> Vec<Endpoint> {
        let mut endpoints: Vec<Endpoint> = Vec::with_capacity(self.checked.endpoints.len());
        for checked in &self.checked.endpoints {
            for address in self.addresses(&checked.address, addresses) {
                let mut endpoint = Endpoint::new(upstream, address, checked.weight.get());
                if let Some(first) = endpoints.iter().find(|first| first.address == endpoint.address) {
                    endpoint.vitals = Arc::clone(&first.vitals);
                }
                endpoints.push(endpoint);
            }
        }
        endpoints
    }

    fn addresses(&self, checked: &config::Address, addresses: &impl Fn(&str) -> Vec<IpAddr>) -> Vec<Address> {
        let places: Vec<Place> = match checked {
            config::Address::Http { host, port, .. } => {
                let mut addresses = host.parse().map_or_else(|_| addresses(host), |address| vec![address]);
                addresses.retain(|address| self.reaches(host, *address));
                addresses.into_iter().map(|address| Place::Tcp(SocketAddr::new(address, *port))).collect()
            }
            config::Address::Unix(path) => vec![Place::Unix(Arc::clone(path))],
            config::Address::Echo => return vec![Address::Internal(Internal::Echo)],
        };
        places.into_iter().map(|place| Address::Remote(Arc::new(self.remote(checked, place)))).collect()
    }

    fn reaches(&self, host: &str, address: IpAddr) -> bool {
        let Some(networks) = &self.networks else { return true };
        let reached = reach::check(address, networks);
        if let Err(reach::Special(purpose)) = reached {
            let origin = &self.checked.name;
            tracing::warn!("{host} stands for {address}, which is {purpose}: nothing is sent there for {origin}");
        }
        reached.is_ok()
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
