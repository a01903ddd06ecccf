//! Limits of requests and connections: what is over them gets one clear answer.

use tests::{Gateway, Request, Upstream, http2};

use crate::{everything_to, gateway, gateway_to};

/// A gateway to the echo whose listener has these limits.
fn limited(limits: &str) -> Gateway {
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = {{ {limits} }}\n");
    gateway(&(everything_to("internal:echo", "") + &listener))
}

#[test]
fn a_body_that_declares_too_much_is_refused_before_an_upstream_sees_it() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "max-body = \"1kB\"");
    assert_eq!(gateway.send(Request::post("/fits", vec![b'x'; 1000])).status, 200);
    let answer = gateway.send(Request::post("/large", vec![b'x'; 1001]));
    assert_eq!((answer.status, answer.problem().as_str()), (413, "body-too-large"));
    assert_eq!(upstream.only().target, "/fits");
    assert_eq!(gateway.wait_for_access("/large")["problem"], "body-too-large");
}

#[test]
fn a_body_in_chunks_is_cut_where_it_goes_over_the_limit() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "max-body = \"1kB\"");
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        client.write(format!("190\r\n{}\r\n", "x".repeat(400)));
    }
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (413, "body-too-large"));
    // The upstream got no whole request.
    assert!(upstream.received().is_empty());
}

#[test]
fn a_body_has_no_limit_when_it_is_off() {
    let gateway = gateway_to("internal:echo", "max-body = \"off\"");
    let answer = gateway.send(Request::post("/", vec![b'x'; 11 << 20]));
    assert_eq!(answer.json()["bodyBytes"], 11 << 20);
}

#[test]
fn a_body_that_the_client_cuts_is_the_clients_fault() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write("POST /cut HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf");
    client.abort();
    let line = gateway.wait_for_access("/cut");
    assert_eq!((&line["status"], &line["problem"]), (&400.into(), &"request-body-cut".into()), "{line}");
    let told = gateway.wait_for_log("has no complete body");
    assert_eq!((&told["level"], &told["reason"]), (&"info".into(), &"request-body-cut".into()));
}

#[test]
fn a_body_whose_chunks_are_none_is_refused_with_what_is_wrong_with_it() {
    let gateway = gateway_to("internal:echo", "");
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    let answer = client.receive();
    assert_eq!((answer.status, &answer.json()["detail"]), (400, &"a chunk is not framed as one".into()));
    let told = gateway.wait_for_log("has no complete body");
    assert_eq!(told["cause"], "the client did not send all of it: a chunk is not framed as one");
}

#[test]
fn a_head_that_takes_too_long_ends_the_connection() {
    let gateway = limited("header-timeout = \"100ms\"");
    let mut client = gateway.client();
    client.write("GET / HTTP/1.1\r\nhost: x\r\nx-slow: ");
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (408, "head-timeout"));
    assert_eq!(answer.header("connection"), Some("close"));
    client.wait_for_close();
    assert_eq!(gateway.get("/").status, 200);
}

#[test]
fn a_client_that_says_nothing_is_left_alone() {
    limited("header-timeout = \"100ms\"").client().wait_for_close();
}

#[test]
fn a_connection_without_requests_is_closed_when_its_idle_time_is_over() {
    let gateway = limited("idle-timeout = \"100ms\"");
    let mut client = gateway.client();
    assert_eq!(client.get("/").status, 200);
    client.wait_for_close();
}

#[test]
fn a_slow_answer_is_not_idleness() {
    let gateway = limited("idle-timeout = \"50ms\", header-timeout = \"50ms\"");
    assert_eq!(gateway.get("/delay/300ms").status, 200);
}

#[test]
fn too_many_headers_are_a_431() {
    let gateway = limited("headers = 10");
    let with = |count: usize| (0..count).fold(Request::get("/"), |request, at| request.header(&format!("x-{at}"), "1"));
    assert_eq!(gateway.send(with(9)).status, 200);
    assert_eq!(gateway.send(with(10)).status, 431);
}

#[test]
fn too_many_headers_are_a_431_over_http2_too_and_no_way_to_make_a_plugin_fail() {
    let gateway = limited("headers = 256");
    let with = |count: usize| {
        let mut request = http2::get("http://x/");
        for at in 0..count {
            let name = http::HeaderName::try_from(format!("x-{at}")).expect("a name");
            request.headers_mut().insert(name, http::HeaderValue::from_static("1"));
        }
        request
    };
    let answers = http2::send(gateway.address(), vec![with(250), with(257)]);
    assert_eq!([answers[0].status().as_u16(), answers[1].status().as_u16()], [200, 431]);
    assert!(String::from_utf8_lossy(answers[1].body()).contains("more than 256 header fields"));
}

#[test]
fn cookies_that_http2_splits_are_one_header() {
    let mut request = http2::get("http://x/");
    for at in 0..200 {
        let cookie = http::HeaderValue::try_from(format!("a{at}=1")).expect("a value");
        request.headers_mut().append("cookie", cookie);
    }
    assert_eq!(http2::send(limited("headers = 10").address(), vec![request])[0].status(), 200);
}

#[test]
fn a_head_that_is_too_long_is_a_431_and_a_target_a_414() {
    let gateway = limited("header-bytes = \"8KiB\"");
    assert_eq!(gateway.send(Request::get("/").header("x-long", &"x".repeat(7000))).status, 200);
    assert_eq!(gateway.send(Request::get("/").header("x-long", &"x".repeat(9000))).status, 431);
    let target = gateway.get(&format!("/{}", "x".repeat(70_000))).status;
    assert!(target == 414 || target == 431, "{target}");
}

#[test]
fn a_target_that_is_too_long_is_a_414() {
    let gateway = limited("target-bytes = \"1KiB\"");
    let target = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
    assert_eq!(gateway.get(&target(1024)).status, 200);
    assert_eq!(gateway.get(&target(1025)).problem(), "target-too-long");
    assert_eq!(gateway.get(&format!("/?{}", target(1023))).status, 414);
    let urls = [1024, 1025].map(|bytes| http2::get(&format!("http://x{}", target(bytes))));
    let answers = http2::send(gateway.address(), urls.into());
    assert_eq!([answers[0].status().as_u16(), answers[1].status().as_u16()], [200, 414]);
}

#[test]
fn a_connection_ends_with_the_last_request_that_it_may_have() {
    let gateway = limited("requests = 3");
    let mut client = gateway.client();
    let said = |answer: &tests::Response| answer.header("connection").map(str::to_owned);
    assert_eq!([client.get("/1"), client.get("/2")].each_ref().map(said), [None, None]);
    assert_eq!(said(&client.get("/3")).as_deref(), Some("close"));
    client.wait_for_close();

    let gateway = limited("requests = 0");
    let mut client = gateway.client();
    assert!((0..20).all(|_| said(&client.get("/")).is_none()));
}
