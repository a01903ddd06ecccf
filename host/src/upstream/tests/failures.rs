//! Endpoints that fail: each failure is told apart, and none is taken for a response.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

use super::harness::*;
use crate::upstream::*;

#[test]
fn a_port_where_nobody_listens_is_a_connect_error() {
    worker(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let upstreams = WorkerUpstreams::new(&[upstream_at(&[address])]);
        let error = upstreams.get("/").await.expect_err("refused");
        assert_eq!(error.reason(), "upstream-connect");
        assert_eq!(error.to_string(), format!("cannot connect to {address}"));
        assert_eq!(**error.endpoint().expect("chosen"), *address.to_string());
        assert_eq!(upstreams.in_flight(), [0]);
    });
}

#[test]
fn an_address_that_swallows_packets_is_a_connect_timeout() {
    worker(async {
        let (address, _hold) = black_hole().await;
        let mut settings = upstream_at(&[address]);
        settings.connect_timeout = Duration::from_millis(50);
        let upstreams = WorkerUpstreams::new(&[settings]);
        assert_eq!(upstreams.reason().await, "upstream-connect-timeout");
        assert_eq!(upstreams.in_flight(), [0]);
    });
}

/// A listener whose queue is full: Linux drops every further SYN.
async fn black_hole() -> (SocketAddr, impl Sized) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("bound");
    let mut queued = Vec::new();
    while let Ok(stream) = tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queued.push(stream.expect("queued"));
    }
    (address, (listener, queued))
}

#[test]
fn a_silent_endpoint_is_a_response_timeout_and_its_connection_is_closed() {
    worker(async {
        let (closed, seen) = oneshot::channel();
        let closed = std::cell::Cell::new(Some(closed));
        let endpoint = Scripted::start(move |mut peer, _| {
            let closed = closed.take();
            async move {
                peer.rest().await;
                closed.expect("one connection").send(()).expect("the test waits");
            }
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        let silence = Some(Duration::from_millis(50));
        let error = upstreams.ask(get("/"), silence).await.expect_err("silence");
        assert_eq!(error.reason(), "upstream-timeout");
        seen.await.expect("the endpoint sees the end");
        assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![0], vec![0]));
    });
}

#[test]
fn a_call_that_is_dropped_closes_its_connection() {
    worker(async {
        let (asked, was_asked) = oneshot::channel();
        let (closed, seen) = oneshot::channel();
        let tell = std::cell::Cell::new(Some((asked, closed)));
        let endpoint = Scripted::start(move |mut peer, _| {
            let (asked, closed) = tell.take().expect("one connection");
            async move {
                peer.head().await;
                asked.send(()).expect("the test waits");
                peer.rest().await;
                closed.send(()).expect("the test waits");
            }
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        tokio::select! {
            _ = upstreams.get("/") => panic!("nobody answers"),
            asked = was_asked => asked.expect("the request arrives"),
        }
        assert_eq!(upstreams.in_flight(), [0]);
        seen.await.expect("the endpoint sees the end");
    });
}

#[test]
fn a_connection_that_ends_before_the_head_is_a_reset_and_nothing_is_sent_again() {
    for partial in ["", "HTTP/1.1 200 OK\r\ncontent-le"] {
        worker(async {
            let endpoint = Scripted::start(move |mut peer, _| async move {
                peer.head().await;
                peer.write(partial).await;
            })
            .await;
            let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
            assert_eq!(upstreams.reason().await, "upstream-reset", "{partial:?}");
            assert_eq!(endpoint.connections(), 1);
        });
    }
}

#[test]
fn malformed_heads_are_no_responses_and_their_connections_are_closed() {
    let heads = [
        "nonsense\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: folded\r\n value\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n1",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n12",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n1",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\n1",
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ];
    for head in heads {
        worker(async {
            let endpoint = Scripted::always(head).await;
            let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
            assert_eq!(upstreams.reason().await, "upstream-malformed", "{head:?}");
            assert_eq!((upstreams.idle(), upstreams.in_flight()), (vec![0], vec![0]), "{head:?}");
        });
    }
}

#[test]
fn an_endless_head_is_malformed() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            peer.head().await;
            peer.write("HTTP/1.1 200 OK\r\n").await;
            let line = format!("x: {}\r\n", "y".repeat(1000));
            for _ in 0..1000 {
                peer.write(&line).await;
            }
            peer.rest().await;
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        assert_eq!(upstreams.reason().await, "upstream-malformed");
    });
}

#[test]
fn informational_responses_are_not_the_response() {
    worker(async {
        let endpoint = Scripted::always(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\
             HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        )
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        assert_eq!(upstreams.fetch("/").await, "hi");
    });
}

#[test]
fn endless_informational_responses_are_malformed() {
    worker(async {
        let endpoint = Scripted::start(|mut peer, _| async move {
            peer.head().await;
            while peer.write("HTTP/1.1 100 Continue\r\n\r\n").await {}
        })
        .await;
        let upstreams = WorkerUpstreams::new(&[upstream(&[&endpoint])]);
        assert_eq!(upstreams.reason().await, "upstream-malformed");
    });
}
