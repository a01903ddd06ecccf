//! Checks listeners: each is somewhere else, speaks something, and says only what it can do.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::config::form;
use crate::config::problem::{Place, Problem, quote};
use crate::config::read::Placed;
use crate::config::values::{Network, Where};
use crate::config::{Listener, Protocols};
use crate::listener::{Address, ClientLimits, ConnectionLimits, LONGEST_PATH};

use super::gateway::peers;

/// Permissions of a Unix socket's file if nothing is said: the owner and the group may connect.
const MODE: u32 = 0o660;

pub(super) fn listeners(
    forms: &[form::Listener],
    admin: Option<SocketAddr>,
    problems: &mut Vec<Problem>,
) -> Vec<Listener> {
    let mut taken = Taken::default();
    if let Some(admin) = admin {
        taken.add(Address::Tcp(admin), None);
    }
    forms.iter().filter_map(|form| listener(form, &mut taken, problems)).collect()
}

fn listener<'a>(form: &'a form::Listener, taken: &mut Taken<'a>, problems: &mut Vec<Problem>) -> Option<Listener> {
    let protocols = &form.protocols;
    if protocols.value.is_empty() && form.sound {
        let problem = Problem::new(&protocols.place, "a listener speaks at least one protocol");
        problems.push(problem.help("`http1`, `http2`"));
    }
    let tls = form.tls.as_ref().and_then(|form| super::tls::tls(&form.value, problems));
    let place = &form.address.as_ref()?.place;
    let address = address(form.address.as_ref()?, problems)?;
    match &address {
        Address::Tcp(_) => {
            if let Some(mode) = &form.mode {
                let problem = Problem::new(&mode.place, "an address with a port has no permissions");
                problems.push(problem.help("`mode` is for the file of a Unix socket"));
            }
        }
        Address::Unix(_) => {
            if let Some(tls) = &form.tls {
                let problem = Problem::new(&tls.place, "there is no TLS on Unix sockets");
                problems.push(problem.help("who may connect is said by `mode`; nobody else sees what passes"));
            }
        }
    }
    problems.extend(form.proxy_protocol.iter().filter_map(|peers| stranger(peers, &address)));
    problems.extend(taken.collision(&address, place));
    taken.add(address.clone(), Some(place));
    let limits = &form.limits;
    let speaks = |word| protocols.value.contains(&word);
    Some(Listener {
        name: form.name.as_ref().map(|name| name.value.clone()),
        address,
        mode: form.mode.as_ref().map_or(MODE, |mode| mode.value.0),
        protocols: Protocols { http1: speaks(form::ProtocolWord::Http1), http2: speaks(form::ProtocolWord::Http2) },
        tls,
        proxy_protocol: peers(form.proxy_protocol.iter().map(|network| network.value)),
        connections: ConnectionLimits {
            in_all: NonZeroUsize::new(limits.connections.count()),
            of_address: NonZeroUsize::new(limits.connections_per_address.count()),
        },
        limits: ClientLimits {
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
            streams: limits.streams.count(),
        },
        place: place.clone(),
    })
}

/// The problem of peers that no connection of this listener is of.
fn stranger(peers: &Placed<Network>, address: &Address) -> Option<Problem> {
    let (what, help) = match (peers.value, address) {
        (Network::Ip(_), Address::Tcp(_)) | (Network::Unix, Address::Unix(_)) => return None,
        (Network::Ip(network), Address::Unix(_)) => {
            let what = format!("nobody in {} connects to a Unix socket", quote(&network.to_string()));
            (what, "`proxy-protocol = [\"unix\"]`: whoever connects begins with the PROXY protocol")
        }
        (Network::Unix, Address::Tcp(_)) => {
            let what =
                "`unix` is who connects to a Unix socket, and this listener has an address with a port".to_owned();
            (what, "the networks of the load balancers, such as `10.0.0.0/8`")
        }
    };
    Some(Problem::new(&peers.place, what).help(help))
}

/// A path is seen from the file that says it.
fn address(form: &Placed<Where>, problems: &mut Vec<Problem>) -> Option<Address> {
    let path = match &form.value {
        Where::Tcp(address) => return Some(Address::Tcp(*address)),
        Where::Unix(path) => form.place.file.parent().unwrap_or(Path::new("")).join(path),
    };
    if path.as_os_str().len() > LONGEST_PATH {
        let message = format!("the path of a Unix socket has at most {LONGEST_PATH} bytes; this one has more");
        problems.push(Problem::new(&form.place, message));
        return None;
    }
    Some(Address::Unix(path.into()))
}

/// Where the listeners so far are, with where that is written; the admin listener's has no place.
#[derive(Default)]
struct Taken<'a> {
    by_kind: HashMap<Kind, Vec<(Address, Option<&'a Place>)>>,
}

/// Addresses of different kinds never meet.
type Kind = (u16, Option<std::sync::Arc<Path>>);

impl<'a> Taken<'a> {
    fn add(&mut self, address: Address, place: Option<&'a Place>) {
        // Port 0 is another port each time; but listeners are told apart by what is written.
        if place.is_some() || kind(&address) != (0, None) {
            self.by_kind.entry(kind(&address)).or_default().push((address, place));
        }
    }

    /// The problem of an address that is not free.
    fn collision(&self, this: &Address, place: &Place) -> Option<Problem> {
        let others = self.by_kind.get(&kind(this))?;
        let any_port = kind(this) == (0, None);
        let meets = |other: &Address| this == other || !any_port && (this.takes_in(other) || other.takes_in(this));
        let (other, first) = others.iter().find(|(other, _)| meets(other))?;
        let message = if this == other {
            "a second listener is at this address".to_owned()
        } else if this.takes_in(other) {
            format!("`{this}` takes in `{other}`, which is a listener of its own")
        } else {
            format!("`{other}`, which is a listener of its own, takes in `{this}`")
        };
        Some(Problem::new(place, message).help(match first {
            Some(first) => format!("the first is at {first}"),
            None => "the admin listener is there: `gateway.admin`".to_owned(),
        }))
    }
}

fn kind(address: &Address) -> Kind {
    match address {
        Address::Tcp(address) => (address.port(), None),
        Address::Unix(path) => (0, Some(path.clone())),
    }
}
