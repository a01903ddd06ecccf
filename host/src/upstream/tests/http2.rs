//! Endpoints that speak HTTP/2, well and badly.

mod cut;
mod endpoint;
mod life;

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tokio::sync::{Notify, oneshot};

use self::endpoint::Endpoint;
use self::endpoint::*;
use super::harness::*;
use crate::upstream::*;

#[test]
fn requests_that_run_at_once_share_a_connection() {
    worker(async {
        let endpoint = Endpoint::start(100, |asked| async move { asked.say("hi") }).await;
        let upstreams = endpoint.worker();
        at_once(&upstreams, 50).await;
        assert_eq!(upstreams.fetch("/").await, "hi");
        assert_eq!((endpoint.accepted.get(), upstreams.in_flight()), (1, vec![0]));
    });
}

#[test]
fn an_endpoint_is_sent_the_request_as_http2_says_it() {
    worker(async {
        let (told, hears) = oneshot::channel();
        let told = Cell::new(Some(told));
        let endpoint = Endpoint::start(100, move |asked| {
            let told = told.take().expect("one request");
            async move {
                let (head, ()) = asked.request.map(drop).into_parts();
                let fields: Vec<_> = head.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
                told.send(format!("{} {} {}", head.method, head.uri, fields.join(" "))).expect("the test waits");
            }
        })
        .await;
        let upstreams = endpoint.worker();
        let request = Request::get("/a?b").header("host", "api.example").header("content-length", "7");
        let _ = upstreams.ask(request.body(RequestBody::empty()).expect("a request"), None).await;
        assert_eq!(hears.await.expect("it is asked"), "GET http://api.example/a?b ");
    });
}

