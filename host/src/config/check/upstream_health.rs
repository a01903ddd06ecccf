//! Checks what an upstream says of its balancer, and of which endpoints are in service.

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::config::form::{self, BalancerWord};
use crate::config::node::Text;
use crate::config::problem::{Place, Problem, quote};
use crate::config::values::Whole;
use crate::config::{Balancer, Ejection, HashKey, Health, HealthQuestion, Secret, StickyCookie};

/// Bytes of the secret that cookies are made by: what nobody finds by trying.
const LEAST_SECRET: usize = 16;

pub(super) fn balancer(form: &form::Upstream, about: &str, problems: &mut Vec<Problem>) -> Option<Balancer> {
    let word = form.balancer.value;
    let mut unheeded = |place: &Place, table: &str, balancer: &str| {
        let problem = Problem::new(place, format!("{} is for another balancer{about}", quote(table)));
        problems.push(problem.help(format!("it is heeded with `balancer = \"{balancer}\"`")));
    };
    if let Some(hash) = form.hash.as_ref().filter(|_| word != BalancerWord::ConsistentHash) {
        unheeded(&hash.place, "hash", "consistent-hash");
    }
    if let Some(sticky) = form.sticky.as_ref().filter(|_| word != BalancerWord::Sticky) {
        unheeded(&sticky.place, "sticky", "sticky");
    }
    match word {
        BalancerWord::RoundRobin => Some(Balancer::RoundRobin),
        BalancerWord::LeastRequests => Some(Balancer::LeastRequests),
        BalancerWord::ConsistentHash => hash(form, about, problems).map(Balancer::ConsistentHash),
        BalancerWord::Sticky => sticky(form, about, problems).map(Balancer::Sticky),
    }
}

fn hash(form: &form::Upstream, about: &str, problems: &mut Vec<Problem>) -> Option<HashKey> {
    const KEYS: &str = "one of `header`, `cookie` and `client-address = true`: `hash = { header = \"x-user\" }`";
    let Some(hash) = &form.hash else {
        if form.sound {
            let message = format!("`consistent-hash` needs to know what to hash{about}");
            problems.push(Problem::new(&form.balancer.place, message).help(KEYS));
        }
        return None;
    };
    match (&hash.header, &hash.cookie, hash.client_address) {
        (Some(name), None, false) => {
            let header = HeaderName::try_from(name.value.as_str());
            if header.is_err() {
                problems.push(Problem::new(
                    &name.place,
                    format!("{} is no name of a header{about}", quote(name.written())),
                ));
            }
            header.ok().map(HashKey::Header)
        }
        (None, Some(name), false) => cookie(name, about, problems).map(HashKey::Cookie),
        (None, None, true) => Some(HashKey::ClientAddress),
        _ => {
            if hash.sound {
                let problem =
                    Problem::new(&hash.place, format!("one thing is hashed, not none and not several{about}"));
                problems.push(problem.help(KEYS));
            }
            None
        }
    }
}

fn sticky(form: &form::Upstream, about: &str, problems: &mut Vec<Problem>) -> Option<StickyCookie> {
    let unsaid;
    let sticky = match &form.sticky {
        Some(sticky) => sticky,
        None => {
            unsaid = form::Sticky::unsaid(&form.place);
            &unsaid
        }
    };
    if let Some(secret) = sticky.secret.as_ref().filter(|secret| secret.value.len() < LEAST_SECRET) {
        let problem = Problem::new(&secret.place, format!("the secret has less than {LEAST_SECRET} bytes{about}"));
        problems.push(problem.help("such as what `openssl rand -hex 32` says, put in by `${env:..}` or `${file:..}`"));
    }
    Some(StickyCookie {
        name: cookie(&sticky.cookie, about, problems)?,
        secret: sticky.secret.as_ref().map(|secret| Secret::new(secret.value.as_str())),
        max_age: sticky.max_age,
        same_site: sticky.same_site,
    })
}

/// The name of a cookie is a token (RFC 6265, section 4.1.1), as the name of a header is, but for its case.
fn cookie(name: &Text, about: &str, problems: &mut Vec<Problem>) -> Option<String> {
    if HeaderName::try_from(name.value.as_str()).is_err() {
        problems.push(Problem::new(&name.place, format!("{} is no name of a cookie{about}", quote(name.written()))));
        return None;
    }
    Some(name.value.clone())
}

pub(super) fn health(form: &form::Health, about: &str, problems: &mut Vec<Problem>) -> Option<Health> {
    Some(Health {
        question: question(form, about, problems)?,
        interval: form.interval,
        timeout: form.timeout,
        healthy: number(form.healthy),
        unhealthy: number(form.unhealthy),
    })
}

fn question(form: &form::Health, about: &str, problems: &mut Vec<Problem>) -> Option<HealthQuestion> {
    let path = match (&form.path, form.tcp) {
        (Some(path), false) => path,
        (None, true) => {
            let of_http = form.host.as_ref().map(|host| &host.place);
            let of_http = of_http.or((!form.status.value.is_empty()).then_some(&form.status.place));
            if let Some(place) = of_http {
                let problem = Problem::new(place, format!("a connection has no host and no status{about}"));
                problems.push(problem.help("`path = \"/healthz\"` in place of `tcp`"));
            }
            return Some(HealthQuestion::Tcp);
        }
        _ => {
            if form.sound {
                let problem = Problem::new(&form.place, format!("endpoints are asked by `path` or by `tcp`{about}"));
                problems.push(problem.help("`health = { path = \"/healthz\" }`, or `health = { tcp = true }`"));
            }
            return None;
        }
    };
    let target = PathAndQuery::try_from(path.value.as_str()).ok();
    let target = target.filter(|target| path.value.starts_with('/') && target.as_str() == path.value);
    if target.is_none() {
        let problem = Problem::new(&path.place, format!("{} is no path{about}", quote(path.written())));
        problems.push(problem.help("such as `/healthz`"));
    }
    let host = form.host.as_ref().map(|host| {
        let value = HeaderValue::try_from(host.value.as_str()).ok();
        let value = value.filter(|_| host.value.parse::<http::uri::Authority>().is_ok());
        if value.is_none() {
            problems.push(Problem::new(&host.place, format!("{} is no host{about}", quote(host.written()))));
        }
        value
    });
    let statuses = form.status.value.iter().filter_map(|status| self::status(*status)).collect();
    Some(HealthQuestion::Http { path: target?, host: host.flatten(), statuses })
}

pub(super) fn ejection(form: &form::Ejection) -> Ejection {
    Ejection {
        failures: form.failures.as_on().map(|failures| number(*failures)),
        statuses: form.status.iter().filter_map(|status| self::status(*status)).collect(),
        time: form.time,
        longest: form.longest.max(form.time),
        most: form.most.0,
    }
}

fn number<const LEAST: i64, const MOST: i64>(number: Whole<LEAST, MOST>) -> u32 {
    u32::try_from(number.0).unwrap_or(u32::MAX)
}

fn status<const LEAST: i64, const MOST: i64>(status: Whole<LEAST, MOST>) -> Option<StatusCode> {
    StatusCode::from_u16(u16::try_from(status.0).ok()?).ok()
}
