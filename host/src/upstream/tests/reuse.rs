//! Which connection a request goes over.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http_body_util::BodyExt;

use super::harness::*;
use crate::upstream::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[test]
fn requests_one_after_the_other_share_a_connection() {
    worker(async {
        let endpoint = Scripted::always(HELLO).await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        for _ in 0..3 {
            assert_eq!(upstreams.fetch("/").await, "hello");
        }
        assert_eq!((endpoint.connections(), upstreams.idle()), (1, vec![1]));
        assert_eq!(upstreams.in_flight(), [0]);
    });
}

#[test]
fn a_response_without_a_body_frees_its_connection_at_once() {
    worker(async {
        let endpoint = Scripted::always("HTTP/1.1 204 No Content\r\n\r\n").await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let first = upstreams.get("/").await.expect("an answer");
        assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![1], vec![0]));
        upstreams.get("/").await.expect("an answer");
        assert_eq!(endpoint.connections(), 1);
        drop(first);
    });
}

#[test]
fn requests_at_the_same_time_have_connections_of_their_own_and_the_surplus_is_closed() {
    worker(async {
        let endpoint = Scripted::always(HELLO).await;
        let mut settings = upstream(&[&endpoint]);
        settings.keep_alive.connections = 1;
        let upstreams = WorkerUpstreams::new(&[settings]);
        let (one, other) = (upstreams.get("/").await, upstreams.get("/").await);
        assert_eq!((endpoint.connections(), upstreams.in_flight()), (2, vec![2]));
        text(one.expect("an answer").response).await.expect("whole");
        text(other.expect("an answer").response).await.expect("whole");
        assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![1], vec![0]));
    });
}

#[test]
fn a_connection_that_was_closed_while_it_waited_is_replaced() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            peer.head().await;
            peer.write(HELLO).await;
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        for round in 1..=5 {
            assert_eq!(upstreams.fetch("/").await, "hello");
            assert_eq!(endpoint.connections(), round);
        }
    });
}

#[test]
fn a_connection_that_is_given_up_while_a_request_comes_is_made_good_for_what_may_be_repeated() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            peer.head().await;
            peer.write(HELLO).await;
            // It hears the next one, and leaves all the same.
            peer.head().await;
        })
        .await;
        let mut settings = upstream(&[&endpoint]);
        settings.retry = Some(Retry { methods: vec![http::Method::GET], ..retry() });
        let upstreams = WorkerUpstreams::new(&[settings]);
        let post = || http::Request::post("/").body(RequestBody::empty()).expect("a request");
        for _ in 0..3 {
            assert_eq!(upstreams.fetch("/").await, "hello");
            assert_eq!(upstreams.fetch("/").await, "hello");
            let error = upstreams.ask(post(), None).await.expect_err("it may have been acted on");
            assert_eq!(error.reason(), "upstream-reset");
        }
        assert_eq!(endpoint.connections(), 6);
    });
}

/// An endpoint that answers once on each connection and leaves the closing to the test.
async fn holding(open: &Rc<RefCell<Vec<Peer>>>) -> Scripted {
    let open = Rc::clone(open);
    Scripted::start(move |mut peer, _| {
        let open = Rc::clone(&open);
        async move {
            peer.head().await;
            peer.write(HELLO).await;
            open.borrow_mut().push(peer);
        }
    })
    .await
}

/// Five requests, one after the other, each of whose connections is closed after its answer; `pause` comes before the next.
async fn each_has_a_new_connection(pause: impl AsyncFn()) {
    let open = Rc::default();
    let endpoint = holding(&open).await;
    let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
    for round in 1..=5 {
        assert_eq!(upstreams.fetch("/").await, "hello");
        assert_eq!(endpoint.connections(), round);
        open.borrow_mut().clear();
        pause().await;
    }
}

#[test]
fn a_request_that_a_closed_connection_did_not_take_goes_over_a_new_one() {
    // The runtime hears of the end, but polls this test before the connection's task: that has the next request already
    // when it sees the end.
    worker(each_has_a_new_connection(tokio::task::yield_now));
}

#[test]
fn a_connection_that_waited_is_not_used_before_the_runtime_looked_for_its_end() {
    // A busy worker: time goes by, and nobody asks the kernel for news.
    worker(each_has_a_new_connection(async || std::thread::sleep(Duration::from_millis(2))));
}

#[test]
fn what_answers_head_or_ends_with_its_last_byte_frees_its_connection_at_once() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            while let Some(head) = peer.head().await {
                let length = if head.starts_with("HEAD") { HELLO.len() - 5 } else { HELLO.len() };
                peer.write(&HELLO[..length]).await;
            }
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let head = http::Request::head("/").body(RequestBody::empty()).expect("a request");
        let answer = upstreams.ask(head, None).await.expect("an answer");
        assert_eq!(answer.response.headers()["content-length"], "5");
        assert_eq!(upstreams.idle(), [1]);
        let mut body = upstreams.get("/").await.expect("an answer").response.into_body();
        body.frame().await.expect("a frame").expect("data");
        assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![1], vec![0]));
        assert_eq!(endpoint.connections(), 1);
    });
}

#[test]
fn a_connection_that_waited_too_long_is_not_used() {
    worker(async {
        let endpoint = Scripted::always(HELLO).await;
        let mut settings = upstream(&[&endpoint]);
        settings.keep_alive.idle_timeout = Duration::ZERO;
        let upstreams = WorkerUpstreams::new(&[settings]);
        upstreams.fetch("/").await;
        upstreams.fetch("/").await;
        assert_eq!(endpoint.connections(), 2);
    });
}

#[test]
fn a_sweep_closes_what_waited_too_long() {
    worker(async {
        let (endpoint, seen) = Scripted::until_closed(HELLO).await;
        let mut settings = upstream(&[&endpoint]);
        let upstreams = WorkerUpstreams::new(&[settings.clone()]);
        upstreams.fetch("/").await;
        upstreams.sweep();
        assert_eq!(upstreams.idle(), [1]);
        settings.keep_alive.idle_timeout = Duration::ZERO;
        let upstreams = upstreams.renew(&[settings]);
        upstreams.sweep();
        assert_eq!(upstreams.idle(), [0]);
        seen.await.expect("the endpoint sees the end");
    });
}

#[test]
fn the_next_config_keeps_the_connections_of_addresses_that_stay() {
    worker(async {
        let (stays, goes) = (Scripted::always(HELLO).await, Scripted::always(HELLO).await);
        let old = WorkerUpstreams::new(&[upstream(&[&goes, &stays])]);
        old.fetch("/").await;
        let unfinished = old.get("/").await.expect("an answer");
        let new = old.renew(&[upstream(&[&stays])]);
        drop(old);
        assert_eq!(new.in_flight(), [1]);
        text(unfinished.response).await.expect("whole");
        assert_eq!((new.in_flight(), new.idle()), (vec![0], vec![1]));
        new.fetch("/").await;
        assert_eq!(stays.connections(), 1);
    });
}

#[test]
fn an_endpoint_that_says_close_or_speaks_http_1_0_gets_new_connections() {
    let answers = [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi",
    ];
    for answer in answers {
        worker(async {
            let endpoint = Scripted::always(answer).await;
            let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
            let response = upstreams.get("/").await.expect("an answer").response;
            assert_eq!(response.version(), http::Version::HTTP_11);
            text(response).await.expect("whole");
            assert_eq!(upstreams.fetch("/").await, "hi");
            assert_eq!((endpoint.connections(), upstreams.idle()), (2, vec![0]));
        });
    }
}
