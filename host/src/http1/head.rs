//! Parses the heads of messages, without copying values.

use std::mem::MaybeUninit;

use bytes::{Buf, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Uri, Version, request, response};
use httparse::{Header, ParserConfig, Status};
use memchr::memmem;

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
    /// Bytes of a request's target.
    pub target: usize,
}

/// Room for the fields of any head.
const NO_FIELDS: [MaybeUninit<Header<'_>>; MOST_FIELDS] = [const { MaybeUninit::uninit() }; MOST_FIELDS];

/// Takes the head of a request out of `input`, once it is there.
pub fn request(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<(request::Parts, Framing)>, HeadError> {
    input.advance(empty_lines(input));
    let Some(head) = whole_head(input, limits)? else {
        let mut fields = NO_FIELDS;
        let parsed = httparse::Request::new(&mut []).parse_with_uninit_headers(input, &mut fields[..limits.fields]);
        return incomplete(parsed, input, limits);
    };
    let mut fields = NO_FIELDS;
    let mut parsed = httparse::Request::new(&mut []);
    let length = parsed.parse_with_uninit_headers(&head, &mut fields[..limits.fields]);
    complete(length, &head, limits)?;
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.version = version(parsed.version)?;
    parts.method = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes()).map_err(|_| HeadError::Target)?;
    parts.headers = headers(&head, parsed.headers)?;
    let framing = framing::of_request(parts.version, &parts.headers)?;
    parts.uri = uri(&head, parsed.path.unwrap_or_default(), limits.target)?;
    Ok(Some((parts, framing)))
}

/// Takes the head of a response to `method` out of `input`, once it is there.
pub fn response(
    input: &mut BytesMut,
    limits: HeadLimits,
    method: &Method,
) -> Result<Option<(response::Parts, Framing)>, HeadError> {
    let config = ParserConfig::default();
    let Some(head) = whole_head(input, limits)? else {
        let (mut parsed, mut fields) = (httparse::Response::new(&mut []), NO_FIELDS);
        let parsed = config.parse_response_with_uninit_headers(&mut parsed, input, &mut fields[..limits.fields]);
        return incomplete(parsed, input, limits);
    };
    let (mut parsed, mut fields) = (httparse::Response::new(&mut []), NO_FIELDS);
    let length = config.parse_response_with_uninit_headers(&mut parsed, &head, &mut fields[..limits.fields]);
    complete(length, &head, limits)?;
    let (mut parts, ()) = http::Response::new(()).into_parts();
    parts.version = version(parsed.version)?;
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default());
    parts.status = status.map_err(|_| HeadError::Syntax(httparse::Error::Status))?;
    parts.headers = headers(&head, parsed.headers)?;
    let framing = framing::of_response(method, parts.status, parts.version, &parts.headers)?;
    Ok(Some((parts, framing)))
}

/// RFC 9112, section 2.2: a server passes over empty lines before a request. All that are there, as it is when they arrive
/// one by one: how they arrive decides nothing.
fn empty_lines(input: &[u8]) -> usize {
    2 * input.chunks_exact(2).take_while(|line| *line == b"\r\n").count()
}

/// The bytes up to the first empty line, if it is there.
fn whole_head(input: &mut BytesMut, limits: HeadLimits) -> Result<Option<Bytes>, HeadError> {
    const END: &[u8] = b"\r\n\r\n";
    match memmem::find(input, END) {
        Some(end) if end + END.len() > limits.bytes => Err(too_long(input, limits)),
        Some(end) => Ok(Some(input.split_to(end + END.len()).freeze())),
        None => Ok(None),
    }
}

/// What is wrong with a head of which a part is there, if something is.
fn incomplete<T>(
    parsed: Result<Status<usize>, httparse::Error>,
    input: &[u8],
    limits: HeadLimits,
) -> Result<Option<T>, HeadError> {
    match parsed {
        Ok(Status::Partial) if input.len() <= limits.bytes => Ok(None),
        Ok(Status::Partial) => Err(too_long(input, limits)),
        // It has an empty line of another kind.
        Ok(Status::Complete(_)) => Err(HeadError::BareLineFeed),
        Err(error) => Err(syntax(error, limits)),
    }
}

/// Whether all of the head was parsed, and each of its lines ends in the one way that all agree on.
fn complete(parsed: Result<Status<usize>, httparse::Error>, head: &[u8], limits: HeadLimits) -> Result<(), HeadError> {
    match parsed {
        Ok(Status::Complete(length)) if length == head.len() && ends_lines_with_cr(head) => Ok(()),
        Ok(_) => Err(HeadError::BareLineFeed),
        Err(error) => Err(syntax(error, limits)),
    }
}

fn too_long(input: &[u8], limits: HeadLimits) -> HeadError {
    match memchr::memchr(b'\n', &input[..limits.bytes.min(input.len())]) {
        Some(_) => HeadError::TooLong(limits.bytes),
        None => HeadError::TargetTooLong(limits.bytes),
    }
}

fn syntax(error: httparse::Error, limits: HeadLimits) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooManyFields(limits.fields),
        httparse::Error::Version => HeadError::Version,
        error => HeadError::Syntax(error),
    }
}

fn version(minor: Option<u8>) -> Result<Version, HeadError> {
    match minor {
        Some(1) => Ok(Version::HTTP_11),
        Some(0) => Ok(Version::HTTP_10),
        _ => Err(HeadError::Version),
    }
}

fn headers(head: &Bytes, fields: &[Header<'_>]) -> Result<HeaderMap, HeadError> {
    // With room for what is added on the way.
    let mut headers = HeaderMap::with_capacity(fields.len() + 4);
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let name = name.map_err(|_| HeadError::Syntax(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_maybe_shared(head.slice_ref(field.value));
        let value = value.map_err(|_| HeadError::Syntax(httparse::Error::HeaderValue))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// A target without bytes that some read in one way and some in another (RFC 3986, section 2): only
/// printable ASCII, and no fragment, which no client sends.
fn uri(head: &Bytes, target: &str, most: usize) -> Result<Uri, HeadError> {
    if target.len() > most {
        return Err(HeadError::TargetTooLong(most));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(HeadError::Target);
    }
    Uri::from_maybe_shared(head.slice_ref(target.as_bytes())).map_err(|_| HeadError::Target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeadLimits = HeadLimits { bytes: 1024, fields: 8, target: 512 };

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
    fn empty_lines_before_a_request_are_passed_over_however_they_arrive() {
        let wire = "\r\n".repeat(9) + "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        assert!(parse(wire.as_bytes()).expect("good").is_some());
        let mut input = BytesMut::new();
        let (last, bytes) = wire.as_bytes().split_last().expect("it is not empty");
        for byte in bytes {
            input.extend_from_slice(&[*byte]);
            assert!(request(&mut input, LIMITS).expect("nothing is wrong yet").is_none());
        }
        input.extend_from_slice(&[*last]);
        assert!(request(&mut input, LIMITS).expect("good").is_some());
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
