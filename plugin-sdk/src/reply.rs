//! Responses that a plugin makes.

use crate::header::{AsHeaderName, AsHeaderValue};
use http::StatusCode;
use serde::Serialize;

mod problem;
use problem::Problem;

/// Names in lower case, and values.
type Fields = Vec<(String, Vec<u8>)>;

/// A whole response, made by a plugin.
///
/// ```
/// # use tollgate_plugin_sdk::prelude::*;
/// let reply = Reply::too_many_requests().detail("100 requests a second").header("retry-after", 1);
/// ```
///
/// The gateway owns framing: a header such as `content-length` or `connection`, one that may not
/// stand on the wire, and a status outside 200 to 599 are faults of the plugin.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a reply reaches the client only when the hook answers it"]
pub struct Reply {
    status: StatusCode,
    headers: Fields,
    body: Body,
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    Bytes(Vec<u8>),
    Problem(Problem),
}

impl Reply {
    /// A reply without a body. The status is 200 to 599.
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: Fields::new(), body: Body::Bytes(Vec::new()) }
    }

    /// A reply that says what is wrong as `application/problem+json` (RFC 9457).
    pub fn problem(status: StatusCode, title: impl Into<String>) -> Self {
        let problem = Problem { kind: None, title: title.into(), detail: None };
        Self { status, headers: Fields::new(), body: Body::Problem(problem) }
    }

    /// 400 as a problem: the request cannot be understood.
    pub fn bad_request() -> Self {
        Self::problem(StatusCode::BAD_REQUEST, "Bad Request")
    }

    /// 401 as a problem: the caller is not known. RFC 9110 wants a `www-authenticate` header with it.
    pub fn unauthorized() -> Self {
        Self::problem(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// 403 as a problem: the caller may not.
    pub fn forbidden() -> Self {
        Self::problem(StatusCode::FORBIDDEN, "Forbidden")
    }

    /// 404 as a problem.
    pub fn not_found() -> Self {
        Self::problem(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 405 as a problem. RFC 9110 wants an `allow` header with it.
    pub fn method_not_allowed() -> Self {
        Self::problem(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
    }

    /// 413 as a problem.
    pub fn content_too_large() -> Self {
        Self::problem(StatusCode::PAYLOAD_TOO_LARGE, "Content Too Large")
    }

    /// 429 as a problem. A `retry-after` header helps the caller.
    pub fn too_many_requests() -> Self {
        Self::problem(StatusCode::TOO_MANY_REQUESTS, "Too Many Requests")
    }

    /// 503 as a problem.
    pub fn service_unavailable() -> Self {
        Self::problem(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
    }

    /// Sends the client elsewhere. The status is 301, 302, 303, 307 or 308.
    pub fn redirect(status: StatusCode, location: impl AsHeaderValue) -> Self {
        Self::new(status).header("location", location)
    }

    /// What is wrong with this very request. Makes the reply a problem if it is not one.
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.with_problem(|problem| problem.detail = Some(detail.into()))
    }

    /// A URI that names the kind of the problem. Makes the reply a problem if it is not one.
    pub fn problem_type(self, uri: impl Into<String>) -> Self {
        self.with_problem(|problem| problem.kind = Some(uri.into()))
    }

    /// Adds a header.
    pub fn header(mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        let name = name.as_header_name().into_owned();
        self.headers.push((name, value.as_header_value().into_owned()));
        self
    }

    /// The body as it goes to the client. `content-length` is the gateway's to set.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// The body as JSON, with its `content-type`.
    ///
    /// # Panics
    /// When the value has no form in JSON, such as a map with keys that are not strings.
    #[track_caller]
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = Body::Bytes(body),
            Err(error) => panic!("no JSON: {error}"),
        }
        default_content_type(&mut self.headers, "application/json");
        self
    }

    /// As it goes to the gateway.
    pub(crate) fn into_parts(self) -> (StatusCode, Fields, Vec<u8>) {
        let Self { status, mut headers, body } = self;
        let body = match body {
            Body::Bytes(body) => body,
            Body::Problem(problem) => {
                default_content_type(&mut headers, "application/problem+json");
                problem.to_json(status).into_bytes()
            }
        };
        (status, headers, body)
    }

    fn with_problem(self, change: impl FnOnce(&mut Problem)) -> Self {
        let mut problem = match self.body {
            Body::Problem(problem) => problem,
            Body::Bytes(_) => {
                let title = self.status.canonical_reason().unwrap_or("Error").to_owned();
                Problem { kind: None, title, detail: None }
            }
        };
        change(&mut problem);
        Self { body: Body::Problem(problem), ..self }
    }
}

fn default_content_type(headers: &mut Fields, content_type: &str) {
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push(("content-type".to_owned(), content_type.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(reply: Reply) -> String {
        let (_, _, body) = reply.into_parts();
        String::from_utf8(body).expect("these bodies are text")
    }

    #[test]
    fn a_problem_has_the_members_of_rfc_9457() {
        let reply = Reply::forbidden().detail("no \"write\"").problem_type("/problems/scope");
        let expected = r#"{"type":"/problems/scope","title":"Forbidden","status":403,"detail":"no \"write\""}"#;
        assert_eq!(body(reply), expected);
        let (_, headers, _) = Reply::forbidden().into_parts();
        assert_eq!(headers, [("content-type".to_owned(), b"application/problem+json".to_vec())]);
    }

    #[test]
    fn a_detail_makes_any_reply_a_problem() {
        let reply = Reply::new(StatusCode::GONE).detail("since May");
        assert_eq!(body(reply), r#"{"title":"Gone","status":410,"detail":"since May"}"#);
    }

    #[test]
    fn json_leaves_a_content_type_that_is_there() {
        let reply = Reply::new(StatusCode::OK).header("content-type", "text/x").json(&[1, 2]);
        let (_, headers, body) = reply.into_parts();
        assert_eq!(headers, [("content-type".to_owned(), b"text/x".to_vec())]);
        assert_eq!(body, b"[1,2]");
    }
}
