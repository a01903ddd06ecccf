//! Bodies that plugins see without their content codings (`decode = true`): the guests `editor`, of whole bodies, and
//! `shout`, of pieces.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use tests::{Gate, Gateway, Reply, Request, Response, Upstream, http2, wait_for};

use crate::guests::{plugin, resident};
use crate::{everything_to, gateway, tollgate};

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

fn deflate(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).expect("it is in memory");
    encoder.finish().expect("it is in memory")
}

/// Bytes that become more than a hundred times as short.
fn bomb() -> Vec<u8> {
    gzip(vec![b'0'; 1 << 20])
}

/// A gateway with this guest in front of this endpoint. `more` is of the plugin, `route` of the route.
fn decoding(guest: &str, endpoint: &str, more: &str, route: &str) -> Gateway {
    let plugin = plugin(guest, guest, &format!("decode = true\nconfig = {{}}\n{more}"));
    gateway(&format!("{plugin}{}", everything_to(endpoint, &format!("plugins = [\"{guest}\"]\n{route}"))))
}

/// An upstream that answers with these fields and this body.
fn answering(status: &str, fields: &str, body: &[u8]) -> Upstream {
    let head = format!("HTTP/1.1 {status}\r\n{fields}content-length: {}\r\n\r\n", body.len());
    let answer = [head.as_bytes(), body].concat();
    Upstream::start(move |_| Reply::raw(&answer))
}

fn coded(coding: &str, body: Vec<u8>) -> Request {
    Request::post("/", body).header("content-encoding", coding)
}

/// The same over HTTP/2.
fn coded_over_http2(body: Vec<u8>) -> http2::Asked {
    http::Request::post("http://x/").header("content-encoding", "gzip").body(body.into()).expect("a request")
}

/// Status and kind of a problem, which `shout` has upper-cased as well.
fn told(answer: &Response) -> (u16, String) {
    let quiet = Response { body: answer.body.to_ascii_lowercase(), ..answer.clone() };
    (quiet.status, quiet.problem())
}

#[test]
fn a_plugin_sees_the_decoded_body_of_a_request_which_goes_on_as_it_is() {
    let upstream = Upstream::saying("thanks");
    let gateway = decoding("editor", &upstream.url(), "", "");
    let request = coded("gzip", gzip("hello")).header("content-digest", "sha-256=:x:").header("x-request-do", "upper");
    assert_eq!(gateway.send(request).text(), "thanks");
    assert_eq!(http2::send(gateway.address(), vec![coded_over_http2(gzip("hello"))])[0].status(), 200);
    assert_eq!(gateway.send(Request::post("/", "plain").header("content-encoding", "identity")).text(), "thanks");
    let received = upstream.received();
    let bodies: Vec<_> = received.iter().map(|request| request.body.as_slice()).collect();
    assert_eq!(bodies, [&b"HELLO"[..], b"hello", b"plain"]);
    for request in &received {
        assert_eq!((request.header("x-seen"), request.header("content-length")), (Some("5"), Some("5")));
    }
    assert!(received[..2].iter().all(|request| request.header("content-encoding").is_none()));
    assert_eq!(received[0].header("content-digest"), None);
    assert_eq!(received[2].header("content-encoding"), Some("identity"));
}

#[test]
fn a_plugin_sees_the_decoded_body_of_a_response_and_its_head_tells_of_that() {
    let fields = "content-encoding: gzip\r\netag: \"v1\"\r\naccept-ranges: bytes\r\nrepr-digest: sha-256=:x:\r\n";
    let upstream = answering("200 OK", fields, &gzip("hello"));
    let gateway = decoding("editor", &upstream.url(), "", "");
    let answer = gateway.send(Request::get("/").header("x-response-do", "double").header("accept-encoding", "gzip"));
    assert_eq!((answer.text().as_str(), answer.header("x-seen")), ("hellohello", Some("5")));
    assert_eq!((answer.header("content-length"), answer.header("etag")), (Some("10"), Some("W/\"v1\"")));
    for gone in ["content-encoding", "accept-ranges", "repr-digest"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    let answer = &http2::send(gateway.address(), vec![http2::get("http://x/")])[0];
    assert_eq!((&answer.body()[..], answer.headers()["content-length"].as_bytes()), (&b"hello"[..], &b"5"[..]));
}

#[test]
fn pieces_are_decoded_on_both_sides() {
    let upstream = answering("200 OK", "content-encoding: deflate\r\n", &deflate("from the upstream"));
    let gateway = decoding("shout", &upstream.url(), "", "");
    let answer = gateway.send(coded("x-gzip", gzip("hello")));
    assert_eq!((answer.text().as_str(), answer.header("content-encoding")), ("FROM THE UPSTREAM", None));
    let answer = &http2::send(gateway.address(), vec![coded_over_http2(gzip("over http/2"))])[0];
    assert_eq!(&answer.body()[..], b"FROM THE UPSTREAM");
    let bodies: Vec<_> = upstream.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [&b"HELLO"[..], b"OVER HTTP/2"]);
}

