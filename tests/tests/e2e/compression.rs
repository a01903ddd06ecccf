//! Responses that are compressed on their way to the client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use flate2::read::GzDecoder;
use flate2::write::GzDecoder as Decoding;
use tests::{Gate, Gateway, PATIENCE, Reply, Request, Response, Upstream, http2};

use crate::gateway_to;

const GZIP: &str = "compress = \"gzip\"";

/// An upstream that answers with these fields and this body.
fn answering(fields: &str, body: &str) -> Upstream {
    let answer = format!("HTTP/1.1 200 OK\r\n{fields}content-length: {}\r\n\r\n{body}", body.len());
    Upstream::start(move |_| Reply::raw(&answer))
}

fn page() -> String {
    (0..500).map(|number| format!("<p>line {number}</p>\n")).collect()
}

fn asking(gateway: &Gateway, method: &str) -> Response {
    gateway.send(Request::new(method, "/").header("accept-encoding", "br, gzip;q=0.5"))
}

fn decoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).expect("it is gzip, and whole");
    text
}

#[test]
fn who_takes_gzip_gets_it_and_others_do_not() {
    let upstream = answering("content-type: text/html\r\netag: \"v1\"\r\naccept-ranges: bytes\r\n", &page());
    let gateway = gateway_to(&upstream.url(), GZIP);
    let answer = asking(&gateway, "GET");
    assert_eq!((answer.header("content-encoding"), answer.header("vary")), (Some("gzip"), Some("accept-encoding")));
    assert_eq!((answer.header("etag"), answer.header("accept-ranges")), (Some("W/\"v1\""), None));
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(decoded(&answer.body), page());
    assert!(answer.body.len() < page().len() / 3);
    let sent = gateway.wait_for_access("/")["responseBytes"].as_u64();
    assert_eq!(sent, Some(answer.body.len() as u64));

    for accepts in ["identity", "gzip;q=0, *", "br"] {
        let answer = gateway.send(Request::get("/").header("accept-encoding", accepts));
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, Some("accept-encoding")));
        assert_eq!((answer.header("etag"), answer.text()), (Some("\"v1\""), page()), "{accepts}");
    }
    assert_eq!(gateway.get("/").text(), page());
}

#[test]
fn nothing_is_compressed_unless_the_route_says_so() {
    let upstream = answering("content-type: text/html\r\n", &page());
    let answer = asking(&gateway_to(&upstream.url(), ""), "GET");
    assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, None));
}

#[test]
fn http2_gets_the_same() {
    let upstream = answering("content-type: text/html\r\n", &page());
    let gateway = gateway_to(&upstream.url(), GZIP);
    let ask = || {
        let mut request = http2::get("http://x/");
        request.headers_mut().insert("accept-encoding", "gzip".parse().expect("a value"));
        request
    };
    for answer in http2::send(gateway.address(), (0..20).map(|_| ask()).collect()) {
        assert_eq!(answer.headers()["content-encoding"], "gzip");
        assert_eq!(answer.headers().get("content-length"), None);
        assert_eq!(decoded(answer.body()), page());
    }
}

#[test]
fn an_answer_to_head_is_that_to_get_without_its_body() {
    let upstream = Upstream::start(|request| {
        let body = if request.method == "HEAD" { "" } else { &page() };
        let length = page().len();
        Reply::raw(format!("HTTP/1.1 200 OK\r\ncontent-type: text/css\r\ncontent-length: {length}\r\n\r\n{body}"))
    });
    let gateway = gateway_to(&upstream.url(), GZIP);
    let told = |answer: &Response| {
        let fields = ["content-encoding", "vary", "content-type"];
        fields.map(|name| answer.header(name).map(str::to_owned))
    };
    let (head, get) = (asking(&gateway, "HEAD"), asking(&gateway, "GET"));
    assert_eq!(told(&head), told(&get));
    assert_eq!((head.body.len(), head.header("content-length")), (0, None));
    assert_eq!(decoded(&get.body), page());
}

#[test]
fn only_listed_types_of_some_length_are_compressed() {
    let settings = "compress = { types = [\"application/*\"], min-length = \"100B\" }";
    for (media_type, length, is_compressed) in
        [("application/x", 100, true), ("application/x", 99, false), ("text/html", 100, false)]
    {
        let upstream = answering(&format!("content-type: {media_type}\r\n"), &"a".repeat(length));
        let answer = asking(&gateway_to(&upstream.url(), settings), "GET");
        assert_eq!(answer.header("content-encoding").is_some(), is_compressed, "{media_type} {length}");
    }
}

