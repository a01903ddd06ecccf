//! The one place that renders `application/problem+json` (RFC 9457), for clients and for the admin API.
//!
//! `type` is `urn:tollgate:problem:<kind>`: absolute as section 3.1.1 recommends, and a name rather than an address,
//! for a URL would promise a page on a domain that nobody keeps. The kind is what a program may compare; titles and
//! details are for people and may change. The request id is the extension member `requestId` (section 3.2 wants
//! letters, digits and `_`); `instance` stays free, as ids here are no URI references.
//!
//! This module must not know which faults there are, nor choose a status.

#![cfg(feature = "gateway")]

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::telemetry::json_string;

/// The answer to a request that could not be served. `kind` is a word such as `no-route`, and part of the public
/// interface; `title` says the same for people and is the same for every occurrence; `detail` is about this one and
/// must not tell a client what only the log may hold.
pub fn problem(
    status: StatusCode,
    kind: &'static str,
    title: &str,
    detail: Option<&str>,
    request_id: Option<&str>,
) -> Response<Bytes> {
    let mut body = Vec::with_capacity(192);
    body.extend_from_slice(b"{\"type\":");
    json_string(&mut body, &format!("urn:tollgate:problem:{kind}"));
    body.extend_from_slice(b",\"title\":");
    json_string(&mut body, title);
    body.extend_from_slice(format!(",\"status\":{}", status.as_str()).as_bytes());
    for (key, value) in [(",\"detail\":", detail), (",\"requestId\":", request_id)] {
        if let Some(value) = value {
            body.extend_from_slice(key.as_bytes());
            json_string(&mut body, value);
        }
    }
    body.extend_from_slice(b"}\n");

    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    // Caches may keep a 404 or a 501 by default (RFC 9110, section 15.1), and the next reload may bring the route.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whether a message says that it is one.
pub fn is_problem(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    content_type.len() >= MEDIA_TYPE.len() && content_type[..MEDIA_TYPE.len()].eq_ignore_ascii_case(MEDIA_TYPE)
}

const MEDIA_TYPE: &[u8] = b"application/problem+json";

/// A problem that somebody else made, with the request id at its end. One that has an id, or is no object, stays as it
/// is. Nothing is parsed: what is not JSON was none before.
pub fn with_request_id(body: Bytes, request_id: &str) -> Bytes {
    const MEMBER: &[u8] = b"\"requestId\"";
    let inside = body.trim_ascii().strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    let Some(inside) = inside.map(<[u8]>::trim_ascii) else { return body };
    if body.windows(MEMBER.len()).any(|part| part == MEMBER) {
        return body;
    }
    let mut more = Vec::with_capacity(inside.len() + MEMBER.len() + request_id.len() + 8);
    more.push(b'{');
    more.extend_from_slice(inside);
    more.extend_from_slice(if inside.is_empty() { b"" } else { b"," });
    more.extend_from_slice(MEMBER);
    more.push(b':');
    json_string(&mut more, request_id);
    more.extend_from_slice(b"}\n");
    more.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_its_type_title_status_detail_and_request_id() {
        let response = problem(
            StatusCode::BAD_GATEWAY,
            "upstream-refused",
            "The upstream cannot be reached",
            Some("a \"quoted\"\nword"),
            Some("01hx"),
        );
        assert_eq!(response.status(), 502);
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let body: serde_json::Value = serde_json::from_slice(response.body()).expect("JSON");
        assert_eq!(
            body,
            serde_json::json!({
                "type": "urn:tollgate:problem:upstream-refused",
                "title": "The upstream cannot be reached",
                "status": 502,
                "detail": "a \"quoted\"\nword",
                "requestId": "01hx",
            })
        );
    }

    #[test]
    fn a_problem_of_a_plugin_gets_the_request_id_once() {
        let with_id = |body: &'static str| with_request_id(Bytes::from_static(body.as_bytes()), "01hx");
        assert_eq!(with_id(" {\"title\":\"No\"} "), "{\"title\":\"No\",\"requestId\":\"01hx\"}\n");
        assert_eq!(with_id("{}"), "{\"requestId\":\"01hx\"}\n");
        for other in ["", "{", "[]", "no", "{\"requestId\":\"mine\"}"] {
            assert_eq!(with_id(other), other);
        }
    }

    #[test]
    fn only_its_media_type_makes_a_problem() {
        let headers = |content_type: &'static str| [(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        let is = |content_type| is_problem(&headers(content_type).into_iter().collect());
        assert!(is("application/problem+json") && is("Application/Problem+JSON; charset=utf-8"));
        assert!(!is("application/json") && !is("application/problem") && !is_problem(&HeaderMap::new()));
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let response = problem(StatusCode::NOT_FOUND, "no-route", "No route matches", None, None);
        let expected = "{\"type\":\"urn:tollgate:problem:no-route\",\"title\":\"No route matches\",\"status\":404}\n";
        assert_eq!(response.body(), expected);
    }
}