#[test]
fn another_connection_is_opened_when_the_streams_of_one_are_used_up() {
    worker(async {
        let gate = Rc::new(Notify::new());
        let held = Rc::clone(&gate);
        let endpoint = Endpoint::start(2, move |asked| {
            let held = Rc::clone(&held);
            async move {
                held.notified().await;
                asked.say("hi");
            }
        })
        .await;
        let upstreams = endpoint.worker();
        tokio::join!(at_once(&upstreams, 5), async {
            while endpoint.accepted.get() < 3 {
                tokio::task::yield_now().await;
            }
            for _ in 0..5 {
                gate.notify_one();
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(endpoint.accepted.get(), 3);
    });
}

#[test]
fn an_endpoint_without_room_is_full_after_the_connect_timeout() {
    worker(async {
        let endpoint = Endpoint::start(1, |asked| async move {
            let _held = asked;
            std::future::pending::<()>().await;
        })
        .await;
        let mut settings = endpoint.upstream();
        settings.response_timeout = Duration::from_secs(60);
        settings.connect_timeout = Duration::from_secs(2);
        let upstreams = WorkerUpstreams::new(&[settings]);
        let mut held: Vec<_> = (0..64).map(|_| Box::pin(upstreams.get("/"))).collect();
        let full = poll_fn(|context| {
            assert!(held.iter_mut().all(|held| held.as_mut().poll(context).is_pending()), "nobody is answered");
            let all = endpoint.accepted.get() == 64 && upstreams.upstreams[0].endpoints[0].http2.is_full();
            if all { Poll::Ready(()) } else { Poll::Pending }
        });
        full.await;
        assert_eq!(upstreams.reason().await, "upstream-full");
    });
}

#[test]
fn bodies_of_any_length_go_both_ways() {
    worker(async {
        let endpoint = Endpoint::start(100, Asked::repeat).await;
        let upstreams = endpoint.worker();
        for length in [0, 1, 70_000, 3_000_000] {
            let body = Bytes::from(vec![b'x'; length]);
            let answer = upstreams.ask(post(body.clone()), None).await.expect("an answer");
            let got = answer.response.into_body().collect().await.expect("a whole body").to_bytes();
            assert_eq!(got.len(), length);
        }
        assert_eq!(upstreams.in_flight(), [0]);
    });
}

#[test]
fn trailers_come_behind_the_body() {
    worker(async {
        let endpoint = Endpoint::start(100, |mut asked| async move {
            let mut body = asked.respond.send_response(Response::new(()), false).expect("it waits");
            body.send_data("hi".into(), false).expect("it waits");
            let trailers = [(http::header::ETAG, HeaderValue::from_static("1"))];
            body.send_trailers(trailers.into_iter().collect()).expect("it waits");
        })
        .await;
        let body = endpoint.worker().get("/").await.expect("an answer").response.into_body();
        let body = body.collect().await.expect("a whole body");
        assert_eq!(body.trailers().expect("trailers")["etag"], "1");
        assert_eq!(body.to_bytes(), "hi");
    });
}

#[test]
fn what_an_endpoint_refused_is_sent_again_with_its_body() {
    for body in ["", "a body"] {
        worker(async {
            let endpoint = Endpoint::start(100, |mut asked| async move {
                if asked.number == 0 {
                    return asked.respond.send_reset(Reason::REFUSED_STREAM);
                }
                asked.repeat().await;
            })
            .await;
            let upstreams = endpoint.worker();
            let answer = upstreams.ask(post(body), None).await.expect("an answer");
            assert_eq!(text(answer.response).await.expect("a whole body"), body);
            assert_eq!(endpoint.accepted.get(), 2, "on another connection");
        });
    }
}

#[test]
fn what_an_endpoint_refuses_twice_is_refused() {
    worker(async {
        let endpoint = Endpoint::start(100, |mut asked| async move {
            assert!(asked.number < 2, "it is sent again once");
            asked.respond.send_reset(Reason::REFUSED_STREAM);
        })
        .await;
        assert_eq!(endpoint.worker().reason().await, "upstream-refused");
    });
}

#[test]
fn what_one_endpoint_refuses_is_sent_to_another_whatever_the_method() {
    worker(async {
        let refusals = Rc::new(Cell::new(0));
        let counted = Rc::clone(&refusals);
        let refusing = Endpoint::start(100, move |mut asked| {
            counted.set(asked.number + 1);
            async move { asked.respond.send_reset(Reason::REFUSED_STREAM) }
        })
        .await;
        let good = Endpoint::start(100, |asked| async move { asked.say("good") }).await;
        let mut settings = refusing.upstream();
        settings.endpoints.extend(good.upstream().endpoints);
        settings.retry = Some(retry());
        let upstreams = WorkerUpstreams::new(&[settings]);
        for _ in 0..4 {
            let asked = Request::post("/").body(RequestBody::empty()).expect("a request");
            let answer = upstreams.ask(asked, None).await.expect("an answer");
            assert_eq!(text(answer.response).await.expect("whole"), "good");
        }
        // Twice on each of two requests.
        assert_eq!((refusals.get(), upstreams.in_flight()), (4, vec![0, 0]));
    });
}

#[test]
fn a_long_body_that_was_refused_is_not_sent_in_part() {
    worker(async {
        let endpoint = Endpoint::start(100, |mut asked| async move {
            let mut bytes = 0;
            while bytes < 60_000 {
                bytes += asked.request.body_mut().data().await.expect("more").expect("good").len();
            }
            asked.respond.send_reset(Reason::REFUSED_STREAM);
        })
        .await;
        let error = endpoint.worker().ask(post(vec![b'x'; 100_000]), None).await.expect_err("refused");
        assert_eq!((error.reason(), endpoint.accepted.get()), ("upstream-refused", 1));
    });
}

#[test]
fn a_reset_before_the_head_is_no_response_and_nothing_is_sent_again() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::NO_ERROR] {
        worker(async {
            let endpoint = Endpoint::start(100, move |mut asked| async move {
                assert_eq!(asked.number, 0);
                asked.respond.send_reset(reason);
            })
            .await;
            assert_eq!(endpoint.worker().reason().await, "upstream-reset", "{reason:?}");
        });
    }
}

#[test]
fn a_response_that_is_reset_does_not_look_whole() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::NO_ERROR, Reason::REFUSED_STREAM] {
        worker(async {
            let endpoint = Endpoint::start(100, move |mut asked| async move {
                let mut body = asked.respond.send_response(Response::new(()), false).expect("it waits");
                body.send_data("half".into(), false).expect("it waits");
                while asked.request.body_mut().data().await.is_some() {}
                tokio::task::yield_now().await;
                body.send_reset(reason);
            })
            .await;
            let body = endpoint.worker().get("/").await.map(|answer| answer.response.into_body());
            let whole = match body {
                Ok(body) => body.collect().await.is_ok(),
                // Both came at once.
                Err(_) => false,
            };
            assert!(!whole, "{reason:?}");
        });
    }
}

