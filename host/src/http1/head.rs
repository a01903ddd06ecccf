//! Parses the heads of messages, without copying values.

use std::mem::MaybeUninit;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version, request, response};
use httparse::{Header, ParserConfig, Status};

use super::body::ends_lines_with_cr;
use super::error::HeadError;
use super::framing::{self, Framing};
use crate::wire::headers::MOST_RECEIVED as MOST_FIELDS;

/// How large a head may be.
#[derive(Debug, Clone, Copy)]
pub struct HeadLimits {
    /// Bytes of the start line and the fields.
    pub bytes: usize,
    /// At most [`MOST_FIELDS`], which are parsed without an allocation.
    pub fields: usize,
}

type Fields<'b> = [MaybeUninit<Header<'b>>; MOST_FIELDS];

/// Takes the head of a request out of `input`, once it is there.
pub fn request(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<(request::Parts, Framing)>, HeadError> {
    let start = skip_empty_lines(input);
    let mut fields: Fields<'_> = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    let most = limits.fields.min(MOST_FIELDS);
    let status = parsed.parse_with_uninit_headers(&input[start..], &mut fields[..most]);
    let length = match length_of(status, &input[start..], limits)? {
        Some(length) => length,
        None => return Ok(None),
    };
    let version = version(parsed.version)?;
    let method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes()).map_err(|_| HeadError::Target)?;
    let target = range(input, parsed.path.unwrap_or_default().as_bytes());
    let places: Vec<Place> = parsed.headers.iter().map(|field| Place::of(field, input)).collect();

    let head = input.split_to(start + length).freeze();
    if !ends_lines_with_cr(&head[start..]) {
        return Err(HeadError::BareLineFeed);
    }
    let headers = headers(&head, &places)?;
    let framing = framing::of_request(version, &headers)?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = method;
    parts.uri = uri(&head, target)?;
    parts.version = version;
    parts.headers = headers;
    Ok(Some((parts, framing)))
}

/// Takes the head of a response to `method` out of `input`, once it is there.
pub fn response(
    input: &mut BytesMut,
    limits: HeadLimits,
    method: &Method,
) -> Result<Option<(response::Parts, Framing)>, HeadError> {
    let mut fields: Fields<'_> = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let most = limits.fields.min(MOST_FIELDS);
    let status = ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, input, &mut fields[..most]);
    let length = match length_of(status, input, limits)? {
        Some(length) => length,
        None => return Ok(None),
    };
    let version = version(parsed.version)?;
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default());
    let status = status.map_err(|_| HeadError::Syntax(httparse::Error::Status))?;
    let places: Vec<Place> = parsed.headers.iter().map(|field| Place::of(field, input)).collect();

    let head = input.split_to(length).freeze();
    if !ends_lines_with_cr(&head) {
        return Err(HeadError::BareLineFeed);
    }
    let headers = headers(&head, &places)?;
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.status = status;
    parts.version = version;
    let framing = framing::of_response(method, status, version, &headers)?;
    parts.headers = headers;
    Ok(Some((parts, framing)))
}

/// Where a name and a value stand in a head.
struct Place {
    name: (usize, usize),
    value: (usize, usize),
}

impl Place {
    fn of(field: &Header<'_>, input: &[u8]) -> Self {
        Self { name: range(input, field.name.as_bytes()), value: range(input, field.value) }
    }
}

/// Where a part of `whole` begins and ends.
fn range(whole: &[u8], part: &[u8]) -> (usize, usize) {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    (start, start + part.len())
}

/// RFC 9112, section 2.2: a server passes over empty lines before a request.
fn skip_empty_lines(input: &[u8]) -> usize {
    const MOST_LINES: usize = 4;
    let empty = input.chunks_exact(2).take(MOST_LINES).take_while(|line| *line == b"\r\n");
    2 * empty.count()
}

/// The length of a head, or none as long as it is not there and may yet come.
fn length_of(
    status: Result<Status<usize>, httparse::Error>,
    input: &[u8],
    limits: HeadLimits,
) -> Result<Option<usize>, HeadError> {
    match status {
        Ok(Status::Complete(length)) if length <= limits.bytes => Ok(Some(length)),
        Ok(Status::Partial) if input.len() <= limits.bytes => Ok(None),
        Ok(_) if !input.iter().take(limits.bytes).any(|byte| *byte == b'\n') => {
            Err(HeadError::TargetTooLong(limits.bytes))
        }
        Ok(_) => Err(HeadError::TooLong(limits.bytes)),
        Err(httparse::Error::TooManyHeaders) => Err(HeadError::TooManyFields(limits.fields)),
        Err(httparse::Error::Version) => Err(HeadError::Version),
        Err(error) => Err(HeadError::Syntax(error)),
    }
}