#[test]
fn what_the_upstream_has_compressed_stays_as_it_is() {
    let upstream = answering("content-type: text/html\r\ncontent-encoding: br\r\n", &page());
    let answer = asking(&gateway_to(&upstream.url(), GZIP), "GET");
    assert_eq!((answer.header("content-encoding"), answer.text()), (Some("br"), page()));
}

/// One chunk of a body.
fn chunk(reader: &mut impl BufRead) -> Vec<u8> {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a chunk comes in time");
    let mut chunk = vec![0; usize::from_str_radix(line.trim(), 16).expect("its length") + 2];
    reader.read_exact(&mut chunk).expect("the chunk");
    chunk.truncate(chunk.len() - 2);
    chunk
}

#[test]
fn an_event_arrives_before_the_next_is_sent() {
    let gates = [Gate::closed(), Gate::closed(), Gate::closed()];
    let script = gates.clone();
    let upstream = Upstream::start(move |_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let event = "d\r\ndata: event\n\n\r\n";
        let first = Reply::raw(format!("{head}{event}"));
        first.then_after(&script[0], event).then_after(&script[1], event).then_after(&script[2], "0\r\n\r\n")
    });
    let gateway = gateway_to(&upstream.url(), GZIP);
    let mut stream = TcpStream::connect(gateway.address()).expect("it is accepted");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n").expect("it is sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).expect("a head");
    }
    let mut decoding = Decoding::new(Vec::new());
    for (events, gate) in gates.iter().enumerate() {
        let wanted = "data: event\n\n".repeat(events + 1);
        while decoding.get_ref().len() < wanted.len() {
            decoding.write_all(&chunk(&mut reader)).expect("it is gzip");
            decoding.flush().expect("what came so far");
        }
        assert_eq!(String::from_utf8_lossy(decoding.get_ref()), wanted);
        gate.open();
    }
    loop {
        let chunk = chunk(&mut reader);
        if chunk.is_empty() {
            break;
        }
        decoding.write_all(&chunk).expect("it is gzip");
    }
    assert_eq!(decoding.finish().expect("it is whole"), "data: event\n\n".repeat(3).into_bytes());
}

#[test]
fn a_response_that_was_cut_does_not_look_whole() {
    let half = page();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 99999\r\n\r\n{half}");
    let upstream = Upstream::start(move |_| Reply::raw(&answer).then_close());
    let gateway = gateway_to(&upstream.url(), GZIP);
    let mut client = gateway.client();
    let bytes = client.raw("GET /cut HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\n\r\n");
    assert!(!bytes.ends_with(b"0\r\n\r\n"));
    assert_eq!(gateway.wait_for_access("/cut")["completed"], false);
}

/// Over HTTP/2, of responses that the client does not read: the others are left to other clients.
#[test]
fn one_connection_has_a_few_responses_compressed_at_once() {
    // What gzip makes little of: digits by a linear congruence (Numerical Recipes).
    let mut state = 1_u32;
    let digits = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + u8::try_from((state >> 16) % 10).expect("a digit"))
    });
    let upstream = answering("content-type: text/plain\r\n", &digits.take(100_000).collect::<String>());
    let gateway = gateway_to(&upstream.url(), GZIP);
    let asked = || {
        let mut request = http2::get("http://x/");
        request.headers_mut().insert("accept-encoding", http::HeaderValue::from_static("gzip"));
        request
    };
    let window = 10_000;
    let heads = http2::heads(gateway.address(), window, std::iter::repeat_with(asked).take(20).collect());
    let compressed = heads.iter().filter(|head| head.headers.contains_key("content-encoding")).count();
    assert_eq!(compressed, 8);
    assert!(heads.iter().all(|head| head.headers["vary"] == "accept-encoding"));
    // They went back with the connection.
    let (body, _) = http2::send_whole(gateway.address(), asked());
    assert_eq!(decoded(&body).len(), 100_000);
}

#[test]
fn megabytes_are_compressed_beside_other_requests() {
    let upstream = Upstream::start(|request| match request.target.as_str() {
        "/large" => {
            let text: String = (0..400_000).map(|number| format!("{number} ")).collect();
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n{text}",
                text.len()
            ))
        }
        _ => Reply::ok("small"),
    });
    let gateway = gateway_to(&upstream.url(), GZIP);
    let mut client = gateway.client();
    client.start(Request::get("/large").header("accept-encoding", "gzip"));
    upstream.wait_for_requests(1);
    assert_eq!(gateway.get("/").text(), "small");
    let text = decoded(&client.receive().body);
    assert!(text.len() > 2_000_000 && text.ends_with("399999 "));
}
