//! Clients that send or read too slowly, or not at all: they are not waited for.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tests::{Gateway, PATIENCE, Reply, Request, Upstream, wait_for};

use crate::{everything_to, gateway};

/// A gateway to this endpoint whose listener has these limits. `/delay/..` passes the time.
fn limited(endpoint: &str, limits: &str) -> Gateway {
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = {{ {limits} }}\n");
    let clock = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n\
        [[route]]\nname = \"clock\"\nupstream = \"echo\"\nmatch = { path = \"/delay/**\" }\n";
    gateway(&format!("{listener}{clock}{}", everything_to(endpoint, "max-body = \"off\"")))
}

/// Whether the access log says this of a path.
fn is_logged(gateway: &Gateway, path: &str, problem: &str) -> bool {
    gateway.access_log().iter().any(|line| line["path"] == path && line["problem"] == problem)
}

#[test]
fn a_body_that_does_not_go_on_is_a_408() {
    let upstream = Upstream::saying("");
    let gateway = limited(&upstream.url(), "body-timeout = \"100ms\"");
    let mut client = gateway.client();
    client.write("POST /half HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (408, "request-body-timeout"));
    assert_eq!(answer.header("connection"), Some("close"));
    client.wait_for_close();
    upstream.wait_until_left();
    assert!(upstream.received().is_empty());
}

#[test]
fn a_body_that_comes_byte_by_byte_is_a_408_as_well() {
    let gateway = limited("internal:echo", "body-timeout = \"300ms\", min-rate = \"10kB\"");
    let mut client = gateway.client();
    client.write("POST /drips HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n");
    wait_for("the end of it", || {
        client.write("x");
        is_logged(&gateway, "/drips", "request-body-timeout").then_some(())
    });
    assert_eq!(client.receive().status, 408);
}

#[test]
fn the_rest_of_a_body_that_nobody_wanted_is_not_waited_for() {
    let gateway = limited("internal:echo", "body-timeout = \"100ms\"");
    let mut client = gateway.client();
    client.write("POST /a%2fb HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    assert_eq!(client.receive().status, 400);
    client.wait_for_close();
}

#[test]
fn a_client_is_not_blamed_for_an_upstream_that_does_not_read() {
    const BODY: usize = 32 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is bound"));
    let gateway = limited(&endpoint, "body-timeout = \"100ms\"");
    let mut client = gateway.client();
    let sending = thread::spawn(move || client.send(Request::post("/large", vec![b'x'; BODY])));
    let (mut upstream, _) = listener.accept().expect("a connection");
    upstream.set_read_timeout(Some(PATIENCE)).expect("not zero");
    // More than fits into all buffers waits meanwhile.
    assert_eq!(gateway.get("/delay/500ms").status, 200);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        upstream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let body = std::io::copy(&mut (&upstream).take(BODY as u64), &mut std::io::sink()).expect("a body");
    assert_eq!(body, BODY as u64);
    upstream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").expect("it is open");
    assert_eq!(sending.join().expect("an answer").text(), "ok");
}

/// An upstream whose response no buffer holds.
fn large() -> Upstream {
    const BODY: usize = 64 << 20;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n").into_bytes();
    Upstream::start(move |_| Reply::raw([head.as_slice(), &vec![b'x'; BODY]].concat()))
}

#[test]
fn a_client_that_does_not_read_is_reset_and_its_upstream_left() {
    let upstream = large();
    let gateway = limited(&upstream.url(), "write-timeout = \"200ms\"");
    let mut client = gateway.client();
    client.start(Request::get("/unread"));
    let line = gateway.wait_for_access("/unread");
    assert_eq!((&line["status"], &line["completed"]), (&200.into(), &false.into()), "{line}");
    assert_eq!(line["problem"], "client-write-timeout", "{line}");
    upstream.wait_until_left();
    assert!(client.try_receive().is_err());
}

#[test]
fn a_client_that_reads_byte_by_byte_is_reset_as_well() {
    let upstream = large();
    let gateway = limited(&upstream.url(), "write-timeout = \"500ms\", min-rate = \"1MiB\"");
    let mut client = TcpStream::connect(gateway.address()).expect("it is accepted");
    client.set_read_timeout(Some(PATIENCE)).expect("not zero");
    client.write_all(b"GET /drips HTTP/1.1\r\nhost: x\r\n\r\n").expect("it is open");
    wait_for("the end of it", || {
        // An error is the reset, of which the log will say why.
        let _ = client.read(&mut [0; 64]);
        is_logged(&gateway, "/drips", "client-write-timeout").then_some(())
    });
    upstream.wait_until_left();
}

#[test]
fn a_client_that_reads_is_sent_all_however_short_the_timer_is() {
    let upstream = large();
    let gateway = limited(&upstream.url(), "write-timeout = \"5s\", min-rate = \"1kB\"");
    assert_eq!(gateway.get("/").body.len(), 64 << 20);
}
