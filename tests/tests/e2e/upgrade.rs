//! `Upgrade` (RFC 9110, section 7.8): who asks for another protocol, what the upstream is asked for, and what it may answer.

use tests::{Client, Gateway, Reply, Request, Upstream};

use crate::guests::witness;
use crate::{everything_to, gateway, gateway_to};

pub const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

/// `GET` with these fields besides its host.
pub fn asking(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: gateway.test\r\n{fields}\r\n\r\n")
}

pub const WEBSOCKET: &str = "connection: Upgrade\r\nupgrade: websocket";

/// Sends this, and reads one answer.
fn answer(client: &mut Client, request: impl AsRef<[u8]>) -> tests::Response {
    client.write(request);
    client.receive()
}

fn switching(answer: &'static str) -> (Upstream, Gateway) {
    let upstream = Upstream::start(move |_| Reply::raw(answer).then_hang());
    let gateway = gateway_to(&upstream.url(), "");
    (upstream, gateway)
}

#[test]
fn the_upstream_is_asked_for_what_the_client_asks_for_and_of_connection_nothing_else_is_left() {
    for (asked, passed) in [
        ("connection: Upgrade\r\nupgrade: websocket", "websocket"),
        ("connection: keep-alive, UPGRADE\r\nupgrade: WebSocket", "WebSocket"),
        ("connection: upgrade, x-secret\r\nx-secret: 1\r\nupgrade: foo/2, bar", "foo/2, bar"),
        (
            "connection: x-secret\r\nconnection: upgrade\r\nx-secret: 1\r\nupgrade: h2c\r\nupgrade: websocket",
            "websocket",
        ),
        ("connection: upgrade, http2-settings\r\nupgrade: h2c, foo, tls/1.2\r\nhttp2-settings: AA", "foo"),
    ] {
        let upstream = Upstream::saying("no");
        let gateway = gateway_to(&upstream.url(), "");
        assert_eq!(answer(&mut gateway.client(), asking("/", asked)).status, 200);
        let received = upstream.only();
        let of = |name: &'static str| {
            received.headers.iter().filter(move |(got, _)| got == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(of("connection").collect::<Vec<_>>(), ["upgrade"], "{asked}");
        assert_eq!(of("upgrade").collect::<Vec<_>>(), [passed], "{asked}");
        assert_eq!((received.header("x-secret"), received.header("http2-settings")), (None, None), "{asked}");
    }
}

#[test]
fn what_asks_for_nothing_that_can_be_passed_on_is_a_request_like_any_other() {
    for request in [
        asking("/", "upgrade: websocket"),
        asking("/", "connection: upgrade"),
        asking("/", "connection: upgrade\r\nupgrade: h2c"),
        asking("/", "connection: upgrade\r\nupgrade: HTTP/2.0, TLS/1.0"),
        asking("/", "connection: upgrade\r\nupgrade: web socket"),
        asking("/", "connection: upgrade\r\nupgrade: ,"),
        asking("/", "connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 4") + "body",
        asking("/", "connection: upgrade\r\nupgrade: websocket\r\ntransfer-encoding: chunked") + "0\r\n\r\n",
    ] {
        // What is switched to unasked would be a 502.
        let upstream = Upstream::saying("plain");
        let gateway = gateway_to(&upstream.url(), "");
        let mut client = gateway.client();
        assert_eq!(answer(&mut client, &request).text(), "plain", "{request}");
        let received = upstream.only();
        assert_eq!((received.header("upgrade"), received.header("connection")), (None, None), "{request}");
        assert_eq!(client.get("/again").status, 200, "{request}");
    }
}

#[test]
fn http_1_0_cannot_ask() {
    let upstream = Upstream::saying("plain");
    let gateway = gateway_to(&upstream.url(), "");
    let old = format!("GET / HTTP/1.0\r\nhost: x\r\n{WEBSOCKET}\r\n\r\n");
    assert!(gateway.client().raw(old).starts_with(b"HTTP/1.1 200 "));
    let received = upstream.only();
    assert_eq!((received.header("upgrade"), received.header("connection")), (None, None));
}

#[test]
fn a_route_that_does_not_let_them_passes_no_upgrade_on() {
    let upstream = Upstream::saying("plain");
    let gateway = gateway_to(&upstream.url(), "upgrade = false");
    assert_eq!(answer(&mut gateway.client(), asking("/", WEBSOCKET)).status, 200);
    assert_eq!(upstream.only().header("upgrade"), None);
}

#[test]
fn the_answer_says_what_was_agreed_on() {
    let (_upstream, gateway) = switching(SWITCHED);
    let answer = answer(&mut gateway.client(), asking("/", "connection: upgrade\r\nupgrade: foo, WebSocket"));
    assert_eq!(answer.status, 101);
    assert_eq!((answer.header("connection"), answer.header("upgrade")), (Some("upgrade"), Some("websocket")));
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (None, None));
    assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
}

