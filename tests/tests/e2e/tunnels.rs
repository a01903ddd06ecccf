//! What goes through a tunnel after the upstream's `101`, and how one ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use tests::{Client, Gateway, PATIENCE, Reply, Upstream, wait_for};

use crate::guests::resident;
use crate::upgrade::{SWITCHED, WEBSOCKET, asking};
use crate::{everything_to, gateway, gateway_to};

/// An upstream whose connections a test serves by hand.
struct ByHand(TcpListener);

impl ByHand {
    fn start() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("it is bound"))
    }

    /// The next connection, behind the head of its request.
    fn accept(&self) -> TcpStream {
        let (mut stream, _) = self.0.accept().expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        stream
    }
}

/// Both ends of a tunnel that is open.
fn open(gateway: &Gateway, upstream: &ByHand, target: &str) -> (Client, TcpStream) {
    let mut client = gateway.client();
    client.write(asking(target, WEBSOCKET));
    let mut endpoint = upstream.accept();
    endpoint.write_all(SWITCHED.as_bytes()).expect("it is open");
    assert_eq!(client.receive().status, 101);
    (client, endpoint)
}

fn tunnel() -> (ByHand, Gateway, Client, TcpStream) {
    let upstream = ByHand::start();
    let gateway = gateway_to(&upstream.url(), "");
    let (client, endpoint) = open(&gateway, &upstream, "/tunnel");
    (upstream, gateway, client, endpoint)
}

fn read_to_end(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).map(|_| text)
}

/// Nothing is there to be read, and the gateway has had time to write: it has served others since.
#[track_caller]
fn has_got_nothing(endpoint: &mut TcpStream, gateway: &Gateway) {
    for _ in 0..3 {
        assert_eq!(gateway.get("/a%2fb").status, 400);
    }
    endpoint.set_nonblocking(true).expect("it is open");
    let read = endpoint.read(&mut [0]);
    assert_eq!(read.expect_err("nothing is there").kind(), ErrorKind::WouldBlock);
    endpoint.set_nonblocking(false).expect("it is open");
}

#[test]
fn nothing_that_the_client_sends_reaches_the_upstream_before_it_has_switched() {
    let upstream = ByHand::start();
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.write(asking("/", WEBSOCKET) + "early");
    let mut endpoint = upstream.accept();
    has_got_nothing(&mut endpoint, &gateway);
    // What the endpoint sends behind its head is the tunnel's, too.
    endpoint.write_all(format!("{SWITCHED}first").as_bytes()).expect("it is open");
    let mut early = [0; 5];
    endpoint.read_exact(&mut early).expect("they come now");
    assert_eq!(&early, b"early");
    assert_eq!(client.receive().status, 101);
    assert_eq!(client.read_until("first"), "first");
}

#[test]
fn what_was_sent_early_for_a_tunnel_that_is_refused_is_no_body_and_reaches_nobody() {
    let upstream = ByHand::start();
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.write(asking("/", WEBSOCKET) + "\u{1}frames\r\n\r\n");
    let mut endpoint = upstream.accept();
    endpoint.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").expect("it is open");
    assert_eq!(client.receive().status, 403);
    // It is read as what it is now: the next request.
    assert_eq!(client.receive().status, 400);
    has_got_nothing(&mut endpoint, &gateway);
}

#[test]
fn a_client_that_has_said_all_is_still_told_the_rest() {
    let (_upstream, gateway, mut client, mut endpoint) = tunnel();
    client.write("all");
    client.half_close();
    assert_eq!(read_to_end(&mut endpoint).expect("an end"), "all");
    endpoint.write_all(b"the rest").expect("it is open");
    drop(endpoint);
    assert_eq!(client.read_to_end().expect("an end"), b"the rest");
    let line = gateway.wait_for_access("/tunnel");
    assert_eq!(
        (&line["completed"], &line["requestBytes"], &line["responseBytes"]),
        (&true.into(), &3.into(), &8.into())
    );
}

#[test]
fn an_upstream_that_has_said_all_is_still_told_the_rest() {
    let (_upstream, gateway, mut client, mut endpoint) = tunnel();
    endpoint.write_all(b"all").expect("it is open");
    endpoint.shutdown(Shutdown::Write).expect("it is open");
    assert_eq!(client.read_to_end().expect("an end"), b"all");
    client.write("the rest");
    client.half_close();
    assert_eq!(read_to_end(&mut endpoint).expect("an end"), "the rest");
    assert_eq!(gateway.wait_for_access("/tunnel")["completed"], true);
}

