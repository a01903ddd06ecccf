//! What is spoken on a listener, and what is refused before it means anything.

use std::io::{Read, Write};

use tests::{Request, Upstream, http2};

use crate::{everything_to, gateway, gateway_to};

/// A gateway whose one listener speaks only this.
fn speaking(protocol: &str) -> tests::Gateway {
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nprotocols = [\"{protocol}\"]\n");
    gateway(&(everything_to("internal:echo", "") + &listener))
}

#[test]
fn http2_with_prior_knowledge_is_served_on_the_same_port() {
    let upstream = Upstream::saying("hello");
    let gateway = gateway_to(&upstream.url(), "");
    let answers = http2::send(gateway.address(), vec![http2::get("http://api.example/two?x=1")]);
    assert_eq!((answers[0].status().as_u16(), answers[0].body().as_ref()), (200, &b"hello"[..]));
    let received = upstream.only();
    assert_eq!((received.target.as_str(), received.header("host")), ("/two?x=1", Some("api.example")));
    assert_eq!(gateway.wait_for_access("/two")["protocol"], "HTTP/2");
}

#[test]
fn requests_of_one_http2_connection_do_not_wait_for_each_other() {
    let gateway = gateway_to("internal:echo", "");
    let targets = ["/delay/60s", "/delay/60s"].map(|path| http2::get(&format!("http://x{path}")));
    let quick: Vec<_> = (0..50).map(|at| http2::get(&format!("http://x/{at}"))).collect();
    let (slow, answers) = http2::send_before(gateway.address(), targets.into(), quick);
    assert_eq!(slow, 0);
    for (at, answer) in answers.iter().enumerate() {
        let echoed: serde_json::Value = serde_json::from_slice(answer.body()).expect("JSON");
        assert_eq!(echoed["path"], format!("/{at}"));
    }
}

#[test]
fn problems_are_the_same_over_http2() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users" }"#);
    let answers = http2::send(gateway.address(), vec![http2::get("http://x/nowhere")]);
    assert_eq!(answers[0].status(), 404);
    assert_eq!(answers[0].headers()["content-type"], "application/problem+json");
}

#[test]
fn a_listener_speaks_only_what_its_protocols_say() {
    let only_http2 = speaking("http2");
    assert_eq!(http2::send(only_http2.address(), vec![http2::get("http://x/")])[0].status(), 200);
    assert!(only_http2.client().try_send(Request::get("/")).is_err());

    let only_http1 = speaking("http1");
    assert_eq!(only_http1.get("/").status, 200);
    let preface = only_http1.client().raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    // Not anywhere in it: a request id may hold these digits.
    assert!(preface.starts_with(b"HTTP/1.1 ") && !preface.starts_with(b"HTTP/1.1 200"), "{}", preface.escape_ascii());
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    for path in ["/1", "/2", "/3"] {
        assert_eq!(client.get(path).json()["path"], path);
    }
    assert_eq!(gateway.metric("tollgate_connections_accepted_total"), 1.0);
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.start(Request::get("/delay/100ms/first"));
    client.start(Request::get("/second"));
    assert_eq!(client.receive().json()["path"], "/delay/100ms/first");
    assert_eq!(client.receive().json()["path"], "/second");
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.start(Request::get("/delay/200ms/first"));
    client.start(Request::get("/delay/100ms/second"));
    client.half_close();
    assert_eq!(client.receive().json()["path"], "/delay/200ms/first");
    assert_eq!(client.receive().json()["path"], "/delay/100ms/second");
    client.wait_for_close();
}

