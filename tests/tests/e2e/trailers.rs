//! Trailers: those of a response that may pass do, over both protocols, and no other.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::StreamBody;
use hyper::body::Frame;
use tests::{Client, Reply, Upstream, http2};
use tonic::codegen::tokio_stream;

use crate::{everything_to, gateway, gateway_to};

/// Says that the plugin `key-auth` owns `x-consumer-name` and others.
const WITH_KEY_AUTH: &str = "[[plugin]]\nsource = \"key-auth\"\n";

/// An upstream that answers once with 204, and tells all that it got.
fn recorder() -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let told = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        stream.set_read_timeout(Some(tests::PATIENCE)).expect("not zero");
        let mut read = Vec::new();
        let is_over = |read: &[u8]| read.windows(3).any(|part| part == b"\n0\r") && read.ends_with(b"\r\n\r\n");
        while !is_over(&read) {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("more");
            read.push(byte[0]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").expect("it is open");
        String::from_utf8_lossy(&read).into_owned()
    });
    (url, told)
}

/// The trailers of a response that goes to an HTTP/1.1 client with these fields.
fn trailers(gateway: SocketAddr, fields: &str) -> String {
    let mut client = Client::connect(gateway);
    for _ in 0..2 {
        // Twice: the connection goes on.
        client.write(format!("GET / HTTP/1.1\r\nhost: x\r\n{fields}\r\n"));
        client.read_until("2\r\nhi\r\n0\r\n");
    }
    let rest = client.read_until("\r\n");
    if rest == "\r\n" { String::new() } else { rest + &client.read_until("\r\n") }
}

const WITH_TRAILERS: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nhi\r\n0\r\n\
    X-Sum: 7\r\nset-cookie: a=b\r\nContent_Length: 3\r\nX_Request_Id: forged\r\nx.consumer-name: root\r\n\r\n";

#[test]
fn trailers_of_a_response_go_to_who_takes_them() {
    let upstream = Upstream::start(|_| Reply::raw(WITH_TRAILERS));
    let gateway = gateway(&(everything_to(&upstream.url(), "") + WITH_KEY_AUTH));
    assert_eq!(trailers(gateway.address(), "te: trailers\r\nconnection: te\r\n"), "x-sum: 7\r\n\r\n");
    assert_eq!(trailers(gateway.address(), "te: gzip, trailers;q=0.5\r\n"), "");
    assert_eq!(trailers(gateway.address(), ""), "");
    let (body, trailers) = http2::send_whole(gateway.address(), http2::get("http://x/"));
    assert_eq!(body, "hi");
    assert_eq!(trailers.expect("some"), [("x-sum", "7")].into_iter().map(field).collect::<HeaderMap>());
}

fn field((name, value): (&'static str, &'static str)) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(name), HeaderValue::from_static(value))
}

#[test]
fn trailers_that_are_too_many_leave_no_response_that_looks_whole() {
    let many = format!("{}{}\r\n", WITH_TRAILERS.trim_end(), "\r\nx-more: 1".repeat(80) + "\r\n");
    let upstream = Upstream::start(move |_| Reply::raw(&many));
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.write("GET / HTTP/1.1\r\nhost: x\r\nte: trailers\r\n\r\n");
    let got = String::from_utf8_lossy(&client.rest()).into_owned();
    assert!(got.starts_with("HTTP/1.1 200 ") && !got.contains("0\r\n\r\n") && !got.contains("x-sum"), "{got}");
}

#[test]
fn trailers_of_a_request_end_at_the_gateway() {
    let (url, told) = recorder();
    let gateway = gateway_to(&url, "");
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 7\r\n\r\n");
    assert_eq!(client.receive().status, 204);
    let told = told.join().expect("it was asked");
    assert!(told.ends_with("4\r\nbody\r\n0\r\n\r\n"), "{told}");
}

#[test]
fn trailers_of_a_request_over_http2_end_at_the_gateway() {
    let (url, told) = recorder();
    let gateway = gateway_to(&url, "");
    let trailers = [("x-sum", "7"), ("x-request-id", "forged")].into_iter().map(field).collect::<HeaderMap>();
    // Without a length: trailers need chunks.
    let frames = [Frame::data(Bytes::from_static(b"body")), Frame::trailers(trailers)].map(Ok::<_, Infallible>);
    let request = http::Request::post("http://x/").body(StreamBody::new(tokio_stream::iter(frames)));
    let request = request.expect("a request");
    assert_eq!(http2::send_body(gateway.address(), request), 204);
    let told = told.join().expect("it was asked");
    assert!(told.ends_with("\r\n0\r\n\r\n"), "{told}");
}