#[test]
fn codings_come_off_in_their_order_and_members_follow_each_other() {
    let upstream = Upstream::saying("");
    let gateway = decoding("shout", &upstream.url(), "", "");
    gateway.send(coded("deflate, gzip", gzip(deflate("twice"))));
    gateway.send(coded("gzip", [gzip("mem"), gzip(""), gzip("bers")].concat()));
    gateway.send(coded("gzip", Vec::new()));
    let bodies: Vec<_> = upstream.received().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [&b"TWICE"[..], b"MEMBERS", b""]);
}

#[test]
fn bodies_stay_as_they_are_unless_a_plugin_that_sees_them_says_so() {
    let body = gzip("hello");
    let upstream = answering("200 OK", "content-encoding: gzip\r\n", &body);
    let plugin = plugin("editor", "editor", "config = {}");
    let gateway = gateway(&format!("{plugin}{}", everything_to(&upstream.url(), "plugins = [\"editor\"]")));
    let ranged = coded("gzip", body.clone()).header("range", "bytes=0-").header("accept-encoding", "br");
    let answer = gateway.send(ranged);
    assert_eq!((answer.header("content-encoding"), &answer.body), (Some("gzip"), &body));
    let received = upstream.only();
    assert_eq!((received.header("content-encoding"), &received.body), (Some("gzip"), &body));
    assert_eq!((received.header("range"), received.header("accept-encoding")), (Some("bytes=0-"), Some("br")));
}

#[test]
fn upstreams_are_asked_for_what_can_be_decoded() {
    let upstream = Upstream::saying("");
    let gateway = decoding("shout", &upstream.url(), "", "");
    let request = Request::get("/").header("range", "bytes=0-1").header("if-range", "\"v1\"");
    gateway.send(request.header("accept-encoding", "br, gzip;q=0.5, *"));
    let received = upstream.only();
    assert_eq!((received.header("range"), received.header("if-range")), (None, None));
    assert_eq!(received.header("accept-encoding"), Some("gzip;q=0.5"));
}

#[test]
fn a_coding_that_is_not_known_is_refused() {
    for guest in ["editor", "shout"] {
        let upstream = answering("200 OK", "content-encoding: br\r\n", b"whatever");
        let gateway = decoding(guest, &upstream.url(), "", "");
        let mut client = gateway.client();
        // Before the body is asked for.
        client.write(
            "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-encoding: br\r\ncontent-length: 4\r\n\r\n",
        );
        let answer = client.receive();
        assert_eq!(told(&answer), (415, "content-coding-unknown".into()));
        assert_eq!(answer.header("accept-encoding"), Some("gzip, deflate"));
        let answer = gateway.send(coded("gzip, gzip, gzip, gzip", gzip("")));
        assert_eq!(told(&answer), (415, "content-coding-unknown".into()));
        assert!(upstream.received().is_empty());
        assert_eq!(told(&gateway.get("/")), (502, "content-coding-unknown".into()));
    }
}

#[test]
fn a_request_that_is_not_what_its_coding_says_is_refused() {
    let whole = gzip("some text that is long enough");
    let changed = [&whole[..whole.len() - 1], b"!"].concat();
    for guest in ["editor", "shout"] {
        let upstream = Upstream::saying("");
        let gateway = decoding(guest, &upstream.url(), "", "");
        for body in [&b"text"[..], &whole[..whole.len() - 9], &changed, &[&whole[..], b"more"].concat()] {
            let answer = gateway.send(coded("gzip", body.to_vec()));
            assert_eq!(told(&answer), (400, "content-coding-malformed".into()), "{guest}");
            let answer = &http2::send(gateway.address(), vec![coded_over_http2(body.to_vec())])[0];
            assert_eq!(answer.status(), 400, "{guest}");
        }
        assert!(upstream.received().is_empty(), "none has come to its end");
        assert_eq!(gateway.send(coded("gzip", whole.clone())).status, 200);
    }
}

