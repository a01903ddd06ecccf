//! Checks `[gateway]` and the listeners.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use crate::config::form;
use crate::config::problem::{Place, Problem};
use crate::config::values::shown;
use crate::config::{Gateway, LimiterLimits, Listener, ListenerLimits, Log, Protocols, SandboxLimits, StateLimits};

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
    Gateway {
        workers: NonZeroUsize::new(form.workers.count()),
        admin,
        shutdown_timeout: form.shutdown_timeout,
        trusted_proxies: form.trusted_proxies.clone(),
        alias_headers: form.alias_headers,
        state: StateLimits { max_entries: form.state.max_entries.count(), max_bytes: form.state.max_bytes.0 },
        limiter: LimiterLimits { max_entries: form.limiter.max_entries.count() },
        sandbox,
        log: Log { level: form.log.level, format: form.log.format, access: form.log.access },
    }
}

pub(super) fn listeners(
    forms: &[form::Listener],
    admin: Option<SocketAddr>,
    problems: &mut Vec<Problem>,
) -> Vec<Listener> {
    let mut taken: HashMap<SocketAddr, Option<&Place>> = admin.map(|admin| (admin, None)).into_iter().collect();
    forms.iter().filter_map(|form| listener(form, &mut taken, problems)).collect()
}

fn listener<'a>(
    form: &'a form::Listener,
    taken: &mut HashMap<SocketAddr, Option<&'a Place>>,
    problems: &mut Vec<Problem>,
) -> Option<Listener> {
    let protocols = &form.protocols;
    if protocols.value.is_empty() && form.sound {
        let problem = Problem::new(&protocols.place, "a listener speaks at least one protocol");
        problems.push(problem.help("`http1`, `http2`"));
    }
    let address = form.address.as_ref()?;
    // Port 0 is another port each time.
    if address.value.port() != 0
        && let Some(other) = taken.insert(address.value, Some(&address.place))
    {
        let problem = Problem::new(&address.place, "a second listener is at this address");
        problems.push(match other {
            Some(first) => problem.help(format!("the first is at {first}")),
            None => problem.help("the admin listener is there: `gateway.admin`"),
        });
    }
    let limits = &form.limits;
    let speaks = |word| protocols.value.contains(&word);
    Some(Listener {
        address: address.value,
        protocols: Protocols { http1: speaks(form::ProtocolWord::Http1), http2: speaks(form::ProtocolWord::Http2) },
        limits: ListenerLimits {
            connections: NonZeroUsize::new(limits.connections.count()),
            header_timeout: limits.header_timeout,
            idle_timeout: limits.idle_timeout,
            headers: limits.headers.count(),
            header_bytes: usize::try_from(limits.header_bytes.0).unwrap_or(usize::MAX),
        },
        place: address.place.clone(),
    })
}
