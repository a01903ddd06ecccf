//! What RFC 9113 does not let a client say over HTTP/2: it is reset or refused, and no upstream sees it.

use tests::frames::{
    self, Connection, DATA, END_HEADERS, END_STREAM, End, Frame, GOAWAY, HEADERS, PROTOCOL_ERROR, REFUSED_STREAM,
    RST_STREAM, field, frame,
};
use tests::{Gateway, Upstream};

use crate::{everything_to, gateway, gateway_to};

/// Lines that come before those of a test: `:method: GET`, `:scheme: http`.
const METHOD_AND_SCHEME: &[u8] = b"\x82\x86";

/// A path that the static table does not have.
fn path(path: &str) -> Vec<u8> {
    [&[0x04, u8::try_from(path.len()).expect("it is short")], path.as_bytes()].concat()
}

fn with(lines: &[Vec<u8>]) -> Vec<u8> {
    [frames::GET.to_vec(), lines.concat()].concat()
}

/// The first frame that a request on a connection of its own gets.
fn answer(gateway: &Gateway, request: &[u8]) -> Frame {
    let mut connection = Connection::open(gateway.address(), &[]);
    connection.write(request).expect("it is open");
    connection.wait_for("an answer", |frame| frame.stream == 1 || frame.kind == GOAWAY)
}

