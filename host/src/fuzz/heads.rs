//! Heads of messages: one that arrives in pieces is read as it is read whole, nothing of it is lost or made up, and what
//! is written of it reads the same.

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Method};

use super::pieces::pieces;
use crate::http1::framing::Framing;
use crate::http1::head::{self, HeadLimits};
use crate::http1::write::{self, Fields, Length, Persistence};

/// Small, so that they are met.
const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 16, target: 512 };

pub(super) fn request(bytes: &[u8]) {
    let taken = invariant(bytes, |input| {
        let read = head::request(input, LIMITS).map_err(drop)?;
        Ok(read.map(|(parts, framing)| Read {
            line: format!("{} {} {:?}", parts.method, parts.uri, parts.version),
            fields: parts.headers,
            framing,
        }))
    });
    let Some((read, wire)) = taken else { return };
    let text = compare(&read, wire);
    let [method, target, version] = words(&text);
    let said = format!("{method} {} {version}", shown(target));
    // The name of a scheme may come in any case.
    assert!(
        if target.starts_with('/') { read.line == said } else { read.line.eq_ignore_ascii_case(&said) },
        "{said:?} is no {:?}",
        read.line
    );
    write_and_read(&read, method);
}

pub(super) fn response(bytes: &[u8]) {
    let (ask, bytes) = bytes.split_first().map_or((0, bytes), |(ask, rest)| (*ask, rest));
    let method = if ask.is_multiple_of(4) { Method::HEAD } else { Method::GET };
    let taken = invariant(bytes, |input| {
        let read = head::response(input, LIMITS, &method).map_err(drop)?;
        Ok(read.map(|(parts, framing)| {
            let line = format!("{:?} {}", parts.version, parts.status.as_str());
            Read { line, fields: parts.headers, framing }
        }))
    });
    let Some((read, wire)) = taken else { return };
    let text = compare(&read, wire);
    assert!(text.starts_with(&read.line), "{text:?} is no {:?}", read.line);
    let status = read.line[9..].parse().expect("it is a status");
    let mut output = BytesMut::new();
    write::response(&mut output, status, &read.fields, (length(read.framing), false), Persistence::Implied);
    let (parts, framing) =
        head::response(&mut output, HeadLimits { bytes: 8 * 1024, fields: 32, target: 1024 }, &Method::GET)
            .ok()
            .flatten()
            .expect("we wrote it");
    assert!(output.is_empty() && parts.status == status);
    if status.as_u16() != 204 && status.as_u16() != 304 {
        assert_eq!(framing, read.framing);
    }
}

/// What was read of a head.
#[derive(Debug, PartialEq)]
struct Read {
    line: String,
    fields: HeaderMap,
    framing: Framing,
}

/// Reads a head whole and in pieces. Answers what was read, if it is one, and the bytes that were taken for it.
fn invariant(bytes: &[u8], read: impl Fn(&mut BytesMut) -> Result<Option<Read>, ()>) -> Option<(Read, &[u8])> {
    let (bytes, pieces) = pieces(bytes);
    let mut whole = BytesMut::from(bytes);
    let at_once = read(&mut whole);
    let (mut input, mut one_by_one, mut arrived) = (BytesMut::new(), Ok(None), 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        arrived += piece.len();
        one_by_one = read(&mut input);
        if !matches!(one_by_one, Ok(None)) {
            break;
        }
    }
    assert_eq!(at_once, one_by_one, "whole and in pieces");
    let read = at_once.ok()??;
    let taken = bytes.len() - whole.len();
    assert_eq!(taken, arrived - input.len(), "bytes taken, whole and in pieces");
    Some((read, &bytes[..taken]))
}

/// Compares what was read with the lines, read in the most naive way that RFC 9112 allows. Answers the first line.
fn compare(read: &Read, wire: &[u8]) -> String {
    let wire =
        String::from_utf8(wire.iter().map(|&byte| if byte.is_ascii() { byte } else { b'?' }).collect()).expect("ASCII");
    let mut lines = wire.trim_start_matches("\r\n").strip_suffix("\r\n\r\n").expect("a head ends so").split("\r\n");
    let first = lines.next().expect("there is always one").to_owned();
    let said = lines.map(|line| {
        assert!(!line.contains(['\r', '\n', '\0']), "{line:?}");
        let (name, value) = line.split_once(':').expect("a field has a colon");
        (name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned())
    });
    let mut said: Vec<(String, String)> = said.collect();
    let plain = |value: &HeaderValue| {
        value.as_bytes().iter().map(|&byte| if byte.is_ascii() { char::from(byte) } else { '?' }).collect()
    };
    let mut read: Vec<(String, String)> =
        read.fields.iter().map(|(name, value)| (name.as_str().to_owned(), plain(value))).collect();
    // The map keeps the order among those of one name only.
    said.sort_by(|a, b| a.0.cmp(&b.0));
    read.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(read, said);
    first
}

/// The three words of a request's line.
fn words(line: &str) -> [&str; 3] {
    let words: Vec<&str> = line.split(' ').collect();
    words.try_into().expect("a request's line has three words")
}

/// A target as the type of targets shows it: one that names a host and no path asks for `/`.
fn shown(target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let host = target.split_once("://").map(|(scheme, _)| scheme.len() + 3);
    let end = host.map(|at| at + target[at..].find(['/', '?']).unwrap_or(target.len() - at));
    match end {
        Some(end) if !target[end..].starts_with('/') => format!("{}/{}", &target[..end], &target[end..]),
        _ => target.to_owned(),
    }
}

fn write_and_read(read: &Read, method: &str) {
    let (method, target) = (method.parse().expect("it was read"), http::uri::PathAndQuery::from_static("/"));
    let fields = Fields { came: &read.fields, edits: &[] };
    let request = write::Request { method: &method, target: &target, fields, takes_trailers: false, upgrade: None };
    let mut output = BytesMut::new();
    write::request(&mut output, request, &HeaderValue::from_static("x"), length(read.framing));
    let (parts, framing) = head::request(&mut output, HeadLimits { bytes: 8 * 1024, fields: 32, target: 1024 })
        .ok()
        .flatten()
        .expect("we wrote it");
    assert!(output.is_empty());
    assert_eq!((parts.method, framing), (method, read.framing));
}

fn length(framing: Framing) -> Length {
    match framing {
        Framing::Length(length) => Length::Exact(length),
        Framing::Chunked => Length::Chunked,
        Framing::UntilClose => Length::UntilClose,
    }
}
