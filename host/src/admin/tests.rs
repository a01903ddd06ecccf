use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::telemetry::metrics::Registry;

struct Admin {
    address: SocketAddr,
    readiness: Readiness,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn start() -> Admin {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (address, readiness) = (listener.local_addr().expect("bound"), Readiness::default());
    let state = Arc::new(AdminState::new(Arc::new(Registry::new(1)), readiness.clone(), Vec::new()));
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve(listener, state, async { drop(stopped.await) }));
    Admin { address, readiness, stop, served }
}

impl Admin {
    /// Sends raw bytes and reads to the end of the connection.
    async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("accepted");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    async fn ask(&self, method: &str, path: &str) -> String {
        self.raw(&format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.address)).await
    }
}

#[tokio::test]
async fn readiness_is_the_hosts_to_set_and_health_is_not() {
    let admin = start().await;
    assert!(admin.ask("GET", "/readyz").await.starts_with("HTTP/1.1 503 "));
    admin.readiness.set(true);
    assert!(admin.ask("GET", "/readyz").await.starts_with("HTTP/1.1 200 "));
    admin.readiness.set(false);
    let draining = admin.ask("GET", "/readyz").await;
    assert!(draining.contains("application/problem+json") && draining.contains("urn:tollgate:problem:not-ready"));
    assert!(admin.ask("GET", "/healthz").await.ends_with("\r\n\r\nok\n"));
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let admin = start().await;
    let answer = admin.ask("GET", "/metrics").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("\n# TYPE tollgate_requests_total counter\n"), "{answer}");
}

#[tokio::test]
async fn other_pages_methods_and_hosts_are_problems() {
    let admin = start().await;
    assert!(admin.ask("GET", "/").await.starts_with("HTTP/1.1 404 "));
    let refused = admin.ask("POST", "/metrics").await;
    assert!(refused.starts_with("HTTP/1.1 405 ") && refused.contains("allow: GET, HEAD\r\n"), "{refused}");
    let rebound = admin.raw("GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n").await;
    assert!(rebound.starts_with("HTTP/1.1 421 ") && rebound.contains("application/problem+json"), "{rebound}");
    assert!(admin.raw("GET /metrics HTTP/1.1\r\n\r\n").await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_and_no_body() {
    let answer = start().await.ask("HEAD", "/healthz").await;
    assert!(answer.contains("content-length: 3\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn silent_connections_are_bounded_and_give_way_in_time() {
    let admin = start().await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(TcpStream::connect(admin.address).await.expect("accepted"));
    }
    // All are taken: the next one is answered only when the silent ones have run into the limit for a head.
    let begun = tokio::time::Instant::now();
    let answer = timeout(HEAD_LIMIT * 3, admin.ask("GET", "/healthz")).await.expect("their time is limited");
    assert!(answer.starts_with("HTTP/1.1 200 "));
    assert!(begun.elapsed() > HEAD_LIMIT / 2, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_shutdown_ends_the_listener_although_a_client_is_silent() {
    let admin = start().await;
    let _silent = TcpStream::connect(admin.address).await.expect("accepted");
    assert!(admin.ask("GET", "/healthz").await.starts_with("HTTP/1.1 200 "));
    admin.stop.send(()).expect("still serving");
    timeout(DRAIN_LIMIT * 3, admin.served).await.expect("in time").expect("no panic");
    assert!(TcpStream::connect(admin.address).await.is_err());
}