#[test]
fn a_tunnel_that_one_side_resets_looks_whole_to_nobody() {
    let (_upstream, gateway, client, mut endpoint) = tunnel();
    client.reset();
    assert_eq!(read_to_end(&mut endpoint).expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
    assert_eq!(gateway.wait_for_access("/tunnel")["completed"], false);

    let (_upstream, gateway, mut client, endpoint) = tunnel();
    socket2::SockRef::from(&endpoint).set_linger(Some(Duration::ZERO)).expect("it is open");
    drop(endpoint);
    assert_eq!(client.read_to_end().expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
    assert_eq!(gateway.wait_for_access("/tunnel")["completed"], false);
}

#[test]
fn an_upstream_that_does_not_read_slows_down_its_client_and_nothing_is_kept() {
    let upstream = ByHand::start();
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = TcpStream::connect(gateway.address()).expect("it is accepted");
    client.write_all(asking("/", WEBSOCKET).as_bytes()).expect("it is open");
    let mut endpoint = upstream.accept();
    endpoint.write_all(SWITCHED.as_bytes()).expect("it is open");
    let before = resident(&gateway);
    client.set_nonblocking(true).expect("it is open");
    let (mut sent, mut refusals) = (0, 0);
    // The kernel's buffers grow for a while.
    while refusals < 20 {
        match client.write(&[b'x'; 65_536]) {
            Ok(written) => (sent, refusals) = (sent + written, 0),
            Err(_) => {
                refusals += 1;
                assert_eq!(gateway.get("/a%2fb").status, 400);
            }
        }
        assert!(sent < 256 << 20, "somebody keeps all of it");
    }
    assert!(resident(&gateway) < before + 16, "{} MiB, and {before} before", resident(&gateway));
    client.shutdown(Shutdown::Write).expect("it is open");
    let received = std::io::copy(&mut endpoint, &mut std::io::sink()).expect("an end");
    assert_eq!(received, sent as u64);
}

#[test]
fn a_tunnel_in_which_nothing_moves_ends_when_its_time_is_over() {
    let upstream = ByHand::start();
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { tunnel-idle-timeout = \"200ms\" }\n";
    let gateway = gateway(&format!("{listener}{}", everything_to(&upstream.url(), "")));
    let (mut client, mut endpoint) = open(&gateway, &upstream, "/idle");
    assert_eq!(client.read_to_end().expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
    assert_eq!(read_to_end(&mut endpoint).expect_err("it is reset").kind(), ErrorKind::ConnectionReset);
    let line = gateway.wait_for_access("/idle");
    assert_eq!((&line["completed"], &line["problem"]), (&false.into(), &"tunnel-idle-timeout".into()), "{line}");
    wait_for("the tunnel to be counted as closed", || (gateway.metric("tollgate_tunnels") == 0.0).then_some(()));
}

#[test]
fn no_other_timer_ends_a_tunnel() {
    let upstream = ByHand::start();
    let short = ["header", "idle", "body", "write"].map(|timer| format!("{timer}-timeout = \"50ms\"")).join(", ");
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = {{ {short} }}\n");
    let clock = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n\
        [[route]]\nname = \"clock\"\nupstream = \"echo\"\nmatch = { path = \"/delay/**\" }\n";
    let gateway = gateway(&format!("{listener}{clock}{}", everything_to(&upstream.url(), "timeout = \"100ms\"")));
    let (mut client, mut endpoint) = open(&gateway, &upstream, "/tunnel");
    assert_eq!(gateway.get("/delay/500ms").status, 200);
    client.write("still here");
    let mut heard = [0; 10];
    endpoint.read_exact(&mut heard).expect("it is open");
    endpoint.write_all(&heard).expect("it is open");
    assert_eq!(client.read_until("here"), "still here");
}

#[test]
fn a_connection_that_was_a_tunnel_is_never_used_again() {
    let upstream = Upstream::start(|received| match received.target.as_str() {
        "/tunnel" => Reply::raw(SWITCHED),
        _ => Reply::ok("plain"),
    });
    let gateway = gateway_to(&upstream.url(), "");
    assert_eq!(gateway.get("/first").status, 200);
    let mut client = gateway.client();
    client.write(asking("/tunnel", WEBSOCKET));
    assert_eq!(client.receive().status, 101);
    client.half_close();
    assert_eq!(client.read_to_end().expect("an end"), b"");
    assert_eq!(gateway.wait_for_access("/tunnel")["completed"], true);
    assert_eq!(gateway.get("/last").status, 200);
    let connections: Vec<_> = upstream.received().iter().map(|received| received.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}