#[test]
fn a_malformed_request_is_reset_and_reaches_no_upstream() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for (what, block) in [
        ("connection", with(&[field("connection", "close")])),
        ("keep-alive", with(&[field("keep-alive", "1")])),
        ("proxy-connection", with(&[field("proxy-connection", "close")])),
        ("transfer-encoding", with(&[field("transfer-encoding", "chunked")])),
        ("upgrade", with(&[field("upgrade", "h2c")])),
        ("te", with(&[field("te", "gzip")])),
        ("an empty path", [METHOD_AND_SCHEME, b"\x01\x01x", &path("")].concat()),
        ("no path", [METHOD_AND_SCHEME, b"\x01\x01x"].concat()),
        ("no method", b"\x86\x84\x01\x01x".to_vec()),
        ("no scheme", b"\x82\x84\x01\x01x".to_vec()),
        ("a method twice", with(&[vec![0x82]])),
        ("an unknown pseudo header field", with(&[field(":what", "x")])),
        ("a status", with(&[vec![0x88]])),
        ("a pseudo header field behind others", [METHOD_AND_SCHEME, &field("a", "b"), b"\x84\x01\x01x"].concat()),
        ("an upper-case name", with(&[field("X-Upper", "1")])),
        ("a line feed in a value", with(&[field("x-value", "a\nb")])),
        ("a value that begins with a space", with(&[field("x-value", " a")])),
        ("a value that ends with a tab", with(&[field("x-value", "a\t")])),
        ("another host", with(&[field("host", "y")])),
        ("two lengths", with(&[field("content-length", "0"), field("content-length", "1")])),
        ("a length twice", with(&[field("content-length", "0"), field("content-length", "0")])),
        ("a list of lengths", with(&[field("content-length", "0, 0")])),
        ("a length and no body", with(&[field("content-length", "1")])),
        ("CONNECT to nobody", field(":method", "CONNECT")),
        ("CONNECT with a path", [field(":method", "CONNECT"), frames::GET[1..].to_vec()].concat()),
    ] {
        let answer = answer(&gateway, &frames::request(1, &block));
        assert_eq!(answer.code(), Some(PROTOCOL_ERROR), "{what}: {answer:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

#[test]
fn a_request_that_is_reset_leaves_a_line_in_the_access_log() {
    let gateway = gateway_to("internal:echo", "");
    let block = [METHOD_AND_SCHEME, b"\x01\x01x", &path("/mismatch"), &field("host", "y")].concat();
    answer(&gateway, &frames::request(1, &block));
    let line = gateway.wait_for_access("/mismatch");
    assert_eq!((&line["status"], &line["problem"]), (&400.into(), &"bad-host".into()), "{line}");
}

#[test]
fn what_is_well_formed_and_not_served_is_answered() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for (what, block) in [
        ("a path without a slash", [METHOD_AND_SCHEME, b"\x01\x01x", &path("admin")].concat()),
        ("no authority and no host", [METHOD_AND_SCHEME, b"\x84"].concat()),
        ("two hosts", [METHOD_AND_SCHEME, b"\x84", &field("host", "x"), &field("host", "x")].concat()),
        ("CONNECT", [field(":method", "CONNECT"), b"\x01\x01x".to_vec()].concat()),
    ] {
        let answer = answer(&gateway, &frames::request(1, &block));
        let is_refused = answer.kind == HEADERS && answer.payload.first() != Some(&0x88) || answer.kind == RST_STREAM;
        assert!(is_refused, "{what}: {answer:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
    let host_alone = [METHOD_AND_SCHEME, b"\x84", &field("host", "x")].concat();
    assert_eq!(answer(&gateway, &frames::request(1, &host_alone)).kind, HEADERS);
    assert_eq!(upstream.only().header("host"), Some("x"));
}

#[test]
fn a_body_of_another_length_than_was_said_is_reset() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    let block = [frames::POST, &field("content-length", "4")].concat();
    for body in [&b"123"[..], b"12345"] {
        let request = [frame(HEADERS, END_HEADERS, 1, &block), frame(DATA, END_STREAM, 1, body)].concat();
        let answer = answer(&gateway, &request);
        assert!(answer.code() == Some(PROTOCOL_ERROR) || answer.kind == HEADERS, "{body:?}: {answer:?}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

/// It arrives whole, and then the client is told that the rest of the body is not wanted.
#[test]
fn an_answer_that_comes_before_the_end_of_a_body_arrives() {
    let more = "max-body = \"1KiB\"\nplugins = [\"key-auth\"]";
    let upstream = Upstream::saying("");
    let (small, keyed) = (gateway_to(&upstream.url(), "max-body = \"1KiB\""), gateway_to(&upstream.url(), more));
    let with_length = [frames::POST, &field("content-length", "100000")].concat();
    for (what, gateway, block, pieces, status) in [
        ("a length over the limit", &small, &with_length[..], 0, "413"),
        ("more bytes than may be", &small, frames::POST, 20, "413"),
        ("no key", &keyed, frames::POST, 0, "401"),
        ("no key, and a body on its way", &keyed, frames::POST, 20, "401"),
    ] {
        let mut connection = Connection::open(gateway.address(), &[]);
        let mut request = frame(HEADERS, END_HEADERS, 1, block);
        (0..pieces).for_each(|_| request.extend(frame(DATA, 0, 1, &[b'x'; 1_000])));
        connection.write(request).expect("it is open");
        let head = connection.wait_for_stream(1);
        assert_eq!((head.kind, head.flags & END_STREAM), (HEADERS, 0), "{what}: {head:?}");
        let mut body = Vec::new();
        loop {
            let frame = connection.wait_for_stream(1);
            assert_eq!(frame.kind, DATA, "{what}: {frame:?}");
            body.extend(&frame.payload);
            if frame.flags & END_STREAM != 0 {
                break;
            }
        }
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(&format!("\"status\":{status}")), "{what}: {body}");
        let reset = connection.wait_for_stream(1);
        assert_eq!((reset.kind, reset.code()), (RST_STREAM, Some(0)), "{what}: {reset:?}");
        // The connection serves on, also when what was sent before is still on its way.
        let mut request = frame(DATA, 0, 1, &[b'x'; 1_000]);
        request.extend(frames::request(3, frames::GET));
        connection.write(request).expect("it is open");
        connection.wait_for("an answer", |frame| frame.stream == 3 && frame.flags & END_STREAM != 0);
    }
}

/// Whichever way HPACK has to say them, and whether or not the name is Huffman coded.
#[test]
fn pseudo_header_fields_in_trailers_end_the_connection() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    // The dynamic table gets `:path: /a`, and behind it `x-a: b`.
    let opening = [b"\x83\x86\x01\x01x\x44\x02/a".to_vec(), frames::indexed_field("x-a", "b")].concat();
    for (what, trailers) in [
        ("indexed", b"\x84".to_vec()),
        ("with an indexed name", path("/b")),
        ("indexed in the dynamic table", b"\xbf".to_vec()),
        ("with a name from the dynamic table", b"\x0f\x30\x02/b".to_vec()),
        ("spelled out", field(":path", "/b")),
        ("spelled out and kept", frames::indexed_field(":path", "/b")),
        ("Huffman coded", b"\x00\x84\xb9\x58\xd3\x3f\x02/b".to_vec()),
        ("unknown", field(":what", "x")),
        ("behind others", [field("x-sum", "1"), field(":path", "/b")].concat()),
    ] {
        let mut connection = Connection::open(gateway.address(), &[]);
        let request = [
            frame(HEADERS, END_HEADERS, 1, &opening),
            frame(DATA, 0, 1, b"body"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers),
        ];
        connection.write(request.concat()).expect("it is open");
        assert_eq!(connection.end(), End::GoAway(PROTOCOL_ERROR), "{what}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

#[test]
fn what_does_not_begin_as_http2_is_not_answered_in_http1() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"http2\"]\n";
    let gateway = gateway(&(everything_to("internal:echo", "") + listener));
    let mut connection = Connection::connect(gateway.address());
    connection.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n").expect("it is open");
    assert_ne!(connection.end(), End::Open);
}

#[test]
fn requests_over_the_limit_are_refused_and_those_within_served() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { streams = 2 }\n";
    let gateway = gateway(&(everything_to("internal:echo", "") + listener));
    let mut connection = Connection::open(gateway.address(), &[]);
    let slow = [METHOD_AND_SCHEME, b"\x01\x01x", &path("/delay/60s")].concat();
    for stream in [1, 3, 5] {
        connection.write(frames::request(stream, &slow)).expect("it is open");
    }
    assert_eq!(connection.wait_for_stream(5).code(), Some(REFUSED_STREAM));
    connection.write(frames::reset(1, frames::CANCEL)).expect("it is open");
    connection.write(frames::request(7, frames::GET)).expect("it is open");
    assert_eq!(connection.wait_for_stream(7).kind, HEADERS);
}

#[test]
fn a_header_block_whose_end_does_not_come_ends_the_connection() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { header-timeout = \"200ms\" }\n";
    let gateway = gateway(&(everything_to("internal:echo", "") + listener));
    let mut connection = Connection::open(gateway.address(), &[]);
    connection.write(frames::request(1, frames::GET)).expect("it is open");
    connection.wait_for("the end of a response", |frame| frame.stream == 1 && frame.flags & END_STREAM != 0);
    connection.write(frame(HEADERS, END_STREAM, 3, frames::GET)).expect("it is open");
    assert_eq!(connection.end(), End::GoAway(frames::ENHANCE_YOUR_CALM));
}

#[test]
fn a_connection_is_left_after_so_many_requests_and_all_of_them_are_answered() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { requests = 3 }\n";
    let gateway = gateway(&(everything_to("internal:echo", "") + listener));
    let mut connection = Connection::open(gateway.address(), &[]);
    for stream in [1, 3, 5] {
        connection.write(frames::request(stream, frames::GET)).expect("it is open");
    }
    connection.wait_for("a GOAWAY", |frame| frame.kind == GOAWAY && frame.code() == Some(0));
    // It comes with a PING, after which nothing can be on its way any more.
    let ping = connection.wait_for("a PING", |frame| frame.kind == frames::PING);
    connection.write(frame(frames::PING, frames::ACK, 0, &ping.payload)).expect("it is open");
    assert_eq!(connection.end(), End::GoAway(0));
    tests::wait_for("three answers", || (gateway.access_log().len() == 3).then_some(()));
    assert!(gateway.access_log().iter().all(|line| line["status"] == 200));
}

#[test]
fn a_client_that_stays_when_it_is_told_to_leave_is_not_served_on() {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { requests = 3, streams = 4 }\n";
    let gateway = gateway(&(everything_to("internal:echo", "") + listener));
    let mut connection = Connection::open(gateway.address(), &[]);
    // It never answers the PING that comes with the GOAWAY. What may have been on its way to meet that is served.
    let answers: Vec<_> = (0..20)
        .map(|number| 1 + 2 * number)
        .map(|stream| {
            connection.write(frames::request(stream, frames::GET)).expect("it is open");
            let answer = connection.wait_for_stream(stream);
            if answer.kind == HEADERS {
                connection.wait_for("its end", |frame| frame.stream == stream && frame.flags & END_STREAM != 0);
            }
            answer.code()
        })
        .collect();
    let (served, refused) = answers.split_at(3 + 4);
    assert!(served.iter().all(Option::is_none), "{answers:?}");
    assert!(refused.iter().all(|code| *code == Some(REFUSED_STREAM)), "{answers:?}");
}

#[test]
fn a_client_that_says_goodbye_leaves_when_it_likes() {
    let gateway = gateway(&everything_to("internal:echo", ""));
    let mut connection = Connection::open(gateway.address(), &[]);
    for round in 1..=3 {
        connection.write(frame(GOAWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 0xff])).expect("it is open");
        connection.write(frame(frames::PING, 0, 0, &[round; 8])).expect("it is open");
        let ping = connection.wait_for("a PING", |frame| frame.kind == frames::PING);
        assert_eq!((ping.flags, &ping.payload[..]), (frames::ACK, &[round; 8][..]));
    }
    connection.half_close();
    assert_eq!(connection.end(), End::Closed);
}
