//! How connections begin, go on and end.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;

use super::super::harness::*;
use super::endpoint::Endpoint;
use super::endpoint::*;
use crate::upstream::*;

#[test]
fn what_does_not_speak_http2_is_told_apart() {
    worker(async {
        let endpoint = Endpoint::with(|mut stream, _| async move {
            let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.expect("it is open");
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let error = endpoint.worker().get("/").await.expect_err("no HTTP/2");
        assert_eq!(error.reason(), "upstream-no-http2");
        assert_eq!(error.to_string(), format!("{} does not speak HTTP/2", endpoint.address));
    });
}

#[test]
fn an_endpoint_that_accepts_and_says_nothing_is_a_connect_timeout() {
    worker(async {
        let endpoint = Endpoint::with(|mut stream, _| async move {
            let _ = stream.read_to_end(&mut Vec::new()).await;
        })
        .await;
        let mut settings = endpoint.upstream();
        settings.connect_timeout = Duration::from_millis(50);
        assert_eq!(WorkerUpstreams::new(&[settings]).reason().await, "upstream-connect-timeout");
    });
}

#[test]
fn a_stream_that_a_goaway_leaves_out_is_sent_again_and_one_before_it_ends_in_peace() {
    worker(async {
        let endpoint = Endpoint::with(|stream, connection| {
            frames(stream, move |kind, id| {
                Some(match (kind, connection, id) {
                    // The first stream waits; the second is left out, and the first answered after that.
                    (HEADERS, 0, 1) => Vec::new(),
                    (HEADERS, 0, 3) => [frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]), ok(1)].concat(),
                    (HEADERS, 1, _) => ok(id),
                    _ => Vec::new(),
                })
            })
        })
        .await;
        let upstreams = endpoint.worker();
        let (first, second) = tokio::join!(upstreams.get("/"), upstreams.get("/"));
        assert_eq!(
            (first.expect("an answer").response.status(), second.expect("an answer").response.status()),
            (http::StatusCode::OK, http::StatusCode::OK)
        );
        assert_eq!(endpoint.accepted.get(), 2);
    });
}

/// RFC 9113, section 8.1: who has answered wants no more of the request.
#[test]
fn a_whole_response_to_half_a_request_is_whole() {
    worker(async {
        let endpoint = Endpoint::with(|stream, _| {
            frames(stream, |kind, id| {
                let whole = || [frame(HEADERS, 4, id, &[0x88]), frame(DATA, 1, id, b"enough")].concat();
                Some(if kind == HEADERS { [whole(), frame(RST_STREAM, 0, id, &[0; 4])].concat() } else { Vec::new() })
            })
        })
        .await;
        let answer = endpoint.worker().ask(post(vec![b'x'; 3_000_000]), None).await.expect("an answer");
        assert_eq!(text(answer.response).await.expect("a whole body"), "enough");
    });
}

#[test]
fn a_connection_that_was_told_goodbye_takes_no_more_requests() {
    worker(async {
        let endpoint = Endpoint::with(|stream, _| {
            frames(stream, |kind, id| {
                let goodbye = frame(GOAWAY, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
                Some(if kind == HEADERS { [ok(id), goodbye].concat() } else { Vec::new() })
            })
        })
        .await;
        let upstreams = endpoint.worker();
        for connections in 1..4 {
            assert_eq!(upstreams.get("/").await.expect("an answer").response.status(), 200);
            assert_eq!(endpoint.accepted.get(), connections);
            // Nothing on this side says when the goodbye has come.
            wait_until(|| upstreams.upstreams[0].endpoints[0].http2.is_over()).await;
        }
    });
}

async fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn a_black_hole_costs_one_request_and_no_more() {
    worker(async {
        let endpoint = Endpoint::with(|stream, connection| {
            frames(stream, move |kind, id| match (kind, connection) {
                (HEADERS, 0) => None,
                (HEADERS, _) => Some(ok(id)),
                _ => Some(Vec::new()),
            })
        })
        .await;
        let upstreams = endpoint.worker();
        let error = upstreams.ask(get("/"), Some(Duration::from_millis(50))).await.expect_err("silence");
        assert_eq!(error.reason(), "upstream-timeout");
        assert_eq!(upstreams.get("/").await.expect("an answer").response.status(), 200);
        assert_eq!(endpoint.accepted.get(), 2);
    });
}

#[test]
fn a_stream_on_a_connection_without_a_sign_of_life_is_cut() {
    worker(async {
        let endpoint = Endpoint::with(|stream, _| {
            let answered = Cell::new(false);
            frames(stream, move |kind, id| match kind {
                // The head of a response that has no end.
                HEADERS => {
                    answered.set(true);
                    Some(frame(HEADERS, 4, id, &[0x88]))
                }
                PING if answered.get() => None,
                _ => Some(Vec::new()),
            })
        })
        .await;
        let mut settings = endpoint.upstream();
        settings.keep_alive.ping_interval = Duration::from_millis(50);
        let upstreams = WorkerUpstreams::new(&[settings]);
        let answer = upstreams.get("/").await.expect("an answer");
        assert!(answer.response.into_body().collect().await.is_err());
    });
}

#[test]
fn a_slow_answer_is_no_reason_to_leave_a_connection_that_is_alive() {
    worker(async {
        let endpoint = Endpoint::start(100, |asked| async move {
            if asked.number > 0 {
                return asked.say("hi");
            }
            std::future::pending::<()>().await;
        })
        .await;
        let upstreams = endpoint.worker();
        let error = upstreams.ask(get("/"), Some(Duration::from_millis(50))).await.expect_err("silence");
        assert_eq!(error.reason(), "upstream-timeout");
        wait_until(|| upstreams.upstreams[0].endpoints[0].http2.has_room()).await;
        assert_eq!(upstreams.fetch("/").await, "hi");
        assert_eq!(endpoint.accepted.get(), 1);
    });
}

#[test]
fn connections_without_requests_are_closed_in_time() {
    worker(async {
        let (closed, seen) = oneshot::channel();
        let closed = Cell::new(Some(closed));
        let endpoint = Endpoint::with(move |stream, _| {
            let closed = closed.take().expect("one connection");
            async move {
                let mut connection = h2::server::handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((request, respond))) = connection.accept().await {
                    Asked { request, respond, number: 0 }.say("hi");
                }
                closed.send(()).expect("the test waits");
            }
        })
        .await;
        let upstreams = endpoint.worker();
        let held = upstreams.get("/").await.expect("an answer");
        let connections = &upstreams.upstreams[0].endpoints[0].http2;
        let later = Instant::now() + Duration::from_secs(3600);
        connections.sweep(later);
        assert_eq!(connections.len(), 1, "a response is being read");
        assert_eq!(text(held.response).await.expect("a whole body"), "hi");
        connections.sweep(Instant::now());
        assert_eq!(connections.len(), 1, "it has just been used");
        connections.sweep(later);
        assert_eq!(connections.len(), 0);
        seen.await.expect("the endpoint sees the end");
    });
}

#[test]
fn a_request_without_its_end_does_not_look_whole() {
    worker(async {
        let (told, hears) = oneshot::channel();
        let told = Cell::new(Some(told));
        let endpoint = Endpoint::start(100, move |mut asked| {
            let told = told.take().expect("one request");
            async move {
                told.send(asked.read().await.map(|(_, body, _)| body)).expect("the test waits");
            }
        })
        .await;
        let address = gateway(Rc::new(endpoint.worker()), None).await;
        let mut client = Peer::connect(address).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;
        tokio::task::yield_now().await;
        drop(client);
        hears.await.expect("it hears of it").expect_err("half a body");
    });
}
