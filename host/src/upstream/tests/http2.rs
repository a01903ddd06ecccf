//! Endpoints that speak HTTP/2, well and badly.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use super::harness::*;
use crate::upstream::*;

/// An endpoint on a free port.
struct Endpoint {
    address: SocketAddr,
    accepted: Rc<Cell<usize>>,
}

/// A request as an endpoint gets it, and its answer.
struct Asked {
    request: Request<RecvStream>,
    respond: SendResponse<Bytes>,
    /// Which of the endpoint's streams it is, counted from 0.
    number: usize,
}

impl Endpoint {
    /// `serve` plays the endpoint's part of each connection.
    async fn with<F: Future<Output = ()> + 'static>(serve: impl Fn(TcpStream, usize) -> F + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Rc::new(Cell::new(0));
        let count = Rc::clone(&accepted);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(stream, count.replace(count.get() + 1)));
            }
        });
        Self { address, accepted }
    }

    /// `script` answers each stream; a connection may have `most` at once.
    async fn start<F: Future<Output = ()> + 'static>(most: u32, script: impl Fn(Asked) -> F + 'static) -> Self {
        let (script, streams) = (Rc::new(script), Rc::new(Cell::new(0)));
        Self::with(move |stream, _| {
            let (script, streams) = (Rc::clone(&script), Rc::clone(&streams));
            async move {
                let mut builder = Builder::new();
                builder.max_concurrent_streams(most);
                let mut connection = builder.handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((request, respond))) = connection.accept().await {
                    let number = streams.replace(streams.get() + 1);
                    tokio::task::spawn_local(script(Asked { request, respond, number }));
                }
            }
        })
        .await
    }

    fn upstream(&self) -> Upstream {
        let mut upstream = upstream_at(&[self.address]);
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let address = Address::tcp(Protocol::Http2, &host, port, &self.address.to_string());
        upstream.endpoints[0].address = address.expect("a header value");
        upstream.keep_alive.ping_interval = Duration::from_secs(60);
        upstream
    }

    fn worker(&self) -> WorkerUpstreams {
        WorkerUpstreams::new(&[self.upstream()])
    }
}

impl Asked {
    fn say(mut self, text: impl Into<Bytes>) {
        // Who asked may have left.
        if let Ok(mut body) = self.respond.send_response(Response::new(()), false) {
            let _ = body.send_data(text.into(), true);
        }
    }

    /// The path, and the body to its end.
    async fn read(&mut self) -> Result<(String, Vec<u8>, Option<HeaderMap>), h2::Error> {
        let path = self.request.uri().path().to_owned();
        let (body, mut bytes) = (self.request.body_mut(), Vec::new());
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len()).expect("it was received");
            bytes.extend_from_slice(&data);
        }
        Ok((path, bytes, body.trailers().await?))
    }

    async fn repeat(mut self) {
        let (_, body, _) = self.read().await.expect("a whole body");
        self.say(body);
    }
}

fn post(body: impl Into<Bytes>) -> Request<RequestBody> {
    Request::post("/").body(RequestBody::full(body)).expect("a request")
}

/// As many requests at once, each of which has to be answered.
async fn at_once(upstreams: &WorkerUpstreams, count: usize) {
    let upstreams = &upstreams;
    let mut requests: Vec<_> = (0..count).map(|_| Box::pin(upstreams.fetch("/"))).collect();
    std::future::poll_fn(|context| {
        requests.retain_mut(|request| request.as_mut().poll(context).is_pending());
        if requests.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

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
        let full = std::future::poll_fn(|context| {
            assert!(held.iter_mut().all(|held| held.as_mut().poll(context).is_pending()), "nobody is answered");
            let all = endpoint.accepted.get() == 64 && upstreams.upstreams[0].endpoints[0].http2.is_full();
            if all { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
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
                        std::future::poll_fn(|context| body.poll_reset(context)).await
                    } else {
                        std::future::poll_fn(|context| stream.respond.poll_reset(context)).await
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
        assert_eq!(error.to_string(), format!("{} does not speak HTTP/2 with prior knowledge", endpoint.address));
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

/// Frames in raw bytes: an endpoint that does what no library does. It says its settings and answers pings; the rest is
/// up to `script`, which is told the type and the stream of each frame, and says what to send, or that it falls silent.
async fn frames(mut stream: TcpStream, script: impl Fn(u8, u32) -> Option<Vec<u8>>) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.expect("a preface");
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.expect("it is open");
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.expect("a whole frame");
        let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        let Some(answer) = script(kind, id) else {
            // Its socket stays open, and nobody reads it.
            return std::future::pending().await;
        };
        let answer = match (kind, flags) {
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (PING, 0) => frame(PING, 1, 0, &payload),
            _ => answer,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `:status: 200`, and the end of the stream.
fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 5, stream, &[0x88])
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
