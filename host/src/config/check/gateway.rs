//! Checks `[gateway]` and the listeners.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;

use crate::config::form;
use crate::config::problem::{Place, Problem};
use crate::config::read::Placed;
use crate::config::values::shown;
use crate::config::{Gateway, LimiterLimits, Listener, ListenerLimits, Log, Protocols, SandboxLimits, StateLimits};
use crate::listener::takes_in;

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

/// Two listeners that cannot both be there.
fn collision(address: &Placed<SocketAddr>, other: SocketAddr, place: Option<&Place>) -> Option<Problem> {
    let this = address.value;
    let message = if this == other {
        "a second listener is at this address".to_owned()
    } else if takes_in(this, other) {
        format!("`{this}` takes in `{other}`, which is a listener of its own")
    } else if takes_in(other, this) {
        format!("`{other}`, which is a listener of its own, takes in `{this}`")
    } else {
        return None;
    };
    Some(Problem::new(&address.place, message).help(match place {
        Some(first) => format!("the first is at {first}"),
        None => "the admin listener is there: `gateway.admin`".to_owned(),
    }))
}

pub(super) fn listeners(
    forms: &[form::Listener],
    admin: Option<SocketAddr>,
    problems: &mut Vec<Problem>,
) -> Vec<Listener> {
    let mut taken: Taken<'_> = HashMap::new();
    taken.extend(admin.map(|admin| (admin.port(), vec![(admin, None)])));
    forms.iter().filter_map(|form| listener(form, &mut taken, problems)).collect()
}

/// By port: the addresses of the listeners so far, with where they are written; the admin listener's has no place.
type Taken<'a> = HashMap<u16, Vec<(SocketAddr, Option<&'a Place>)>>;

fn listener<'a>(form: &'a form::Listener, taken: &mut Taken<'a>, problems: &mut Vec<Problem>) -> Option<Listener> {
    let protocols = &form.protocols;
    if protocols.value.is_empty() && form.sound {
        let problem = Problem::new(&protocols.place, "a listener speaks at least one protocol");
        problems.push(problem.help("`http1`, `http2`"));
    }
    let tls = form.tls.as_ref().and_then(|form| super::tls::tls(form, problems));
    let address = form.address.as_ref()?;
    // Port 0 is another port each time.
    if address.value.port() != 0 {
        let others = taken.entry(address.value.port()).or_default();
        problems.extend(others.iter().find_map(|(other, place)| collision(address, *other, *place)));
        others.push((address.value, Some(&address.place)));
    }
    let limits = &form.limits;
    let speaks = |word| protocols.value.contains(&word);
    Some(Listener {
        address: address.value,
        protocols: Protocols { http1: speaks(form::ProtocolWord::Http1), http2: speaks(form::ProtocolWord::Http2) },
        tls,
        limits: ListenerLimits {
            connections: NonZeroUsize::new(limits.connections.count()),
            header_timeout: limits.header_timeout,
            handshake_timeout: limits.handshake_timeout,
            idle_timeout: limits.idle_timeout,
            body_timeout: limits.body_timeout,
            write_timeout: limits.write_timeout,
            min_rate: limits.min_rate.0,
            tunnel_idle_timeout: limits.tunnel_idle_timeout,
            requests: NonZeroUsize::new(limits.requests.count()),
            target_bytes: usize::try_from(limits.target_bytes.0).unwrap_or(usize::MAX),
            headers: limits.headers.count(),
            header_bytes: usize::try_from(limits.header_bytes.0).unwrap_or(usize::MAX),
        },
        place: address.place.clone(),
    })
}
