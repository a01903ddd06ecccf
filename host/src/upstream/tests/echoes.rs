//! What `internal:echo` answers.

use std::time::{Duration, Instant};

use http::{Request, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;

use super::harness::*;
use crate::upstream::*;

#[test]
fn it_shows_what_it_received() {
    worker(async {
        let request = Request::post("/demo?a=1")
            .header("host", "x")
            .header("accept", "one")
            .header("x-odd", b"\xff".as_slice())
            .header("accept", "two")
            .body(RequestBody::full("some text"))
            .expect("a request");
        let upstreams = echo();
        let answer = upstreams.ask(request, None).await.expect("an answer");
        assert_eq!(&*answer.endpoint, "internal:echo");
        assert_eq!(answer.response.headers()["content-type"], "application/json");
        assert_eq!(
            text(answer.response).await.expect("whole"),
            r#"{"method":"POST","path":"/demo","query":"a=1","headers":{"host":"x","#.to_owned()
                + r#""accept":["one","two"],"x-odd":""#
                + "\u{fffd}"
                + r#""},"body":"some text","bodyBytes":9}"#
        );
        assert_eq!(upstreams.in_flight(), [0]);
    });
}

#[test]
fn it_shows_the_first_64_kib_of_a_body_and_counts_the_rest() {
    worker(async {
        let request = Request::post("/").body(RequestBody::full(vec![b'a'; 100_000]));
        let answer = echo().ask(request.expect("a request"), None).await.expect("an answer");
        let shown: serde_json::Value =
            serde_json::from_str(&text(answer.response).await.expect("whole")).expect("JSON");
        assert_eq!(shown["body"].as_str().expect("text").len(), 65_536);
        assert_eq!(shown["bodyBytes"], 100_000);
    });
}

#[test]
fn it_answers_with_the_status_that_the_path_says() {
    worker(async {
        let upstreams = echo();
        let answer = upstreams.get("/demo/status/503").await.expect("an answer");
        assert_eq!(answer.response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(text(answer.response).await.expect("whole").starts_with(r#"{"method":"GET""#));
        let empty = upstreams.get("/status/204").await.expect("an answer").response;
        assert_eq!((empty.status().as_u16(), empty.headers().len()), (204, 0));
        assert!(empty.body().is_end_stream());
    });
}

#[test]
fn it_waits_as_long_as_the_path_says_and_the_timeout_lets_it() {
    worker(async {
        let (upstreams, started) = (echo(), Instant::now());
        upstreams.get("/delay/30ms").await.expect("an answer");
        assert!(started.elapsed() >= Duration::from_millis(30));
        let timeout = Some(Duration::from_millis(20));
        let error = upstreams.ask(get("/delay/60s"), timeout).await.expect_err("too slow");
        assert_eq!(error.reason(), "upstream-timeout");
    });
}

#[test]
fn it_streams_as_many_bytes_as_the_path_says() {
    worker(async {
        let upstreams = echo();
        let mut body = upstreams.get("/bytes/1mb").await.expect("an answer").response.into_body();
        assert_eq!(body.size_hint().exact(), Some(1_000_000));
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            assert_eq!(upstreams.in_flight(), [u32::from(!body.is_end_stream())]);
            length += frame.expect("no failure").into_data().expect("data").len();
        }
        assert_eq!(length, 1_000_000);
    });
}

#[test]
fn it_refuses_a_bad_directive_with_a_problem() {
    worker(async {
        let answer = echo().get("/status/99").await.expect("an answer");
        assert_eq!(answer.response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(answer.response.headers()["content-type"], "application/problem+json");
        assert!(text(answer.response).await.expect("whole").contains("from 200 to 599"));
    });
}
