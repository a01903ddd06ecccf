//! `internal:echo`: an upstream that needs no other server. It answers with JSON of what it
//! received, so that routes and plugins can be tried with nothing but the gateway.
//!
//! ```json
//! {"method":"POST","path":"/demo","query":"a=1","headers":{"host":"x","accept":["a","b"]},
//!  "body":"first 64 KiB as text","bodyBytes":20}
//! ```
//!
//! Headers stand in the order in which they came; one that came more than once is a list. Bytes
//! that are not UTF-8 show as U+FFFD. A path may hold [directives](self#directives) at its start or
//! after any prefix; the first one found begins them, and others may follow at once:
//!
//! # Directives
//!
//! | in the path | does | values |
//! | --- | --- | --- |
//! | `/status/503` | answers with that status | 200 to 599 |
//! | `/delay/200ms` | waits before it answers | `ms` and `s`, at most 60 s |
//! | `/bytes/1mb` | answers with so many bytes instead of JSON | `b`, `kb`, `mb`, `gb` in any case, powers of 1000, at most 10gb |
//!
//! `/demo/delay/1s/status/503` waits a second, then answers 503. A value that makes no sense is a
//! 400 that says what would.
//!
//! It must not know the gateway around it: it sees what any upstream would.

mod directives;
mod report;

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use http_body::Body;

use super::answer_body::UpstreamBody;
use super::request_body::{RequestBody, RequestBodyError};
use crate::http1::client::Request;
use crate::problem;
use directives::{BadDirective, Directives};
use report::Report;

/// Bytes of a request's body that are shown; the rest is counted and forgotten.
const SHOWN: usize = 64 * 1024;

/// Answers once the request's body is read to its end and the delay is over.
pub(super) async fn answer(
    request: Request<'_>,
    body: RequestBody,
) -> Result<Response<UpstreamBody>, RequestBodyError> {
    let body = read(body).await?;
    let directives = match Directives::parse(request.target.path()) {
        Ok(directives) => directives,
        Err(bad) => return Ok(refuse(&bad)),
    };
    if !directives.delay.is_zero() {
        tokio::time::sleep(directives.delay).await;
    }
    let (media_type, body) = if has_no_body(directives.status) {
        (None, UpstreamBody::empty())
    } else if let Some(bytes) = directives.bytes {
        (Some("application/octet-stream"), UpstreamBody::filler(bytes))
    } else {
        (Some("application/json"), UpstreamBody::full(Report::new(request, &body).to_json()))
    };
    Ok(response(directives.status, media_type, body))
}

/// What is shown of a request's body.
struct Received {
    shown: Bytes,
    bytes: u64,
}

async fn read(mut body: RequestBody) -> Result<Received, RequestBodyError> {
    let (mut shown, mut bytes) = (BytesMut::new(), 0);
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        if let Ok(data) = frame?.into_data() {
            let room = SHOWN - shown.len();
            bytes += data.len() as u64;
            shown.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    Ok(Received { shown: shown.freeze(), bytes })
}

fn refuse(bad: &BadDirective) -> Response<UpstreamBody> {
    let title = "The path asks for something that the echo cannot do";
    let answer = problem::problem(StatusCode::BAD_REQUEST, "bad-directive", title, Some(&bad.to_string()), None);
    answer.map(UpstreamBody::full)
}

fn response(status: StatusCode, media_type: Option<&'static str>, body: UpstreamBody) -> Response<UpstreamBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(media_type) = media_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    response
}

/// RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5.
fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}