#[test]
fn a_response_that_is_not_what_its_coding_says_never_looks_complete() {
    let whole = gzip("some text that is long enough");
    for (fields, body) in [("", &whole[..whole.len() - 2]), ("", b"text"), ("transfer-encoding: chunked\r\n", b"")] {
        let upstream = match fields {
            "" => answering("200 OK", "content-encoding: gzip\r\n", body),
            _ => {
                let size = whole.len() - 2;
                let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n{fields}\r\n{size:x}\r\n");
                let answer = [head.as_bytes(), &whole[..size], b"\r\n0\r\n\r\n"].concat();
                Upstream::start(move |_| Reply::raw(&answer))
            }
        };
        let gateway = decoding("editor", &upstream.url(), "", "");
        assert_eq!(told(&gateway.get("/")), (502, "content-coding-malformed".into()));
        // Its head is gone when that is known.
        let gateway = decoding("shout", &upstream.url(), "", "");
        let mut client = gateway.client();
        client.start(Request::get("/cut"));
        assert!(client.try_receive().is_err());
        let line = gateway.wait_for_access("/cut");
        assert_eq!(
            (&line["completed"], &line["problem"]),
            (&false.into(), &"content-coding-malformed".into()),
            "{line}"
        );
        assert!(http2::send_each(gateway.address(), vec![http2::get("http://x/")])[0].is_none());
    }
}

#[test]
fn what_becomes_too_long_is_given_up() {
    for guest in ["editor", "shout"] {
        let upstream = answering("200 OK", "content-encoding: gzip\r\n", &bomb());
        let gateway = decoding(guest, &upstream.url(), "limits = { max-body = \"4MiB\" }", "");
        assert_eq!(told(&gateway.send(coded("gzip", bomb()))), (413, "content-coding-ratio".into()), "{guest}");
        let twice = gateway.send(coded("gzip, gzip", gzip(bomb())));
        assert_eq!(told(&twice), (413, "content-coding-ratio".into()), "{guest}");
        let mut client = gateway.client();
        client.start(Request::get("/cut"));
        match guest {
            "editor" => assert_eq!(told(&client.receive()), (502, "content-coding-ratio".into())),
            _ => assert!(client.try_receive().is_err()),
        }
        assert_eq!(gateway.wait_for_access("/cut")["problem"], "content-coding-ratio");
        // The operator may know better.
        let upstream = answering("200 OK", "content-encoding: gzip\r\n", &bomb());
        let gateway = decoding(guest, &upstream.url(), "limits = { max-body = \"4MiB\", max-ratio = 2000 }", "");
        let answer = gateway.send(coded("gzip", bomb()));
        assert_eq!((answer.status, answer.body.len(), upstream.only().body.len()), (200, 1 << 20, 1 << 20));
    }
}

#[test]
fn limits_are_of_decoded_bytes() {
    let upstream = answering("200 OK", "content-encoding: gzip\r\n", &gzip("12345"));
    let gateway = decoding("editor", &upstream.url(), "limits = { max-body = \"4B\" }", "");
    assert_eq!(told(&gateway.send(coded("gzip", gzip("12345")))), (413, "body-too-large".into()));
    assert_eq!(told(&gateway.get("/")), (502, "response-too-large".into()));
    // What passes unseen is decoded all the same, for it is seen that it is too long by then.
    let stream = "limits = { max-body = \"4B\", over-limit = \"stream\" }";
    let gateway = decoding("editor", &upstream.url(), stream, "");
    let answer = gateway.send(coded("gzip", gzip("12345")));
    let received = upstream.received().pop().expect("a request");
    assert_eq!((received.header("x-seen"), received.header("content-encoding")), (None, None));
    assert_eq!((received.body, answer.body), (b"12345".to_vec(), b"12345".to_vec()));
    // The route's as well.
    let upstream = Upstream::saying("");
    let gateway = decoding("shout", &upstream.url(), "", "max-body = \"1kB\"");
    let answer = gateway.send(coded("gzip", gzip(vec![b'a'; 1001])));
    assert_eq!(told(&answer), (413, "body-too-large".into()));
    assert_eq!(gateway.send(coded("gzip", gzip(vec![b'a'; 1000]))).status, 200);
    assert_eq!(upstream.only().body.len(), 1000);
}

#[test]
fn parts_and_responses_without_a_body_are_left_alone() {
    let body = gzip("hello");
    let range = "content-encoding: gzip\r\ncontent-range: bytes 0-9/100\r\n";
    let upstream = answering("206 Partial Content", range, &body);
    let gateway = decoding("editor", &upstream.url(), "", "");
    let answer = gateway.get("/");
    assert_eq!((answer.header("content-encoding"), &answer.body), (Some("gzip"), &body));
    for (method, status) in [("HEAD", "200 OK"), ("GET", "204 No Content"), ("GET", "304 Not Modified")] {
        let head = format!("HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\netag: \"v1\"\r\n\r\n");
        let upstream = Upstream::start(move |_| Reply::raw(&head));
        let gateway = decoding("shout", &upstream.url(), "", "");
        let answer = gateway.send(Request::new(method, "/"));
        assert_eq!((answer.header("etag"), answer.body.len()), (Some("\"v1\""), 0), "{method} {status}");
    }
}

#[test]
fn what_was_decoded_may_be_compressed_again() {
    let upstream = answering("200 OK", "content-type: text/plain\r\ncontent-encoding: deflate\r\n", &deflate("hello"));
    let gateway = decoding("shout", &upstream.url(), "", "compress = { min-length = \"1B\" }");
    let answer = gateway.send(Request::get("/").header("accept-encoding", "gzip"));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("it is gzip");
    assert_eq!(text, "HELLO");
}

