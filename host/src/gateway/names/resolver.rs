//! Asks name servers, by hickory: the configured ones, or those of `/etc/resolv.conf`; `/etc/hosts` comes first.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::time::timeout;

use crate::config::Dns;
use crate::gateway::watch::{Looks, looks};

/// What the system says of names. Hickory reads them once, so it is made anew when they change.
const FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];
/// How often one server is asked, within the timeout.
const ATTEMPTS: u32 = 2;

pub(super) struct Resolver {
    dns: Dns,
    made: RefCell<Option<(Seen, TokioResolver)>>,
}

type Seen = [Option<Looks>; FILES.len()];

/// What a name stands for.
pub(super) struct Found {
    /// At least one.
    pub(super) addresses: Vec<IpAddr>,
    /// Until it is to be asked for again.
    pub(super) valid: Duration,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum LookupError {
    #[error("no answer within {0:?}")]
    Late(Duration),
    #[error(transparent)]
    Failed(#[from] NetError),
    #[error("it has no address")]
    Empty,
}

impl Resolver {
    pub(super) fn new(dns: &Dns) -> Self {
        Self { dns: dns.clone(), made: RefCell::default() }
    }

    pub(super) fn dns(&self) -> &Dns {
        &self.dns
    }

    pub(super) async fn look_up(&self, name: &str) -> Result<Found, LookupError> {
        let Dns { timeout: most, min_ttl, max_ttl, .. } = self.dns;
        let resolver = self.resolver()?;
        let found = timeout(most, resolver.lookup_ip(name)).await.map_err(|_| LookupError::Late(most))??;
        let addresses: Vec<IpAddr> = found.iter().collect();
        if addresses.is_empty() {
            return Err(LookupError::Empty);
        }
        let valid = found.valid_until().saturating_duration_since(Instant::now()).clamp(min_ttl, max_ttl);
        Ok(Found { addresses, valid })
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let seen = FILES.map(|file| looks(Path::new(file)));
        let mut made = self.made.borrow_mut();
        if let Some((before, resolver)) = &*made
            && *before == seen
        {
            return Ok(resolver.clone());
        }
        let resolver = self.make()?;
        *made = Some((seen, resolver.clone()));
        Ok(resolver)
    }

    fn make(&self) -> Result<TokioResolver, NetError> {
        let with = |servers: Vec<NameServerConfig>| {
            let config = ResolverConfig::from_name_servers(servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let mut builder = match self.dns.servers.as_slice() {
            // Without one, a server on this machine is asked (resolv.conf(5)).
            [] => TokioResolver::builder_tokio()
                .unwrap_or_else(|_| with(vec![NameServerConfig::udp_and_tcp(Ipv4Addr::LOCALHOST.into())])),
            servers => with(servers.iter().map(server).collect()),
        };
        let options = builder.options_mut();
        options.timeout = self.dns.timeout / ATTEMPTS;
        options.attempts = ATTEMPTS as usize;
        // One family, or requests to a machine without the other would fail each time that their turn comes.
        options.ip_strategy = LookupIpStrategy::Ipv4thenIpv6;
        options.use_hosts_file = ResolveHosts::Always;
        // What is asked for again is asked for because it is too old.
        options.cache_size = 0;
        builder.build()
    }
}

/// Over TCP what is too long for UDP.
fn server(address: &SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}
