//! Heads of requests and of responses (RFC 9113, section 8.3).

use http::header::{self, HeaderMap, HeaderValue};
use http::uri::{Authority, Scheme};
use http::{Method, Request, Uri, Version, response};

use crate::http1::client::Request as Asked;
use crate::http1::{Framing, HeadError, response_framing};
use crate::upstream::definition::Remote;
use crate::wire::headers::{MOST_RECEIVED, belongs_to_gateway};

/// The head of a request. `length` is of its body, if it is known; a request whose fields have no host is for the endpoint's.
pub(in crate::upstream) fn head(asked: &Asked<'_>, remote: &Remote, length: Option<u64>) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = asked.method.clone();
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = uri(asked, remote);
    let mut fields = HeaderMap::with_capacity(asked.fields.came.len() + asked.fields.edits.len() + 2);
    // What frames the message, and the host, are said otherwise.
    for (name, value) in asked.fields.iter().filter(|(name, _)| !belongs_to_gateway(name)) {
        fields.append(name.clone(), value.clone());
    }
    if let Some(length) = length.filter(|length| *length > 0 || has_meaning_without_body(asked.method)) {
        fields.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if asked.takes_trailers {
        fields.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    *request.headers_mut() = fields;
    request
}

/// More than this some servers do not take of one head, and leave: with a GOAWAY that ends all that runs on the connection.
const LONG: usize = 4 * 1024;
/// What one byte takes at most in Huffman's code of HPACK (RFC 7541, appendix B), in which `h2` writes every text.
const MOST_OF_ONE: usize = 4;

/// Whether a head is so long that an endpoint may leave for it: by itself, as RFC 9113, section 6.5.2, counts it, or as it is
/// written.
pub(in crate::upstream) fn is_long(asked: &Asked<'_>) -> bool {
    let length = |of: fn(&[u8]) -> usize| -> usize {
        let line = |name: &[u8], value: &[u8]| of(name) + of(value) + 32;
        let fields = asked.fields.iter().map(|(name, value)| line(name.as_str().as_bytes(), value.as_bytes()));
        let target = line(b":path", asked.target.as_str().as_bytes());
        fields.sum::<usize>() + target + line(b":method", asked.method.as_str().as_bytes())
    };
    let plain = length(<[u8]>::len);
    // Nearly always it is short whatever is in it.
    plain > LONG || plain * MOST_OF_ONE > LONG && length(written) > LONG
}

/// Bytes that a text takes at most when it is written.
fn written(text: &[u8]) -> usize {
    let of_one = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b" %&*,-./:;=_".contains(byte) => 1,
        b'!'..=b'~' => 3,
        _ => MOST_OF_ONE,
    };
    text.iter().map(of_one).sum()
}

fn uri(asked: &Asked<'_>, remote: &Remote) -> Uri {
    let host = &remote.authority;
    let named = asked.fields.get(&header::HOST).unwrap_or(host);
    let authority = Authority::try_from(named.as_bytes()).or_else(|_| Authority::try_from(host.as_bytes()));
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(if remote.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
    parts.authority = Some(authority.expect("the authority of an endpoint is one"));
    parts.path_and_query = Some(asked.target.clone());
    Uri::from_parts(parts).expect("it has all that a URI has")
}

/// RFC 9110, section 8.6: a `POST` of nothing says so.
fn has_meaning_without_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH)
}

/// How long the body of a response is, if its head says so; or what is wrong with the head.
pub(super) fn check(method: &Method, response: &response::Parts) -> Result<Option<u64>, HeadError> {
    if response.headers.len() > MOST_RECEIVED {
        return Err(HeadError::TooManyFields(MOST_RECEIVED));
    }
    match response_framing(method, response.status, Version::HTTP_11, &response.headers)? {
        Framing::Length(length) => Ok(Some(length)),
        Framing::UntilClose => Ok(None),
        // The codec of HTTP/2 refuses it already.
        Framing::Chunked => Err(HeadError::TransferEncoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::client::Fields;
    use http::uri::PathAndQuery;

    #[test]
    fn a_head_is_long_by_itself_or_as_it_is_written() {
        let with = |value: &[u8]| {
            let came = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(value).expect("a value"))]);
            let (fields, target) = (Fields { came: &came, edits: &[] }, PathAndQuery::from_static("/"));
            let method = &Method::GET;
            is_long(&Asked { method, target: &target, fields, takes_trailers: false, upgrade: None })
        };
        assert!(!with(&[b'a'; 3900]) && with(&[b'a'; 4100]));
        assert!(!with(&[b'\\'; 1200]) && with(&[b'\\'; 1400]));
        assert!(!with(&[0xfe; 900]) && with(&[0xfe; 1100]));
    }
}
