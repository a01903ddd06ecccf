//! Checks upstreams: their endpoints, and how these are spoken to.

mod address;
mod tls;

use std::num::NonZeroU32;

use http::StatusCode;
use rustls::pki_types::ServerName;

use super::names::Names;
use super::upstream_health::{balancer, ejection, health};
use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};
use crate::config::{Address, Endpoint, KeepAlive, Protocol, Retry, Upstream, UpstreamLimit, UpstreamTimeout};

pub(super) fn upstreams(forms: &[form::Upstream], names: &Names<'_>, problems: &mut Vec<Problem>) -> Vec<Upstream> {
    forms.iter().filter_map(|form| upstream(form, names, problems)).collect()
}

pub(super) fn upstream(form: &form::Upstream, names: &Names<'_>, problems: &mut Vec<Problem>) -> Option<Upstream> {
    let about = form.name.as_ref().map_or(String::new(), |name| format!(" (upstream {})", quote(name.written())));
    let forms = form.endpoints.as_ref()?;
    if forms.value.is_empty() && form.sound {
        problems.push(
            Problem::new(&forms.place, format!("there are no endpoints{about}"))
                .help("at least one: `endpoints = [\"http://127.0.0.1:9001\"]`"),
        );
    }
    let name = form.tls.as_ref().and_then(|tls| tls::server_name(&tls.value, &about, problems));
    let endpoints: Vec<Endpoint> =
        forms.value.iter().filter_map(|form| endpoint(form, name.as_ref(), &about, problems)).collect();
    problems.extend(undecided(form, &endpoints, &about));
    problems.extend(shared(form, &about));
    let tls = tls::tls(form, &endpoints, &about, problems);
    let failover = form.failover.as_ref().and_then(|text| failover(form, text, names, &about, problems));
    let balancer = balancer(form, &about, problems);
    let health = form.health.as_ref().and_then(|form| health(form, &about, problems));
    let name = form.name.as_ref()?;
    Some(Upstream {
        name: name.value.clone(),
        endpoints,
        protocol: form.protocol.value,
        tls,
        proxy_protocol: form.proxy_protocol.as_ref().map(|version| version.value),
        balancer: balancer?,
        timeout: UpstreamTimeout {
            connect: form.timeout.connect,
            response: form.timeout.response,
            idle: form.timeout.idle.on(),
            total: form.timeout.total.on(),
        },
        keep_alive: KeepAlive {
            connections: form.keep_alive.connections.count(),
            idle_timeout: form.keep_alive.idle_timeout,
            ping_interval: form.keep_alive.ping_interval,
        },
        retry: retry(&form.retry),
        limit: form.limit.requests.on().map(|requests| UpstreamLimit {
            requests: requests.count(),
            queue: form.limit.queue.count(),
            queue_timeout: form.limit.queue_timeout,
        }),
        failover,
        slow_start: form.slow_start.on(),
        panic_threshold: form.panic_threshold.as_on().map_or(0, |part| part.0),
        health,
        ejection: ejection(&form.ejection),
    })
}

fn retry(form: &form::Retry) -> Retry {
    let statuses = form.status.iter().filter_map(|status| StatusCode::from_u16(u16::try_from(status.0).ok()?).ok());
    Retry {
        attempts: form.attempts.count(),
        on: form.on.clone(),
        statuses: statuses.collect(),
        methods: form.methods.clone(),
        buffer: usize::try_from(form.buffer.0).unwrap_or(usize::MAX),
        per_try: form.per_try,
        budget: form.budget.0,
        back_off: form.back_off,
    }
}

fn failover(
    form: &form::Upstream,
    text: &Text,
    names: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    if form.name.as_ref().is_some_and(|name| name.value == text.value) {
        problems.push(Problem::new(&text.place, format!("an upstream cannot stand in for itself{about}")));
        return None;
    }
    names.find(text, about, problems)
}

fn endpoint(
    form: &form::Endpoint,
    server_name: Option<&ServerName<'static>>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Endpoint> {
    let url = form.url.as_ref()?;
    Some(Endpoint {
        address: address::address(url, server_name, about, problems)?,
        place: url.place.clone(),
        weight: u32::try_from(form.weight.0).ok().and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN),
    })
}

/// Protocols are agreed on when hands are shaken over TLS, and nowhere else.
fn undecided(form: &form::Upstream, endpoints: &[Endpoint], about: &str) -> Option<Problem> {
    let plain = endpoints.iter().find(|endpoint| !matches!(endpoint.address, Address::Http { tls: Some(_), .. }))?;
    (form.protocol.value == Protocol::Auto).then(|| {
        let message = format!("`auto` is for endpoints with `https`, and there is another one{about}");
        let help = format!("say \"http1\" or \"http2\"; the other is at {}", plain.place);
        Problem::new(&form.protocol.place, message).help(help)
    })
}

/// A connection over HTTP/2 has requests of several clients on it, and a header of the PROXY protocol names one.
fn shared(form: &form::Upstream, about: &str) -> Option<Problem> {
    let version = form.proxy_protocol.as_ref().filter(|_| form.protocol.value != Protocol::Http1)?;
    let message = format!("clients share connections over HTTP/2, and the PROXY protocol names one{about}");
    Some(Problem::new(&version.place, message).help("`protocol = \"http1\"`, or read `X-Forwarded-For` there"))
}
