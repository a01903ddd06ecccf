//! Endpoints that are told by the PROXY protocol whose connection it is.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, mpsc};
use std::thread;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tests::tls::{Authority, Wants};
use tests::{Client, Folder, Gateway, PATIENCE, Request};

use crate::{builder, tollgate};

/// An endpoint that reads a header of the PROXY protocol, shakes hands if it is to, answers one request, and closes.
struct Told {
    address: SocketAddr,
    headers: Receiver<Vec<u8>>,
}

impl Told {
    fn start(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (told, headers) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (told, tls) = (told.clone(), tls.clone());
                thread::spawn(move || answer(stream, &told, tls));
            }
        });
        Self { address, headers }
    }

    /// What the next connection began with.
    fn header(&self) -> Vec<u8> {
        self.headers.recv_timeout(PATIENCE).expect("a connection")
    }

    fn line(&self) -> String {
        String::from_utf8(self.header()).expect("version 1 is text")
    }

    fn gateway(&self, scheme: &str, version: &str, more: &str) -> Gateway {
        let config = format!(
            "{more}\n[[upstream]]\nname = \"behind\"\nendpoints = [\"{scheme}://{}\"]\nproxy-protocol = \"{version}\"\n",
            self.address
        );
        let authority = if scheme == "https" { "tls = { ca = \"ca.pem\" }\n" } else { "" };
        let route = "[[route]]\nname = \"everything\"\nupstream = \"behind\"\n";
        builder(&format!("{config}{authority}{route}")).file("ca.pem", Authority::new().pem()).start()
    }
}

/// Reads no more than the header, whatever version it has.
fn answer(mut stream: TcpStream, told: &mpsc::Sender<Vec<u8>>, tls: Option<Arc<ServerConfig>>) {
    // The shortest line; version 2 has one byte more before what its length counts.
    let mut header = vec![0; 15];
    stream.read_exact(&mut header).expect("a header");
    if header[0] == b'P' {
        while !header.ends_with(b"\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a line with an end");
            header.extend(byte);
        }
    } else {
        let mut length = [header[14], 0];
        stream.read_exact(&mut length[1..]).expect("a length");
        header.push(length[1]);
        let mut rest = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut rest).expect("addresses");
        header.extend(rest);
    }
    let _ = told.send(header);
    match tls {
        None => respond(stream),
        Some(config) => respond(StreamOwned::new(ServerConnection::new(config).expect("a session"), stream)),
    }
}

fn respond(stream: impl Read + Write) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
    }
    let _ = stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntold");
    let _ = stream.get_mut().flush();
    // Until the other side leaves.
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A connection to the gateway, with the address that it comes from.
fn connected(gateway: &Gateway) -> (Client, SocketAddr) {
    let stream = TcpStream::connect(gateway.address()).expect("it is accepted");
    let from = stream.local_addr().expect("it is connected");
    (Client::on(stream).expect("it is open"), from)
}

fn line(from: SocketAddr, to: SocketAddr) -> String {
    format!("PROXY TCP4 {} {} {} {}\r\n", from.ip(), to.ip(), from.port(), to.port())
}

#[test]
fn each_request_has_a_connection_that_begins_with_its_clients_address() {
    let upstream = Told::start(None);
    let gateway = upstream.gateway("http", "v1", "");
    let (mut one, first) = connected(&gateway);
    let (mut other, second) = connected(&gateway);
    // Kept connections would have been used by another client.
    for _ in 0..2 {
        assert_eq!(one.get("/").text(), "told");
        assert_eq!(upstream.line(), line(first, gateway.address()));
        assert_eq!(other.get("/").text(), "told");
        assert_eq!(upstream.line(), line(second, gateway.address()));
    }
}

#[test]
fn version_2_says_the_same_in_binary() {
    let upstream = Told::start(None);
    let gateway = upstream.gateway("http", "v2", "");
    let (mut client, from) = connected(&gateway);
    assert_eq!(client.get("/").text(), "told");
    let header = upstream.header();
    let (fixed, ports) = header.split_at(24);
    assert_eq!(fixed, b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01");
    assert_eq!(ports, [from.port().to_be_bytes(), gateway.address().port().to_be_bytes()].concat());
}

#[test]
fn it_comes_before_the_handshake() {
    let authority = Authority::new();
    let upstream = Told::start(Some(authority.issue(&["127.0.0.1"]).server(&[], &Wants::Nothing)));
    let gateway = upstream.gateway("https", "v1", "");
    gateway.folder().write("ca.pem", authority.pem());
    gateway.wait_for_generation(2.0);
    let (mut client, from) = connected(&gateway);
    assert_eq!(client.get("/").text(), "told");
    assert_eq!(upstream.line(), line(from, gateway.address()));
}

#[test]
fn the_client_is_whom_trusted_proxies_name_and_its_port_is_then_unknown() {
    let upstream = Told::start(None);
    let trusted = "[gateway]\nworkers = 1\ntrusted-proxies = [\"127.0.0.1\"]\n";
    let gateway = upstream.gateway("http", "v1", trusted);
    let to = gateway.address();
    gateway.send(Request::get("/").header("x-forwarded-for", "192.0.2.7"));
    assert_eq!(upstream.line(), format!("PROXY TCP4 192.0.2.7 127.0.0.1 0 {}\r\n", to.port()));
    gateway.send(Request::get("/").header("x-forwarded-for", "2001:db8::7"));
    assert_eq!(upstream.line(), format!("PROXY TCP6 2001:db8::7 ::ffff:127.0.0.1 0 {}\r\n", to.port()));
}

#[test]
fn a_client_without_an_address_is_said_to_be_unknown() {
    let (upstream, folder) = (Told::start(None), Folder::new());
    let path = folder.path().join("a.sock");
    let _gateway = upstream.gateway("http", "v1", &format!("[[listener]]\naddress = \"unix:{}\"", path.display()));
    assert_eq!(Client::connect_unix(&path).get("/").text(), "told");
    assert_eq!(upstream.line(), "PROXY UNKNOWN\r\n");
}

#[test]
fn it_is_no_use_where_clients_share_connections() {
    let checked = tollgate(
        "[[upstream]]\nname = \"u\"\nendpoints = [\"http://127.0.0.1:1\"]\nprotocol = \"http2\"\nproxy-protocol = \"v2\"\n\
         [[upstream]]\nname = \"v\"\nendpoints = [\"http://127.0.0.1:1\"]\nproxy-protocol = \"v3\"\n",
        &["check", "--config", "gateway.toml"],
    );
    insta::assert_snapshot!(checked.stderr, @r#"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:5:18: clients share connections over HTTP/2, and the PROXY protocol names one (upstream `u`)
      help: `protocol = "http1"`, or read `X-Forwarded-For` there
    gateway.toml:9:18: unknown value `v3`, expected one of `v1`, `v2` (upstream `v`)
    4 problems
    "#);
}
