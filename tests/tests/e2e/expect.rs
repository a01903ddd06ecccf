//! `Expect: 100-continue` (RFC 9110, section 10.1.1): the client waits to be asked for its body.

use tests::frames::{self, Connection};
use tests::{Gateway, Request, Upstream};

use crate::{everything_to, gateway, gateway_to};

/// A request whose client waits with these bytes of its body.
fn expecting(target: &str, bytes: usize) -> String {
    format!("POST {target} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: {bytes}\r\n\r\n")
}

#[test]
fn a_client_is_told_to_go_on_when_its_body_is_wanted() {
    let upstream = Upstream::saying("thanks");
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    for spelling in ["100-continue", "100-Continue", "100-continue, 100-continue"] {
        client.write(expecting("/", 4).replace("100-continue", spelling));
        assert_eq!(client.receive().status, 100, "{spelling}");
        client.write("body");
        // The connection serves on.
        assert_eq!(client.receive().text(), "thanks", "{spelling}");
    }
    for received in upstream.received() {
        assert_eq!((received.header("expect"), received.body.as_slice()), (None, &b"body"[..]));
    }
}

#[test]
fn who_does_not_wait_is_not_told() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write(expecting("/", 4) + "body");
    let answer = client.receive();
    assert_eq!((answer.status, &answer.json()["body"]), (200, &"body".into()));
}

#[test]
fn who_waits_with_nothing_is_not_told() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write(expecting("/", 0));
    assert_eq!(client.receive().status, 200);
    client.write("GET / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(client.receive().status, 200);
}

#[test]
fn what_cannot_be_promised_is_a_417() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for expectation in ["200-ok", "100-continue, something", "100-continue;q=1"] {
        let mut client = gateway.client();
        client.write(expecting("/", 4).replace("100-continue", expectation));
        let answer = client.receive();
        assert_eq!((answer.status, answer.problem().as_str()), (417, "expectation"), "{expectation}");
        assert_eq!(answer.header("connection"), Some("close"), "{expectation}");
        client.wait_for_close();
    }
    assert!(upstream.received().is_empty());
}

#[test]
fn http_1_0_has_no_expectations() {
    let gateway = gateway_to("internal:echo", "");
    for expectation in ["100-continue", "something"] {
        let request = expecting("/", 4).replace("HTTP/1.1", "HTTP/1.0").replace("100-continue", expectation);
        let answer = gateway.client().raw(request + "body");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"body\":\"body\""), "{answer}");
    }
}

/// The first answer is the last one, and says that the connection is closed: the body may or may not come.
#[track_caller]
fn is_refused(gateway: &Gateway, request: &str, status: u16) {
    let mut client = gateway.client();
    client.write(request);
    let answer = client.receive();
    assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
    // Who sends it all the same loses nothing of the answer.
    client.write("body");
    client.wait_for_close();
}

#[test]
fn a_request_that_is_refused_before_its_body_gets_its_answer_and_no_100() {
    let upstream = Upstream::saying("");
    let keyed =
        gateway_to(&upstream.url(), "match = { path = \"/known/**\" }\nmax-body = \"10B\"\nplugins = [\"key-auth\"]");
    is_refused(&keyed, &expecting("/unknown", 4), 404);
    is_refused(&keyed, &expecting("/known/large", 11), 413);
    is_refused(&keyed, &expecting("/known/anonymous", 4), 401);
    is_refused(&keyed, &expecting("/a%2fb", 4), 400);
    assert!(upstream.received().is_empty());
    // Nothing listens on tcpmux.
    is_refused(&gateway_to("http://127.0.0.1:1", ""), &expecting("/", 4), 502);
}

