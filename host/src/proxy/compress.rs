//! Which responses of a route are compressed, and what their heads say of it.
//!
//! How the bytes are made is not known here (`gzip.rs`).

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, VARY,
};
use http::{Response, StatusCode};

use crate::config::Compress;
use crate::wire::coding::{SUMS, weaken};

/// Makes the head of a response that of a compressed one, if it is to be. `length`: bytes of its body, as far as they are
/// known; `wanted`: the client takes gzip.
pub(super) fn prepare(settings: &Compress, wanted: bool, response: &mut Response<()>, length: Option<u64>) -> bool {
    let status = response.status();
    let headers = response.headers_mut();
    // Also of those that are not: what a cache keeps for one client is not what another would get.
    vary(headers);
    // It speaks of the response that was compressed when it was a 200.
    if wanted && status == StatusCode::NOT_MODIFIED {
        weaken(headers);
    }
    if !wanted || !suits(settings, status, headers, length) {
        return false;
    }
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(CONTENT_LENGTH);
    // Of bytes that the client never sees.
    headers.remove(ACCEPT_RANGES);
    weaken(headers);
    true
}

fn suits(settings: &Compress, status: StatusCode, headers: &HeaderMap, length: Option<u64>) -> bool {
    let has_no_body = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
    );
    let is_coded =
        headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    !has_no_body
        && !is_coded
        && length.is_none_or(|length| length >= settings.min_length)
        && !headers.contains_key(CONTENT_RANGE)
        && !SUMS.iter().any(|sum| headers.contains_key(sum))
        && !has_token(headers, &CACHE_CONTROL, "no-transform")
        && headers.get(CONTENT_TYPE).is_some_and(|media_type| is_listed(settings, media_type))
}

fn is_listed(settings: &Compress, media_type: &HeaderValue) -> bool {
    let essence = media_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    settings.types.iter().any(|listed| match listed.strip_suffix('*') {
        Some(start) => essence.len() > start.len() && essence[..start.len()].eq_ignore_ascii_case(start.as_bytes()),
        None => essence.eq_ignore_ascii_case(listed.as_bytes()),
    })
}

fn vary(headers: &mut HeaderMap) {
    if !has_token(headers, &VARY, "*") && !has_token(headers, &VARY, "accept-encoding") {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Whether a list has this word.
fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name).iter();
    let mut tokens = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of a compressed response, or none if it stays as it is.
    fn prepared(status: u16, fields: &[(&'static str, &'static str)], length: Option<u64>) -> (bool, String) {
        let settings = Compress { types: vec!["text/*".into(), "application/json".into()], min_length: 100 };
        let mut response = Response::builder().status(status);
        for &(name, value) in fields {
            response = response.header(name, value);
        }
        let mut response = response.body(()).expect("a response");
        let prepared = prepare(&settings, true, &mut response, length);
        let field = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}={} ", value.to_str().expect("text"));
        (prepared, response.headers().iter().map(field).collect())
    }

    fn is_compressed(status: u16, fields: &[(&'static str, &'static str)], length: Option<u64>) -> bool {
        prepared(status, fields, length).0
    }

    #[test]
    fn a_head_tells_of_the_bytes_that_are_sent() {
        let fields = [
            ("content-type", "Text/HTML; charset=utf-8"),
            ("content-length", "100"),
            ("etag", "\"a\""),
            ("accept-ranges", "bytes"),
            ("vary", "origin"),
        ];
        let head = "content-type=Text/HTML; charset=utf-8 content-encoding=gzip etag=W/\"a\" vary=origin vary=accept-encoding ";
        let mut found: Vec<String> = prepared(200, &fields, Some(100)).1.split(' ').map(str::to_owned).collect();
        let mut wanted: Vec<String> = head.split(' ').map(str::to_owned).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }

    #[test]
    fn only_what_is_worth_it_and_may_be_changed_is_compressed() {
        let text = ("content-type", "text/plain");
        assert!(is_compressed(200, &[text], None) && is_compressed(404, &[text], Some(100)));
        assert!(is_compressed(200, &[("content-type", "application/json")], None));
        assert!(is_compressed(200, &[text, ("content-encoding", "identity")], None));
        assert!(!is_compressed(200, &[text], Some(99)));
        for status in [204, 205, 206, 304] {
            assert!(!is_compressed(status, &[text], None), "{status}");
        }
        for other in [
            ("content-encoding", "br"),
            ("cache-control", "public, No-Transform"),
            ("content-range", "bytes */9"),
            ("content-digest", "sha-256=:x:"),
        ] {
            assert!(!is_compressed(200, &[text, other], None), "{other:?}");
        }
        for media_type in ["image/png", "application/jsonp", "text/", "text", "", "application/octet-stream"] {
            assert!(!is_compressed(200, &[("content-type", media_type)], None), "{media_type}");
        }
        assert!(!is_compressed(200, &[], None));
    }

    #[test]
    fn caches_are_told_always_and_once() {
        assert_eq!(prepared(200, &[("vary", "Accept-Encoding")], None).1, "vary=Accept-Encoding ");
        assert_eq!(prepared(200, &[("vary", "*")], None).1, "vary=* ");
        assert_eq!(prepared(304, &[("etag", "\"a\"")], None).1, "etag=W/\"a\" vary=accept-encoding ");
    }
}