#[test]
fn an_upstream_that_does_not_switch_answers_like_any_other() {
    let upstream = Upstream::start(|received| match received.target.as_str() {
        "/426" => Reply::raw(
            "HTTP/1.1 426 Upgrade Required\r\nupgrade: foo\r\nconnection: upgrade\r\ncontent-length: 2\r\n\r\nno",
        ),
        _ => Reply::ok("plain"),
    });
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    assert_eq!(answer(&mut client, asking("/200", WEBSOCKET)).text(), "plain");
    assert_eq!(answer(&mut client, asking("/426", WEBSOCKET)).status, 426);
    // Both connections serve on.
    assert_eq!(client.get("/again").status, 200);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_switch_that_nobody_asked_for_is_a_502_and_its_connection_is_not_kept() {
    let wrong = |upgrade: &str| format!("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n{upgrade}\r\n");
    for (fields, switched, why) in [
        ("x-plain: 1", SWITCHED.to_owned(), "which nobody asked for"),
        ("upgrade: websocket", SWITCHED.to_owned(), "which nobody asked for"),
        (WEBSOCKET, wrong("upgrade: h2c\r\n"), "to another protocol"),
        (WEBSOCKET, wrong("upgrade: websocket, foo\r\n"), "to another protocol"),
        (WEBSOCKET, wrong("upgrade: websocket\r\nupgrade: foo\r\n"), "to another protocol"),
        (WEBSOCKET, wrong(""), "to another protocol"),
        (WEBSOCKET, SWITCHED.replace("1.1 101", "1.0 101"), "to another protocol"),
        (WEBSOCKET, wrong("upgrade: websocket\r\ncontent-length: 4\r\n"), "a body with a status that has none"),
    ] {
        let reply = switched.clone();
        let upstream = Upstream::start(move |_| Reply::raw(&reply).then_hang());
        let gateway = gateway_to(&upstream.url(), "");
        let mut client = gateway.client();
        let answer = answer(&mut client, asking("/", fields));
        assert_eq!((answer.status, answer.problem().as_str()), (502, "upstream-malformed"), "{switched}");
        let cause = gateway.wait_for_log("sent a malformed response")["cause"].to_string();
        assert!(cause.contains(why), "{cause}: {switched}");
        upstream.wait_until_left();
        // It was not the client's fault.
        assert_eq!(client.get("/a%2fb").status, 400);
    }
}

#[test]
fn response_hooks_see_the_switch_and_may_refuse_it() {
    let upstream = Upstream::start(|_| Reply::raw(SWITCHED).then_hang());
    let plugins = "plugins = [\"w\"]";
    let gateway = gateway(&(witness("w") + &everything_to(&upstream.url(), plugins)));
    let seen = answer(&mut gateway.client(), asking("/seen", WEBSOCKET));
    assert_eq!((seen.status, seen.header("x-back"), seen.header("x-origin")), (101, Some("w"), Some("Upstream")));
    let refused = answer(&mut gateway.client(), asking("/refused", &format!("{WEBSOCKET}\r\nx-replace: w")));
    assert_eq!((refused.status, refused.text().as_str()), (418, "a replacement by w"));
    assert_eq!((refused.header("upgrade"), refused.header("connection")), (None, None));
    upstream.wait_until_left();
    // Its log hook runs at the end of the tunnel, once.
    assert_eq!(gateway.wait_for_access("/seen")["status"], 101);
    let told = gateway.send(Request::get("/seen").header("x-ask", "w")).json();
    assert_eq!((&told["times"], &told["last"]["status"]), (&1.into(), &101.into()), "{told}");
}
