//! What a gRPC client is told when the gateway answers in place of the upstream: it reads a status of its own, and no
//! body (gRPC over HTTP2, "Responses").
//!
//! Only the client sees it so. Plugins, metrics and the access log know the problem with its status of HTTP.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version};

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether a request is a gRPC call. gRPC-Web is not: who translates it to gRPC answers its client.
pub(super) fn is_call(version: Version, headers: &HeaderMap) -> bool {
    const MEDIA_TYPE: &[u8] = b"application/grpc";
    let Some(media_type) = headers.get(CONTENT_TYPE).filter(|_| version == Version::HTTP_2) else { return false };
    let (media_type, length) = (media_type.as_bytes(), MEDIA_TYPE.len());
    media_type.len() >= length
        && media_type[..length].eq_ignore_ascii_case(MEDIA_TYPE)
        && media_type.get(length).is_none_or(|next| matches!(next, b'+' | b';' | b' '))
}

/// Makes a response of trailers only of a problem. `title` is in printable ASCII, and has no `%`.
pub(super) fn answer<B>(response: &mut Response<B>, title: &'static str) {
    let status = status(response.status());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(GRPC_STATUS, HeaderValue::from(status));
    headers.insert(GRPC_MESSAGE, HeaderValue::from_static(title));
}

/// gRPC's "HTTP to gRPC Status Code Mapping", which clients apply to what is no gRPC.
fn status(status: StatusCode) -> u16 {
    match status.as_u16() {
        400 => 13,                   // INTERNAL
        401 => 16,                   // UNAUTHENTICATED
        403 => 7,                    // PERMISSION_DENIED
        404 => 12,                   // UNIMPLEMENTED
        413 => 8,                    // RESOURCE_EXHAUSTED, which says more than their UNKNOWN
        429 | 502 | 503 | 504 => 14, // UNAVAILABLE
        _ => 2,                      // UNKNOWN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_by_its_media_type() {
        let is = |version, media_type: &'static str| {
            is_call(version, &[(CONTENT_TYPE, HeaderValue::from_static(media_type))].into_iter().collect())
        };
        for media_type in ["application/grpc", "application/grpc+proto", "Application/GRPC;x=y"] {
            assert!(is(Version::HTTP_2, media_type) && !is(Version::HTTP_11, media_type), "{media_type}");
        }
        for media_type in
            ["application/grpc-web", "application/grpc-web+proto", "application/grpcx", "application/json"]
        {
            assert!(!is(Version::HTTP_2, media_type), "{media_type}");
        }
        assert!(!is_call(Version::HTTP_2, &HeaderMap::new()));
    }

    #[test]
    fn an_answer_has_a_status_and_a_message_and_nothing_of_a_body() {
        let mut response = Response::builder().status(503).header("content-length", "9").header("x-a", "1");
        response = response.header("content-type", "application/problem+json");
        let mut response = response.body(()).expect("a response");
        answer(&mut response, "The upstream cannot be reached");
        let headers: Vec<String> =
            response.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        insta::assert_snapshot!(format!("{}\n{}", response.status(), headers.join("\n")), @r#"
        200 OK
        content-type: "application/grpc"
        x-a: "1"
        grpc-status: "14"
        grpc-message: "The upstream cannot be reached"
        "#);
    }
}