#[test]
fn a_body_of_which_only_the_first_part_comes_is_a_408() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { body-timeout = \"100ms\" }\n";
    let gateway = gateway(&(listener.to_owned() + &everything_to("internal:echo", "")));
    let mut client = gateway.client();
    client.write(expecting("/waits", 4));
    assert_eq!(client.receive().status, 100);
    client.write("bo");
    assert_eq!(client.receive().status, 408);
    client.wait_for_close();
    assert_eq!(gateway.send(Request::post("/whole", "body")).status, 200);
}

/// HEADERS of a request over HTTP/2 whose client has a body, or waits with it.
fn waiting(stream: u32, expectation: &str) -> Vec<u8> {
    let block = [frames::POST, &frames::field("expect", expectation)].concat();
    frames::frame(frames::HEADERS, frames::END_HEADERS, stream, &block)
}

/// `:status: 100`, and no table of HPACK changes.
const GO_ON: &[u8] = b"\x08\x03100";

#[test]
fn over_http2_a_client_is_told_to_go_on_too() {
    let upstream = Upstream::saying("thanks");
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = Connection::open(gateway.address(), &[]);
    for stream in [1, 3] {
        client.write(waiting(stream, "100-Continue")).expect("it is open");
        let frame = client.wait_for_stream(stream);
        assert_eq!((frame.kind, frame.flags, &*frame.payload), (frames::HEADERS, frames::END_HEADERS, GO_ON));
        client.write(frames::frame(frames::DATA, frames::END_STREAM, stream, b"body")).expect("it is open");
        let head = client.wait_for_stream(stream);
        assert!(head.kind == frames::HEADERS && head.payload != GO_ON, "{head:?}");
        let body = client.wait_for_stream(stream);
        assert_eq!((body.kind, &*body.payload), (frames::DATA, &b"thanks"[..]));
    }
    for received in upstream.received() {
        assert_eq!((received.header("expect"), received.body.as_slice()), (None, &b"body"[..]));
    }
}

#[test]
fn over_http2_who_does_not_wait_or_is_refused_is_not_told() {
    let gateway = gateway_to("internal:echo", "match = { path = \"/known\" }");
    let mut client = Connection::open(gateway.address(), &[]);
    // The path is another one.
    client.write(waiting(1, "100-continue")).expect("it is open");
    assert_ne!(client.wait_for_stream(1).payload, GO_ON);
    let block =
        [b"\x83\x86\x01\x01x".to_vec(), frames::field(":path", "/known"), frames::field("expect", "100-continue")];
    let sent = [
        frames::frame(frames::HEADERS, frames::END_HEADERS, 3, &block.concat()),
        frames::frame(frames::DATA, frames::END_STREAM, 3, b"body"),
    ];
    client.write(sent.concat()).expect("it is open");
    assert_ne!(client.wait_for_stream(3).payload, GO_ON);
    assert_eq!(client.wait_for_stream(3).kind, frames::DATA);
}

/// The next header block has to begin with the new size, and that is for h2 to write.
#[test]
fn over_http2_who_wants_a_smaller_table_is_not_told() {
    const HEADER_TABLE_SIZE: u16 = 1;
    let gateway = gateway_to("internal:echo", "");
    let mut client = Connection::open(gateway.address(), &[(HEADER_TABLE_SIZE, 0)]);
    client.write(waiting(1, "100-continue")).expect("it is open");
    client.write(frames::frame(frames::PING, 0, 0, b"all read")).expect("it is open");
    client.wait_for("a PING", |frame| frame.kind == frames::PING && frame.flags == frames::ACK);
    client.write(frames::frame(frames::DATA, frames::END_STREAM, 1, b"body")).expect("it is open");
    assert_ne!(client.wait_for_stream(1).payload, GO_ON);
}

#[test]
fn over_http2_what_cannot_be_promised_is_a_417_too() {
    let gateway = gateway_to("internal:echo", "");
    let mut request = tests::http2::get("http://x/");
    request.headers_mut().insert(http::header::EXPECT, http::HeaderValue::from_static("200-ok"));
    assert_eq!(tests::http2::send(gateway.address(), vec![request])[0].status(), 417);
}
