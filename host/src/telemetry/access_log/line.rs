//! The two forms of a line. Pure: an entry and a time in, bytes out.

use std::time::{Duration, SystemTime};

use super::AccessEntry;
use crate::telemetry::escape::{address, decimal, json_string, micros, text_value};
use crate::telemetry::timestamp::Timestamp;

/// Bytes of a name that reach the line: a 64 KB path must not buy 64 KB of disk.
const LONGEST: usize = 2_048;

/// `{"time":"2026-02-03T04:05:06.789Z","type":"access","id":..}`
pub(super) fn json<'a>(
    out: &mut Vec<u8>,
    timestamp: &mut Timestamp,
    now: SystemTime,
    entry: &AccessEntry<'_>,
    plugins: impl Iterator<Item = (&'a str, u64)>,
) {
    out.extend_from_slice(b"{\"time\":\"");
    timestamp.rfc3339(now, out);
    out.extend_from_slice(b"\",\"type\":\"access\",\"id\":");
    json_string(out, cut(entry.id));
    out.extend_from_slice(b",\"client\":\"");
    address(out, entry.client);
    out.push(b'"');
    members(
        out,
        [(&b",\"listener\":"[..], entry.listener), (b",\"host\":", entry.host), (b",\"userAgent\":", entry.user_agent)],
    );
    out.extend_from_slice(b",\"method\":");
    json_string(out, cut(entry.method));
    out.extend_from_slice(b",\"path\":");
    json_string(out, cut(entry.path));
    out.extend_from_slice(b",\"protocol\":");
    json_string(out, cut(entry.protocol));
    if let Some(status) = entry.status {
        out.extend_from_slice(b",\"status\":");
        decimal(out, u64::from(status));
    }
    out.extend_from_slice(b",\"requestBytes\":");
    decimal(out, entry.request_bytes);
    out.extend_from_slice(b",\"responseBytes\":");
    decimal(out, entry.response_bytes);
    out.extend_from_slice(b",\"durationUs\":");
    micros(out, nanos(entry.duration));
    members(
        out,
        [
            (&b",\"route\":"[..], entry.route),
            (b",\"upstream\":", entry.upstream),
            (b",\"failover\":", entry.failover),
            (b",\"endpoint\":", entry.endpoint),
            (b",\"consumer\":", entry.consumer),
            (b",\"problem\":", entry.problem),
        ],
    );
    if entry.tries > 1 {
        out.extend_from_slice(b",\"tries\":");
        decimal(out, u64::from(entry.tries));
    }
    out.extend_from_slice(if entry.completed { b",\"completed\":true" } else { b",\"completed\":false" });
    out.extend_from_slice(b",\"plugins\":{");
    for (index, (name, nanos)) in plugins.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_string(out, cut(name));
        out.push(b':');
        micros(out, nanos);
    }
    out.extend_from_slice(b"}}\n");
}

/// Those that have a value.
fn members<const N: usize>(out: &mut Vec<u8>, members: [(&[u8], Option<&str>); N]) {
    for (key, value) in members {
        if let Some(value) = value {
            out.extend_from_slice(key);
            json_string(out, cut(value));
        }
    }
}

/// `12:00:01.123 192.0.2.7 GET /users/7 200 512B 1.24ms host=api.example route=users endpoint=127.0.0.1:9001 plugins=key-auth:0.8us`
pub(super) fn text<'a>(
    out: &mut Vec<u8>,
    timestamp: &mut Timestamp,
    now: SystemTime,
    entry: &AccessEntry<'_>,
    plugins: impl Iterator<Item = (&'a str, u64)>,
    colour: bool,
) {
    timestamp.time_of_day(now, out);
    out.push(b' ');
    address(out, entry.client);
    out.push(b' ');
    text_value(out, cut(entry.method));
    out.push(b' ');
    text_value(out, cut(entry.path));
    out.push(b' ');
    text_status(out, entry.status, colour);
    out.push(b' ');
    decimal(out, entry.response_bytes);
    out.extend_from_slice(b"B ");
    text_duration(out, nanos(entry.duration));
    let id = (entry.problem.is_some() || !entry.completed).then_some(entry.id);
    for (key, value) in [
        (&b" host="[..], entry.host),
        (b" route=", entry.route),
        (b" failover=", entry.failover),
        (b" endpoint=", entry.endpoint),
        (b" consumer=", entry.consumer),
        (b" problem=", entry.problem),
        (b" id=", id),
    ] {
        if let Some(value) = value {
            out.extend_from_slice(key);
            text_value(out, cut(value));
        }
    }
    if entry.tries > 1 {
        out.extend_from_slice(b" tries=");
        decimal(out, u64::from(entry.tries));
    }
    if !entry.completed {
        out.extend_from_slice(b" incomplete");
    }
    for (index, (name, nanos)) in plugins.enumerate() {
        out.extend_from_slice(if index == 0 { b" plugins=" } else { b"," });
        text_value(out, cut(name));
        out.push(b':');
        micros(out, nanos);
        out.extend_from_slice(b"us");
    }
    out.push(b'\n');
}

/// `-` when the client was sent none.
fn text_status(out: &mut Vec<u8>, status: Option<u16>, colour: bool) {
    let Some(status) = status else { return out.push(b'-') };
    if colour {
        out.extend_from_slice(match status {
            0..=299 => b"\x1b[32m",
            300..=399 => b"\x1b[36m",
            400..=499 => b"\x1b[33m",
            500.. => b"\x1b[31m",
        });
    }
    decimal(out, u64::from(status));
    if colour {
        out.extend_from_slice(b"\x1b[0m");
    }
}

/// Three digits or so, in the unit a person would choose: `870us`, `1.24ms`, `30.02s`.
fn text_duration(out: &mut Vec<u8>, nanos: u64) {
    const MILLI: u64 = 1_000_000;
    let (hundredths, unit): (u64, &[u8]) = match nanos {
        0..MILLI => {
            decimal(out, nanos / 1_000);
            return out.extend_from_slice(b"us");
        }
        MILLI..1_000_000_000 => (nanos / (MILLI / 100), b"ms"),
        _ => (nanos / (10 * MILLI), b"s"),
    };
    decimal(out, hundredths / 100);
    out.extend_from_slice(&[b'.', b'0' + (hundredths / 10 % 10) as u8, b'0' + (hundredths % 10) as u8]);
    out.extend_from_slice(unit);
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST)]
}