#[test]
fn who_drops_a_call_or_a_response_resets_the_stream() {
    for answers in [false, true] {
        worker(async {
            let (asked, was_asked) = oneshot::channel();
            let (reset, was_reset) = oneshot::channel();
            let tell = Cell::new(Some((asked, reset)));
            let endpoint = Endpoint::start(100, move |mut stream| {
                let (asked, reset) = tell.take().expect("one request");
                async move {
                    asked.send(()).expect("the test waits");
                    let reason = if answers {
                        let mut body = stream.respond.send_response(Response::new(()), false).expect("it waits");
                        poll_fn(|context| body.poll_reset(context)).await
                    } else {
                        poll_fn(|context| stream.respond.poll_reset(context)).await
                    };
                    reset.send(reason.expect("a reset")).expect("the test waits");
                }
            })
            .await;
            let upstreams = endpoint.worker();
            if answers {
                drop(upstreams.get("/").await.expect("an answer"));
                was_asked.await.expect("the request arrives");
            } else {
                tokio::select! {
                    _ = upstreams.get("/") => panic!("nobody answers"),
                    asked = was_asked => asked.expect("the request arrives"),
                }
            }
            assert_eq!(was_reset.await.expect("a reset"), Reason::CANCEL);
            assert_eq!(upstreams.in_flight(), [0]);
        });
    }
}

#[test]
fn heads_that_are_too_large_or_not_valid_are_no_responses() {
    let with = |name: &str, value: String, count: usize| {
        let mut response = Response::builder();
        for _ in 0..count {
            response = response.header(name, &value);
        }
        response.body(()).expect("a response")
    };
    let heads = [
        with("x-long", "y".repeat(10_000), 7),
        with("x-many", String::new(), 300),
        with("content-length", "+1".into(), 1),
        with("content-length", "1".into(), 2),
    ];
    for head in heads {
        let fields = head.headers().len();
        worker(async move {
            let head = Cell::new(Some(head));
            let endpoint = Endpoint::start(100, move |mut asked| {
                let head = head.take().expect("one request");
                async move {
                    let _ = asked.respond.send_response(head, true);
                }
            })
            .await;
            assert_eq!(endpoint.worker().reason().await, "upstream-malformed", "{fields} fields");
        });
    }
}

#[test]
fn endless_interim_responses_are_malformed() {
    worker(async {
        let endpoint = Endpoint::start(100, |mut asked| async move {
            let hints = || Response::builder().status(103).body(()).expect("a response");
            while asked.respond.send_informational(hints()).is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!(endpoint.worker().reason().await, "upstream-malformed");
    });
}

#[test]
fn a_body_where_there_can_be_none_is_malformed_and_its_connection_is_not_asked_again() {
    const NO_CONTENT: &[u8] = b"\x89";
    const NOT_MODIFIED: &[u8] = b"\x8b";
    const OK: &[u8] = b"\x88";
    for (method, head, body, is_good) in [
        ("GET", NO_CONTENT, &b"x"[..], false),
        ("GET", NOT_MODIFIED, b"x", false),
        ("HEAD", OK, b"x", false),
        ("GET", NO_CONTENT, b"", true),
        ("GET", NOT_MODIFIED, b"", true),
        ("HEAD", OK, b"", true),
    ] {
        worker(async move {
            let endpoint = Endpoint::with(move |stream, _| {
                frames(stream, move |kind, stream| {
                    let response = || [frame(HEADERS, 4, stream, head), frame(DATA, 1, stream, body)].concat();
                    Some(if kind == HEADERS { response() } else { Vec::new() })
                })
            })
            .await;
            let upstreams = endpoint.worker();
            for round in 1..=2 {
                let request = Request::builder().method(method).uri("/").body(RequestBody::empty());
                let answer = upstreams.ask(request.expect("a request"), None).await;
                let reason = answer.as_ref().err().map(|error| error.reason());
                assert_eq!(reason, (!is_good).then_some("upstream-malformed"), "{method} {head:?} {body:?}");
                drop(answer);
                assert_eq!(endpoint.accepted.get(), if is_good { 1 } else { round });
            }
        });
    }
}
