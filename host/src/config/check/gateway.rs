//! Checks `[gateway]`.

use std::num::NonZeroUsize;

use crate::config::form;
use crate::config::problem::Problem;
use crate::config::values::{Network, shown};
use crate::config::{BodyLimits, Dns, Gateway, LimiterLimits, Log, SandboxLimits, StateLimits};
use crate::wire::peer::Peers;

/// Bytes of addresses that slots may reserve: half of what a process has on 64-bit machines.
const MOST_RESERVED: u64 = 1 << 46;

pub(super) fn gateway(form: &form::Gateway, problems: &mut Vec<Problem>) -> Gateway {
    let admin = form.admin.value.on();
    if admin.is_some_and(|address| !address.ip().is_loopback()) {
        let message = "the admin listener must be on a loopback address, until it can ask who is calling";
        problems.push(Problem::new(&form.admin.place, message).help("such as `127.0.0.1:9901`, or `off`"));
    }
    let sandbox = SandboxLimits {
        instances: u32::try_from(form.sandbox.instances.0).unwrap_or(u32::MAX),
        memory: form.sandbox.memory.value.0,
    };
    if u64::from(sandbox.instances).saturating_mul(sandbox.memory) > MOST_RESERVED {
        let message = format!(
            "{} instances of {} are more than the {} of addresses that can be reserved",
            sandbox.instances,
            shown(sandbox.memory),
            shown(MOST_RESERVED)
        );
        problems.push(Problem::new(&form.sandbox.place, message));
    }
    let dns = &form.dns;
    if dns.min_ttl.value > dns.max_ttl {
        let message =
            format!("answers would be good for {:?} at least and {:?} at most", dns.min_ttl.value, dns.max_ttl);
        problems.push(Problem::new(&dns.min_ttl.place, message).help("`min-ttl` is not longer than `max-ttl`"));
    }
    Gateway {
        workers: NonZeroUsize::new(form.workers.count()),
        admin,
        shutdown_timeout: form.shutdown_timeout,
        trusted_proxies: peers(form.trusted_proxies.iter().copied()),
        alias_headers: form.alias_headers,
        dns: Dns {
            servers: dns.servers.iter().map(|server| server.0).collect(),
            min_ttl: dns.min_ttl.value,
            max_ttl: dns.max_ttl,
            timeout: dns.timeout,
        },
        state: StateLimits { max_entries: form.state.max_entries.count(), max_bytes: form.state.max_bytes.0 },
        limiter: LimiterLimits { max_entries: form.limiter.max_entries.count() },
        bodies: BodyLimits { max_bytes: usize::try_from(form.bodies.max_bytes.0).unwrap_or(usize::MAX) },
        sandbox,
        log: Log { level: form.log.level, format: form.log.format, access: form.log.access },
    }
}

pub(super) fn peers(networks: impl Iterator<Item = Network>) -> Peers {
    let mut peers = Peers::default();
    for network in networks {
        match network {
            Network::Ip(network) => peers.networks.push(network),
            Network::Unix => peers.unix = true,
        }
    }
    peers
}
