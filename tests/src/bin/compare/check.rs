//! Whether a gateway does its work: nobody is to be measured while it fails, or does less than the others.

use anyhow::{Context, Result, ensure};

use crate::gateway::{Gateway, KEY};
use crate::http::{self, Answer, field};
use crate::scenario::RequestId;

/// An id that a client says.
const FORGED: &str = "forged";

/// Asks the upstream, through the gateway, what it got; looks at what comes back.
pub fn check(gateway: &Gateway) -> Result<()> {
    let address = gateway.process.address;
    let headers = [
        ("x-api-key", KEY),
        ("cache-control", "no-cache"),
        ("x-consumer-name", "forged"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-request-id", FORGED),
    ];
    let scenario = gateway.setup.scenario;
    // Twice: a limiter's or a breaker's first exchange may be another than its later ones.
    for _ in 0..2 {
        let answer = http::get(address, "/seen", &headers)?;
        ensure!(answer.status == 200, "it answers {}", answer.status);
        proxied(&answer, &address.to_string())?;
        told(&answer, &address.to_string(), scenario.tells_its_part())?;
        identified(&answer, scenario.request_id())?;
        if scenario.edits() {
            upstream_saw(&answer, "x-edited", "yes")?;
        }
        if scenario.authenticates() {
            authenticated(&answer)?;
        }
        if scenario.has_chain() {
            limited_and_edited(&answer)?;
        }
    }
    if scenario.authenticates() {
        for headers in [&[][..], &[("x-api-key", "key-of-nobody")][..]] {
            let status = http::get(address, "/seen", headers)?.status;
            ensure!(status == 401, "it answers {status} to {headers:?}");
        }
    }
    Ok(())
}

fn proxied(answer: &Answer, host: &str) -> Result<()> {
    upstream_saw(answer, "host", host)?;
    upstream_saw(answer, "x-forwarded-for", "127.0.0.1")?;
    upstream_saw(answer, "x-forwarded-proto", "http")?;
    upstream_saw(answer, "protocol", "HTTP/1.1")?;
    // Neither `close` nor an upgrade: the connection is kept.
    upstream_saw(answer, "connection", "")?;
    let number = field(&answer.body, "request-of-connection").unwrap_or_default();
    ensure!(number.parse::<u64>()? > 1, "each request had a connection of its own to the upstream");
    Ok(())
}

/// Who forwarded the request, and for which host; or neither.
fn told(answer: &Answer, host: &str, tells: bool) -> Result<()> {
    let via = field(&answer.body, "via").unwrap_or_default();
    ensure!(via.starts_with("1.1 ") || !tells && via.is_empty(), "the upstream saw `via: {via}`");
    upstream_saw(answer, "x-forwarded-host", if tells { host } else { "" })
}

/// An id of 128 random bits, as hex digits or as a UUID; or what the report says instead.
fn identified(answer: &Answer, request_id: RequestId) -> Result<()> {
    let id = field(&answer.body, "x-request-id").unwrap_or_default();
    let instead = match request_id {
        RequestId::Made => None,
        RequestId::Dropped => Some(""),
        RequestId::Kept => Some(FORGED),
    };
    if let Some(instead) = instead {
        ensure!(id == instead, "the upstream saw the id `{id}`, which the report says is not made");
        return client_saw(answer, "x-request-id", None);
    }
    let digits = id.replace('-', "");
    let is_id = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    ensure!(is_id, "the upstream saw the id `{id}`");
    client_saw(answer, "x-request-id", Some(id))
}

fn authenticated(answer: &Answer) -> Result<()> {
    upstream_saw(answer, "x-consumer-name", "consumer-0042")?;
    upstream_saw(answer, "x-consumer-groups", "partners")?;
    upstream_saw(answer, "x-api-key", "")
}

fn limited_and_edited(answer: &Answer) -> Result<()> {
    upstream_saw(answer, "cache-control", "")?;
    client_saw(answer, "x-served-by", Some("gateway"))?;
    client_saw(answer, "x-upstream-detail", None)?;
    for name in ["ratelimit", "ratelimit-policy"] {
        answer.header(name).with_context(|| format!("the client saw no `{name}`"))?;
    }
    Ok(())
}

fn upstream_saw(answer: &Answer, name: &str, expected: &str) -> Result<()> {
    let seen = field(&answer.body, name).context("the upstream did not say what it saw")?;
    ensure!(seen == expected, "the upstream saw `{name}: {seen}`, not `{expected}`");
    Ok(())
}

fn client_saw(answer: &Answer, name: &str, expected: Option<&str>) -> Result<()> {
    let seen = answer.header(name);
    ensure!(seen == expected, "the client saw {name} as {seen:?}, not {expected:?}");
    Ok(())
}
