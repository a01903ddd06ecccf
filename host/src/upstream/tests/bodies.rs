//! Bodies in both directions: whole, cut, too long, stalled.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::sync::oneshot;

use super::harness::*;
use crate::upstream::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// An endpoint that reads requests up to `end`, answers each, and tells what it read last.
async fn recorder(end: &'static str) -> (Scripted, oneshot::Receiver<String>) {
    let (tell, told) = oneshot::channel();
    let tell = Cell::new(Some(tell));
    let endpoint = Scripted::start(move |mut peer, _| {
        let tell = tell.take();
        async move {
            let read = if end.is_empty() { peer.rest().await } else { peer.until(end).await.expect("a whole request") };
            peer.write(HELLO).await;
            let _ = tell.expect("one connection").send(read);
            peer.rest().await;
        }
    })
    .await;
    (endpoint, told)
}

async fn gateway_to(endpoint: &Scripted, limit: Option<u64>) -> Peer {
    let mut settings = upstream(&[endpoint]);
    settings.response_timeout = Duration::from_millis(500);
    let upstreams = Rc::new(WorkerUpstreams::new(&[settings]));
    Peer::connect(gateway(upstreams, limit).await).await
}

#[test]
fn a_cut_response_is_an_error_in_its_middle() {
    let cut = [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nz\r\n",
    ];
    for cut in cut {
        worker(async {
            let endpoint = Scripted::start(move |mut peer, _| async move {
                peer.head().await;
                peer.write(cut).await;
            })
            .await;
            let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
            let mut body = upstreams.get("/").await.expect("a head").response.into_body();
            let first = body.frame().await.expect("a frame").expect("data");
            assert_eq!(first.into_data().expect("data"), "hello");
            body.frame().await.expect("not an end").expect_err("cut");
            assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![0], vec![0]));
        });
    }
}

#[test]
fn a_cut_response_does_not_look_complete_to_a_client() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n").await;
        })
        .await;
        let mut client = gateway_to(&endpoint, None).await;
        client.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let read = client.rest().await;
        assert!(!read.ends_with("0\r\n\r\n"), "{read}");
    });
}

#[test]
fn a_body_dropped_in_its_middle_closes_the_connection() {
    worker(async {
        let (endpoint, seen) = Scripted::until_closed("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let answer = upstreams.get("/").await.expect("a head");
        assert_eq!(upstreams.in_flight(), [1]);
        drop(answer);
        assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![0], vec![0]));
        seen.await.expect("the endpoint sees the end");
    });
}

#[test]
fn bytes_past_the_end_of_a_response_are_nobodys_response() {
    let answers = [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi", None),
        // Where it ends is known only when all of it was read.
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", Some("hi")),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None),
        ("HTTP/1.1 204 No Content\r\n\r\n", None),
        ("HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\n", None),
    ];
    for (answer, body) in answers {
        worker(async {
            let endpoint = Scripted::start(move |mut peer, _| async move {
                peer.head().await;
                let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
                peer.write(&format!("{answer}{evil}")).await;
                peer.rest().await;
            })
            .await;
            let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
            for round in 1..=3 {
                match body {
                    Some(body) => assert_eq!(upstreams.fetch("/").await, body, "{answer:?}"),
                    None => assert_eq!(upstreams.reason().await, "upstream-malformed", "{answer:?}"),
                }
                assert_eq!(endpoint.connections(), round, "{answer:?}");
            }
        });
    }
}

#[test]
fn trailers_of_a_response_come_behind_its_body() {
    worker(async {
        let endpoint =
            Scripted::always("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nsum: 7\r\n\r\n")
                .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let body = upstreams.get("/").await.expect("a head").response.into_body();
        let collected = body.collect().await.expect("whole");
        assert_eq!(collected.trailers().expect("some")["sum"], "7");
        assert_eq!(collected.to_bytes(), "hi");
        assert_eq!(upstreams.idle(), [1]);
    });
}

#[test]
fn a_request_goes_out_as_it_is_with_a_host() {
    worker(async {
        let (endpoint, read) = recorder("body").await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let request = http::Request::put("/a?b=c").version(http::Version::HTTP_2);
        let request = request.body(RequestBody::full("body")).expect("a request");
        upstreams.ask(request, None).await.expect("an answer");
        let host = endpoint.address;
        assert_eq!(
            read.await.expect("told"),
            format!("PUT /a?b=c HTTP/1.1\r\nhost: {host}\r\ncontent-length: 4\r\n\r\nbody")
        );
    });
}

#[test]
fn a_known_length_stays_a_length_and_a_chunked_body_stays_chunked_whatever_the_method() {
    worker(async {
        let (endpoint, read) = recorder("body").await;
        let mut client = gateway_to(&endpoint, Some(4)).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody").await;
        let read = read.await.expect("told");
        assert_eq!(read, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody");
    });
    for method in ["POST", "GET", "DELETE"] {
        worker(async {
            let (endpoint, read) = recorder("0\r\n\r\n").await;
            let mut client = gateway_to(&endpoint, None).await;
            let head = format!("{method} / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
            client.write(&head).await;
            client.write("4\r\nbody\r\n0\r\n\r\n").await;
            assert_eq!(read.await.expect("told"), format!("{head}4\r\nbody\r\n0\r\n\r\n"));
        });
    }
}

#[test]
fn trailers_of_a_request_end_at_the_gateway() {
    worker(async {
        let (endpoint, read) = recorder("\r\n0\r\n\r\n").await;
        let mut client = gateway_to(&endpoint, None).await;
        let head = "POST / HTTP/1.1\r\nhost: x\r\ntrailer: sum\r\ntransfer-encoding: chunked\r\n\r\n";
        client.write(head).await;
        client.write("4\r\nbody\r\n0\r\nCookie: y\r\nX_Real-IP: 3\r\nsum: 7\r\n\r\n").await;
        let read = read.await.expect("told");
        assert!(read.ends_with("4\r\nbody\r\n0\r\n\r\n"), "{read}");
    });
}

#[test]
fn a_body_that_says_it_is_too_long_reaches_no_endpoint() {
    worker(async {
        let endpoint = Scripted::always(HELLO).await;
        let mut client = gateway_to(&endpoint, Some(3)).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nbody").await;
        client.until("request-body-too-large").await.expect("refused");
        assert_eq!(endpoint.connections(), 0);
    });
}

#[test]
fn a_body_that_turns_out_too_long_never_looks_complete() {
    worker(async {
        let (endpoint, read) = recorder("").await;
        let mut client = gateway_to(&endpoint, Some(6)).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
        client.write("4\r\nbody\r\n4\r\nbody\r\n0\r\n\r\n").await;
        client.until("request-body-too-large").await.expect("refused");
        assert!(!read.await.expect("told").ends_with("0\r\n\r\n"));
    });
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_leaves_no_complete_request() {
    worker(async {
        let (endpoint, read) = recorder("").await;
        let mut client = gateway_to(&endpoint, None).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\nbody").await;
        drop(client);
        // With the gateway's own connection gone it depends on timing how much arrives.
        assert!(!read.await.expect("told").contains("bodybody"));
    });
}

#[test]
fn an_answer_before_the_end_of_the_request_is_passed_on_and_ends_the_upload() {
    worker(async {
        let (endpoint, seen) = Scripted::until_closed(HELLO).await;
        let mut client = gateway_to(&endpoint, None).await;
        client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9999\r\n\r\nbody").await;
        client.until("hello").await.expect("the answer");
        seen.await.expect("the endpoint sees the end");
    });
}
