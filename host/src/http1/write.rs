//! Writes heads and chunks, from the parsed form only.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, StatusCode};

use super::upgrade::Protocols;

/// How the length of a written body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// It has none, and nothing is told.
    None,
    Exact(u64),
    Chunked,
    /// The connection ends with it: for HTTP/1.0.
    UntilClose,
}

/// What is said of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// What the version says by itself.
    Implied,
    Close,
    /// For HTTP/1.0.
    KeepAlive,
    /// It goes on in the protocol that the fields name.
    Upgrade,
}

/// The head of a request as it is written.
#[derive(Debug, Clone, Copy)]
pub struct Request<'h> {
    pub method: &'h Method,
    pub target: &'h PathAndQuery,
    pub fields: Fields<'h>,
    /// Whether trailers are asked for. Over HTTP/1.1 they are not, but those that come are passed on.
    pub takes_trailers: bool,
    /// What the endpoint is asked to switch to; then there is no body.
    pub upgrade: Option<&'h Protocols>,
}

/// The fields of a message as they are written: those that came, and what is said in place of some of them.
/// So a head is changed on its way without being copied.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'h> {
    pub came: &'h HeaderMap,
    pub edits: &'h [Edit],
}

/// Replaces every value of a field by one, or by none.
pub type Edit = (HeaderName, Option<HeaderValue>);

impl<'h> Fields<'h> {
    pub fn iter(self) -> impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)> {
        let came = self.came.iter().filter(move |(name, _)| !self.edits.iter().any(|(edited, _)| edited == *name));
        came.chain(self.edits.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))))
    }

    pub fn get(self, name: &HeaderName) -> Option<&'h HeaderValue> {
        match self.edits.iter().find(|(edited, _)| edited == name) {
            Some((_, value)) => value.as_ref(),
            None => self.came.get(name),
        }
    }
}

/// `host` is for a request whose fields have none.
pub fn request(output: &mut BytesMut, request: Request<'_>, host: &HeaderValue, length: Length) {
    output.reserve(512);
    output.extend_from_slice(request.method.as_str().as_bytes());
    output.extend_from_slice(b" ");
    output.extend_from_slice(request.target.as_str().as_bytes());
    output.extend_from_slice(b" HTTP/1.1\r\n");
    if request.fields.get(&header::HOST).is_none() {
        field(output, &header::HOST, host);
    }
    // A length among the fields is what the client said, over HTTP/2 perhaps of nothing.
    fields(output, request.fields.iter(), false);
    framing(output, length);
    if let Some(protocols) = request.upgrade {
        output.extend_from_slice(b"connection: upgrade\r\n");
        field(output, &header::UPGRADE, protocols.value());
    }
    output.extend_from_slice(b"\r\n");
}

/// `keeps_length`: a `content-length` among the headers tells of a body that is not sent.
pub fn response(
    output: &mut BytesMut,
    status: StatusCode,
    headers: &HeaderMap,
    (length, keeps_length): (Length, bool),
    persistence: Persistence,
) {
    output.reserve(512);
    output.extend_from_slice(b"HTTP/1.1 ");
    output.extend_from_slice(status.as_str().as_bytes());
    output.extend_from_slice(b" ");
    output.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    output.extend_from_slice(b"\r\n");
    fields(output, headers.iter(), keeps_length);
    match persistence {
        Persistence::Implied => {}
        Persistence::Close => output.extend_from_slice(b"connection: close\r\n"),
        Persistence::KeepAlive => output.extend_from_slice(b"connection: keep-alive\r\n"),
        Persistence::Upgrade => output.extend_from_slice(b"connection: upgrade\r\n"),
    }
    framing(output, length);
    if !headers.contains_key(header::DATE) {
        date(output);
    }
    output.extend_from_slice(b"\r\n");
}

fn fields<'h>(
    output: &mut BytesMut,
    fields: impl Iterator<Item = (&'h HeaderName, &'h HeaderValue)>,
    keeps_length: bool,
) {
    let is_ours = |name: &HeaderName| {
        *name == header::TRANSFER_ENCODING
            || *name == header::CONNECTION
            || *name == header::CONTENT_LENGTH && !keeps_length
    };
    for (name, value) in fields.filter(|(name, _)| !is_ours(name)) {
        field(output, name, value);
    }
}

fn field(output: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
    // Once for the line, and not for each of its parts.
    output.reserve(name.len() + value.len() + 4);
    output.extend_from_slice(name);
    output.extend_from_slice(b": ");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}

fn framing(output: &mut BytesMut, length: Length) {
    match length {
        Length::None | Length::UntilClose => {}
        Length::Chunked => output.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Length::Exact(length) => {
            output.extend_from_slice(b"content-length: ");
            output.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            output.extend_from_slice(b"\r\n");
        }
    }
}

/// Opens a chunk of this size, which is not 0; [`CHUNK_END`] closes it.
pub fn chunk(output: &mut BytesMut, size: usize) {
    let _ = write!(output, "{size:x}\r\n");
}

/// Closes a body in chunks that has trailers.
pub fn last_chunk(output: &mut BytesMut, trailers: &HeaderMap) {
    output.extend_from_slice(b"0\r\n");
    for (name, value) in trailers {
        field(output, name, value);
    }
    output.extend_from_slice(b"\r\n");
}

pub const CHUNK_END: &str = "\r\n";
pub const LAST_CHUNK: &str = "0\r\n\r\n";
pub const CHUNK_END_AND_LAST: &str = "\r\n0\r\n\r\n";

/// RFC 9110, section 6.6.1. Made once a second.
fn date(output: &mut BytesMut) {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    DATE.with_borrow_mut(|(made, text)| {
        if *made != seconds {
            *made = seconds;
            *text = format!("date: {}\r\n", httpdate::fmt_http_date(now));
        }
        output.extend_from_slice(text.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_body_tells_no_length() {
        let mut came = HeaderMap::new();
        came.insert(header::CONTENT_LENGTH, HeaderValue::from_static("+7"));
        let target = PathAndQuery::from_static("/");
        let fields = Fields { came: &came, edits: &[] };
        let of = Request { method: &Method::GET, target: &target, fields, takes_trailers: false, upgrade: None };
        let mut output = BytesMut::new();
        request(&mut output, of, &HeaderValue::from_static("x"), Length::None);
        assert_eq!(output, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    }

    #[test]
    fn a_response_is_framed_by_its_length_alone() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("content-length", "7"), ("transfer-encoding", "chunked"), ("x-a", "1"), ("date", "now")]
        {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let write = |length, keeps| {
            let mut output = BytesMut::new();
            response(&mut output, StatusCode::OK, &headers, (length, keeps), Persistence::Close);
            String::from_utf8(output.to_vec()).expect("text")
        };
        insta::assert_snapshot!(write(Length::Exact(1_234_567_890), false).replace('\r', ""), @r"
        HTTP/1.1 200 OK
        x-a: 1
        date: now
        connection: close
        content-length: 1234567890
        ");
        assert!(write(Length::None, true).contains("content-length: 7\r\n"));
        assert!(
            write(Length::Chunked, false)
                .ends_with("date: now\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n")
        );
    }
}