fn version(minor: Option<u8>) -> Result<Version, HeadError> {
    match minor {
        Some(1) => Ok(Version::HTTP_11),
        Some(0) => Ok(Version::HTTP_10),
        _ => Err(HeadError::Version),
    }
}

fn headers(head: &Bytes, places: &[Place]) -> Result<HeaderMap, HeadError> {
    // With room for what is added on the way.
    let mut headers = HeaderMap::with_capacity(places.len() + 4);
    for Place { name, value } in places {
        let name = HeaderName::from_bytes(&head[name.0..name.1]);
        let name = name.map_err(|_| HeadError::Syntax(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_maybe_shared(head.slice(value.0..value.1));
        let value = value.map_err(|_| HeadError::Syntax(httparse::Error::HeaderValue))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// A target without bytes that some read in one way and some in another (RFC 3986, section 2): only
/// printable ASCII, and no fragment, which no client sends.
fn uri(head: &Bytes, (start, end): (usize, usize)) -> Result<Uri, HeadError> {
    let target = head.slice(start..end);
    if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err(HeadError::Target);
    }
    Uri::from_maybe_shared(target).map_err(|_| HeadError::Target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 8 };

    fn parse(wire: &[u8]) -> Result<Option<(request::Parts, Framing)>, HeadError> {
        request(&mut BytesMut::from(wire), LIMITS)
    }

    #[test]
    fn a_head_is_taken_when_it_is_whole_and_nothing_behind_it_is() {
        let wire = b"\r\nPOST /a?b HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two:  2 \r\nContent-Length: 2\r\n\r\nhiGET";
        let mut input = BytesMut::new();
        for byte in &wire[..wire.len() - 5] {
            assert!(request(&mut input, LIMITS).expect("nothing is wrong yet").is_none());
            input.extend_from_slice(&[*byte]);
        }
        input.extend_from_slice(b"hiGET");
        let (head, framing) = request(&mut input, LIMITS).expect("good").expect("whole");
        assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("POST", "/a?b"));
        assert_eq!((head.version, framing), (Version::HTTP_11, Framing::Length(2)));
        assert_eq!(head.headers["host"], "x");
        assert_eq!(head.headers.get_all("x-two").iter().collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(input, "hiGET");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let wires: [&[u8]; 17] = [
            b"GET / HTTP/1.1\nHost: x\n\n",
            b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
            b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
            b"GET / HTTP/1.1\r\n: x\r\n\r\n",
            b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
            b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GE@T / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ];
        for wire in wires {
            assert!(parse(wire).is_err(), "{}", wire.escape_ascii());
        }
    }

    #[test]
    fn a_head_has_bounds() {
        let fields = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
        assert!(parse(fields(8).as_bytes()).is_ok());
        assert!(matches!(parse(fields(9).as_bytes()), Err(HeadError::TooManyFields(8))));
        let long = format!("GET /{}", "a".repeat(1024));
        assert!(matches!(parse(long.as_bytes()), Err(HeadError::TargetTooLong(1024))));
        let long = format!("GET / HTTP/1.1\r\na: {}", "b".repeat(1024));
        assert!(matches!(parse(long.as_bytes()), Err(HeadError::TooLong(1024))));
        let long = format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(1024));
        assert!(matches!(parse(long.as_bytes()), Err(HeadError::TooLong(1024))));
    }

    #[test]
    fn a_response_has_a_status_and_needs_no_reason() {
        for wire in ["HTTP/1.1 204 No Content\r\nA: b\r\n\r\n", "HTTP/1.0 404 \r\n\r\n", "HTTP/1.1 200\r\n\r\n"] {
            let parsed = response(&mut BytesMut::from(wire), LIMITS, &Method::GET).expect("good").expect("whole");
            assert!(wire.contains(parsed.0.status.as_str()));
        }
        for wire in ["HTTP/1.1 20\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "SSH-2.0-x\r\n"] {
            assert!(response(&mut BytesMut::from(wire), LIMITS, &Method::GET).is_err(), "{wire}");
        }
    }
}