#[test]
fn a_client_that_says_close_is_left_after_the_answer() {
    let gateway = gateway_to("internal:echo", "");
    let answer = gateway.client().raw("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn http_1_0_is_served_and_closed() {
    let gateway = gateway_to("internal:echo", "");
    let answer = gateway.client().raw("GET /old HTTP/1.0\r\n\r\n");
    assert!(String::from_utf8_lossy(&answer).contains("\"path\":\"/old\""), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(gateway.wait_for_access("/old")["protocol"], "HTTP/1.0");
}

/// All that an HTTP/1.0 client gets, and how it ends.
fn read_by_http_1_0(upstream: &'static str) -> (String, std::io::Result<usize>) {
    let upstream = Upstream::start(move |_| tests::Reply::raw(upstream).then_close());
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = std::net::TcpStream::connect(gateway.address()).expect("it is accepted");
    client.set_read_timeout(Some(tests::PATIENCE)).expect("not zero");
    client.write_all(b"GET / HTTP/1.0\r\nhost: x\r\n\r\n").expect("it is open");
    let mut bytes = Vec::new();
    let end = client.read_to_end(&mut bytes);
    (String::from_utf8_lossy(&bytes).into_owned(), end)
}

#[test]
fn a_response_that_was_cut_does_not_look_whole_to_http_1_0() {
    let (_, cut) = read_by_http_1_0("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    assert_eq!(cut.expect_err("it is cut").kind(), std::io::ErrorKind::ConnectionReset);
    let (got, end) = read_by_http_1_0("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n");
    assert!(end.is_ok() && got.ends_with("\r\n\r\nwhole"), "{end:?} {got}");
}

#[test]
fn a_client_that_expects_it_is_told_to_continue() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(client.receive().status, 100);
    client.write("body");
    assert_eq!(client.receive().json()["body"], "body");
}

#[test]
fn an_answer_to_head_says_the_length_and_has_no_body() {
    let upstream = Upstream::start(|_| tests::Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n"));
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    let head = client.send(Request::new("HEAD", "/"));
    assert_eq!((head.status, head.header("content-length")), (200, Some("12")));
    assert_eq!(client.send(Request::new("HEAD", "/")).status, 200);
}

#[test]
fn what_two_parsers_could_frame_in_two_ways_reaches_no_upstream() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for fields in [
        "content-length: 4\r\ncontent-length: 5",
        "content-length: +4",
        "content-length: 4, 5",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, identity",
        "x-space : 1",
        "x-folded: a\r\n b",
        "x-nul: \0",
    ] {
        let smuggled =
            format!("POST / HTTP/1.1\r\nhost: x\r\n{fields}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = gateway.client().raw(smuggled);
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{fields:?}: {}", String::from_utf8_lossy(&answer));
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

#[test]
fn who_sends_what_is_no_request_is_answered_once_and_left() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\n",
        "GET http://a/ HTTP/1.1\r\nhost: b\r\n",
        "GET * HTTP/1.1\r\nhost: a\r\n",
        "GET a:443 HTTP/1.1\r\nhost: a:443\r\n",
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nauthorization: Basic YTpi\r\nauthorization: Basic Yzpk\r\n",
    ] {
        let sent = format!("{head}\r\nGET /behind HTTP/1.1\r\nhost: a\r\n\r\n");
        let answers = String::from_utf8_lossy(&gateway.client().raw(sent)).into_owned();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{head:?}: {answers}");
        assert!(answers.contains("\r\nconnection: close\r\n"), "{head:?}: {answers}");
    }
    assert!(upstream.received().is_empty(), "{:?}", upstream.received());
}

#[test]
fn who_asks_for_what_is_refused_goes_on() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users", methods = ["GET"] }"#);
    let mut client = gateway.client();
    let statuses = ["/nowhere", "/a%2fb", "/users"].map(|path| client.get(path).status);
    assert_eq!(statuses, [404, 400, 200]);
}

#[test]
fn a_trailer_that_frames_or_names_a_host_is_a_400_and_the_request_never_whole() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    let with = |trailer: &str| {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
        gateway.client().raw(format!("{head}5\r\nhello\r\n0\r\n{trailer}\r\n\r\n"))
    };
    for trailer in ["content-length: 5", "Host: b", "Transfer-Encoding: chunked"] {
        let answer = with(trailer);
        assert!(answer.starts_with(b"HTTP/1.1 400 "), "{trailer}: {}", answer.escape_ascii());
    }
    assert!(upstream.received().is_empty());
    assert!(with("x-sum: 1").starts_with(b"HTTP/1.1 200 "));
    let received = upstream.only();
    assert_eq!((received.body.as_slice(), received.header("x-sum")), (&b"hello"[..], None));
}

#[test]
fn a_length_beside_chunks_smuggles_no_request() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    gateway.client().raw(
        "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n",
    );
    for request in upstream.received() {
        assert_eq!((request.target.as_str(), request.header("content-length")), ("/", None));
    }
}

#[test]
fn a_tunnel_is_not_opened() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write("CONNECT a.example:443 HTTP/1.1\r\nhost: a.example:443\r\n\r\n");
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (501, "method-not-implemented"));
}

#[test]
fn garbage_is_a_400_and_the_gateway_goes_on() {
    let gateway = gateway_to("internal:echo", "");
    for garbage in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{a5}\r\n\r\n"] {
        let answer = gateway.client().raw(garbage);
        let refused = [&b"HTTP/1.1 400 "[..], b"HTTP/1.1 505 "].iter().any(|status| answer.starts_with(status));
        assert!(refused, "{garbage:?}: {}", answer.escape_ascii());
    }
    assert_eq!(gateway.get("/").status, 200);
}

#[test]
fn a_client_that_resets_a_stream_leaves_no_request_that_looks_whole() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let gateway = gateway_to(&format!("http://{}", listener.local_addr().expect("it is bound")), "");
    let (begins, begun) = std::sync::mpsc::channel();
    let upstream = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody connects");
        stream.set_read_timeout(Some(tests::PATIENCE)).expect("not zero");
        let (mut read, mut byte) = (Vec::new(), [0]);
        while stream.read(&mut byte).is_ok_and(|length| length > 0) {
            read.push(byte[0]);
            if read.ends_with(b"half") {
                begins.send(()).expect("the client waits");
            }
        }
        String::from_utf8_lossy(&read).into_owned()
    });
    let (over, is_over) = std::sync::mpsc::channel();
    let begun = move || begun.recv().expect("it begins");
    http2::reset_in_the_middle(gateway.address(), "half", begun, move || {
        over.send(upstream.join().expect("it reads to the end")).expect("the test waits");
    });
    let read = is_over.recv().expect("it is over");
    assert!(read.contains("half") && !read.ends_with("0\r\n\r\n"), "{read}");
}
