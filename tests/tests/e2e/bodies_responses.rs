//! Whole bodies of responses through plugins: the guest `editor` does what the request's header `x-response-do` says.

use tests::{Reply, Request, Upstream, http2};

use crate::bodies::editor;
use crate::guests::plugin;
use crate::{everything_to, gateway};

const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nx-sum: 1\r\n\r\n";

#[test]
fn a_plugin_sees_the_whole_body_and_what_it_makes_of_it_goes_to_the_client() {
    let upstream = Upstream::start(|_| Reply::raw(CHUNKED));
    let gateway = editor(&upstream.url(), "", "");
    let answer = gateway.send(Request::post("/", "body").header("x-response-do", "double"));
    assert_eq!((answer.header("content-length"), answer.header("transfer-encoding")), (Some("10"), None));
    assert_eq!((answer.text().as_str(), answer.header("x-seen")), ("hellohello", Some("5")));
    // A note of the request's body.
    assert_eq!(answer.header("x-request-seen"), Some("4"));
    let answer = gateway.send(Request::get("/").header("x-response-do", "status"));
    assert_eq!((answer.status, answer.text().as_str()), (418, "hello"));
    let asked = http2::get("http://x/");
    let answer = &http2::send(gateway.address(), vec![asked])[0];
    assert_eq!((answer.headers()["x-seen"].as_bytes(), &answer.body()[..]), (&b"5"[..], &b"hello"[..]));
}

#[test]
fn plugins_see_a_response_in_reverse_and_a_reply_replaces_it() {
    let plugins =
        ["a", "b", "c"].map(|mark| plugin(mark, "editor", &format!("config = {{ mark = \"{mark}\" }}"))).concat();
    let upstream = Upstream::saying("body");
    let gateway = gateway(&format!("{plugins}{}", everything_to(&upstream.url(), "plugins = [\"a\", \"b\", \"c\"]")));
    let answer = gateway.send(Request::get("/").header("x-response-do", "reply b"));
    let seen: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name == "x-seen").map(|(_, value)| value.as_str()).collect();
    assert_eq!((answer.status, answer.text().as_str(), seen), (403, "refused: body", vec!["a13"]));
}

#[test]
fn a_response_that_is_cut_while_it_is_kept_is_a_502() {
    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").then_close());
    let gateway = editor(&upstream.url(), "", "");
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (502, "upstream-reset"));
    // The plugin sees what the gateway says in its place.
    assert_eq!(answer.header("x-seen"), Some(answer.body.len().to_string().as_str()));
}

#[test]
fn a_response_that_stops_while_it_is_kept_is_a_504() {
    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").then_hang());
    let gateway = editor(&upstream.url(), "", "timeout = \"200ms\"");
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (504, "upstream-timeout"));
    upstream.wait_until_left();
}

#[test]
fn a_response_that_is_too_long_is_refused_or_passes_unseen() {
    for reply in [CHUNKED, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"] {
        let upstream = Upstream::start(move |_| Reply::raw(reply));
        let gateway = editor(&upstream.url(), "limits = { max-body = \"4B\" }", "");
        let answer = gateway.get("/");
        assert_eq!((answer.status, answer.problem().as_str()), (502, "response-too-large"));
        let gateway = editor(&upstream.url(), "limits = { max-body = \"4B\", over-limit = \"stream\" }", "");
        let answer = gateway.get("/");
        assert_eq!((answer.text().as_str(), answer.header("x-seen")), ("hello", None));
    }
}

#[test]
fn an_event_stream_is_refused_or_passes_unseen() {
    let upstream = Upstream::start(|_| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n2\r\n\n\n\r\n",
        )
        .then_hang()
    });
    let answer = editor(&upstream.url(), "", "").get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (502, "stream-refused"));
    upstream.wait_until_left();
    let gateway = editor(&upstream.url(), "limits = { over-limit = \"stream\" }", "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    client.read_until("2\r\n\n\n\r\n");
}

#[test]
fn responses_without_a_body_are_not_seen() {
    let upstream = Upstream::start(|received| match received.target.as_str() {
        "/204" => Reply::raw("HTTP/1.1 204 No Content\r\n\r\n"),
        "/304" => Reply::raw("HTTP/1.1 304 Not Modified\r\n\r\n"),
        _ => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
    });
    let gateway = editor(&upstream.url(), "", "");
    for (request, status) in
        [(Request::get("/204"), 204), (Request::get("/304"), 304), (Request::new("HEAD", "/"), 200)]
    {
        let answer = gateway.send(request);
        assert_eq!((answer.status, answer.header("x-seen"), answer.header("content-length")), (status, None, None));
    }
}

#[test]
fn what_plugins_make_of_a_body_is_compressed_after_them() {
    let upstream =
        Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 1\r\n\r\na"));
    let gateway = editor(&upstream.url(), "", "compress = { min-length = \"2B\" }");
    let asked = || Request::get("/").header("accept-encoding", "gzip");
    assert_eq!(gateway.send(asked()).header("content-encoding"), None);
    let answer = gateway.send(asked().header("x-response-do", "double"));
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&answer.body[..]), &mut text).expect("it is gzip");
    assert_eq!(text, "aa");
}