#[test]
fn an_event_arrives_decoded_before_the_next_is_sent() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut event = |text: &[u8]| {
        encoder.write_all(text).and_then(|()| encoder.flush()).expect("it is in memory");
        let bytes = std::mem::take(encoder.get_mut());
        [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat()
    };
    let (first, second) = (event(b"data: one\n\n"), event(b"data: two\n\n"));
    let gate = Gate::closed();
    let opened = gate.clone();
    let upstream = Upstream::start(move |_| {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n";
        Reply::raw([&head[..], &first].concat()).then_after(&gate, &second).then_hang()
    });
    let gateway = decoding("shout", &upstream.url(), "", "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    client.read_until("DATA: ONE\n\n");
    opened.open();
    client.read_until("DATA: TWO\n\n");
}

#[test]
fn a_mirror_gets_what_plugins_made_of_a_body() {
    for (guest, made) in [("shout", "HELLO"), ("editor", "hellohello")] {
        let (real, shadow) = (Upstream::saying("real"), Upstream::saying("shadow"));
        let upstream = |name: &str, url: &str| format!("[[upstream]]\nname = \"{name}\"\nendpoints = [\"{url}\"]\n");
        let gateway = gateway(&format!(
            "{}{}{}[[route]]\nname = \"all\"\nupstream = \"real\"\nmirror = {{ upstream = \"shadow\" }}\nplugins = [\"{guest}\"]\n",
            plugin(guest, guest, "decode = true\nconfig = {}"),
            upstream("real", &real.url()),
            upstream("shadow", &shadow.url()),
        ));
        assert_eq!(gateway.send(coded("gzip", gzip("hello")).header("x-request-do", "double")).status, 200);
        shadow.wait_for_requests(1);
        let copied = shadow.only();
        assert_eq!((copied.body.as_slice(), copied.header("content-encoding")), (made.as_bytes(), None), "{guest}");
        assert_eq!(real.only().body, copied.body);
    }
}

#[test]
fn what_decoding_takes_is_taken_of_the_room_for_bodies() {
    let upstream = answering("200 OK", "content-encoding: gzip\r\n", &gzip("hello"));
    let plugin = plugin("shout", "shout", "decode = true\nconfig = {}");
    let route = everything_to(&upstream.url(), "plugins = [\"shout\"]");
    let gateway = gateway(&format!("[gateway]\nbodies = {{ max-bytes = \"200KiB\" }}\n{plugin}{route}"));
    let mut slow = gateway.client();
    slow.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 99\r\n\r\n");
    // Nobody else asks before: it would have the room, and this one a 503.
    wait_for("the room to be taken", || (gateway.metric("tollgate_body_bytes") > 100_000.0).then_some(()));
    assert_eq!(gateway.send(coded("gzip", gzip("hello"))).status, 503);
    slow.reset();
    wait_for("room", || (gateway.send(coded("gzip", gzip("hello"))).text() == "HELLO").then_some(()));
}

#[test]
fn a_long_body_is_decoded_in_constant_memory() {
    const MIB: usize = 48;
    let text: Vec<u8> =
        (0_u32..1 << 17).flat_map(|number| number.wrapping_mul(2_654_435_761).to_string().into_bytes()).collect();
    let encoded = gzip(&text).repeat((MIB << 20) / text.len());
    let upstream = answering("200 OK", "content-encoding: gzip\r\n", &encoded);
    let gateway = decoding("shout", &upstream.url(), "", "");
    let mut client = gateway.client();
    client.start(Request::get("/").header("connection", "close"));
    let (mut piece, mut read, mut before, mut most) = (vec![0; 1 << 20], 0, 0, 0);
    loop {
        match client.read(&mut piece).expect("it goes on") {
            0 => break,
            more => read += more,
        }
        let resident = resident(&gateway);
        if before == 0 && read > 1 << 20 {
            before = resident;
        }
        most = most.max(resident);
    }
    assert!(read > (MIB - 1) << 20, "{read}");
    assert!(most < before + 16, "{before} MiB before, {most} MiB while it went through");
}

#[test]
fn check_says_where_decode_makes_no_sense() {
    let ran = tollgate(
        &format!(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[[plugin]]\nname = \"key-auth\"\nsource = \"key-auth\"\ndecode = true\n{}",
            everything_to("internal:echo", "")
        ),
        &["check", "--config", "gateway.toml"],
    );
    assert_eq!(ran.code, Some(78));
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        said.contains(
            "gateway.toml:6:10: plugin `key-auth`: `decode` is for plugins that see bodies, and it has no hook of them"
        ),
        "{said}"
    );
}
