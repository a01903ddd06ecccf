//! Checks upstreams and their endpoints' URLs.

use std::num::NonZeroU32;

use http::uri::Authority;

use super::upstream_health::{balancer, ejection, health};
use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};
use crate::config::read::Wrong;
use crate::config::{Address, Endpoint, KeepAlive, Upstream, UpstreamTimeout};

pub(super) fn upstreams(forms: &[form::Upstream], problems: &mut Vec<Problem>) -> Vec<Upstream> {
    forms.iter().filter_map(|form| upstream(form, problems)).collect()
}

fn upstream(form: &form::Upstream, problems: &mut Vec<Problem>) -> Option<Upstream> {
    let about = form.name.as_ref().map_or(String::new(), |name| format!(" (upstream {})", quote(name.written())));
    let forms = form.endpoints.as_ref()?;
    if forms.value.is_empty() && form.sound {
        problems.push(
            Problem::new(&forms.place, format!("there are no endpoints{about}"))
                .help("at least one: `endpoints = [\"http://127.0.0.1:9001\"]`"),
        );
    }
    let endpoints = forms.value.iter().filter_map(|form| endpoint(form, &about, problems)).collect();
    let balancer = balancer(form, &about, problems);
    let health = form.health.as_ref().and_then(|form| health(form, &about, problems));
    let name = form.name.as_ref()?;
    Some(Upstream {
        name: name.value.clone(),
        endpoints,
        protocol: form.protocol,
        balancer: balancer?,
        timeout: UpstreamTimeout { connect: form.timeout.connect, response: form.timeout.response },
        keep_alive: KeepAlive {
            connections: form.keep_alive.connections.count(),
            idle_timeout: form.keep_alive.idle_timeout,
            ping_interval: form.keep_alive.ping_interval,
        },
        slow_start: form.slow_start.on(),
        panic_threshold: form.panic_threshold.as_on().map_or(0, |part| part.0),
        health,
        ejection: ejection(&form.ejection),
    })
}

fn endpoint(form: &form::Endpoint, about: &str, problems: &mut Vec<Problem>) -> Option<Endpoint> {
    let url = form.url.as_ref()?;
    match address(&url.value) {
        Ok(address) => Some(Endpoint {
            address,
            weight: u32::try_from(form.weight.0).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
        }),
        Err(Wrong { what, help }) => {
            let message = format!("{} {what}{about}", shown(url));
            problems.push(Problem { place: url.place.clone(), message, help });
            None
        }
    }
}

/// A URL may have a password in it.
fn shown(url: &Text) -> String {
    if url.written().contains('@') { "the URL".to_owned() } else { quote(url.written()) }
}

fn address(url: &str) -> Result<Address, Wrong> {
    const FORM: &str = "an endpoint is written `http://host:port` or `internal:echo`";
    if let Some(name) = url.strip_prefix("internal:") {
        return match name {
            "echo" => Ok(Address::Echo),
            _ => Err(Wrong::help("is not an internal endpoint", "there is `internal:echo`")),
        };
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(Wrong::help("is not a URL", FORM));
    };
    match scheme {
        "http" => {}
        "https" => return Err(Wrong::help("is not supported yet: TLS to upstreams comes later", FORM)),
        "h2c" | "grpc" => {
            let help = "HTTP/2 with prior knowledge is `http://host:port`, with `protocol = \"http2\"` in the upstream";
            return Err(Wrong::help("has an unknown scheme", help));
        }
        _ => return Err(Wrong::help("has an unknown scheme", FORM)),
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        let help = "`rewrite` and `strip-prefix` of a route change the path that the upstream sees";
        return Err(Wrong::help("has a path or a query: an endpoint is a host and a port", help));
    }
    if rest.contains('@') {
        return Err(Wrong::help("has a user name or password in it", FORM));
    }
    let authority: Authority = rest.parse().map_err(|_| Wrong::help("is not a URL", FORM))?;
    let host = authority.host();
    // What follows the host is `:` and a port, or nothing.
    let port = match rest.strip_prefix(host) {
        Some("") => Some(80),
        _ => authority.port_u16().filter(|port| *port != 0),
    };
    let port = port.ok_or_else(|| Wrong::new("has no port from 1 to 65535"))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(Wrong::help("has no host", FORM));
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    if host.parse::<std::net::IpAddr>().is_err() && !(host.len() <= 253 && host.chars().all(plain)) {
        return Err(Wrong::help("has a host that is neither a DNS name nor an IP address", FORM));
    }
    Ok(Address::Http { host: host.to_owned(), port, authority })
}
