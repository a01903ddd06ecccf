//! Endpoints: which one is chosen, how connections are kept, and what happens when one fails.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use tests::{Gate, Gateway, Reply, Request, Upstream};

use crate::{gateway, gateway_to, settled};

/// A gateway whose one upstream has these endpoints; `more` is of the upstream.
fn balanced(endpoints: &[String], more: &str) -> Gateway {
    let route = "[[route]]\nname = \"all\"\nupstream = \"all\"\n";
    gateway(&format!("{route}[[upstream]]\nname = \"all\"\nendpoints = [{}]\n{more}", endpoints.join(", ")))
}

fn quoted(upstream: &Upstream) -> String {
    format!("\"{}\"", upstream.url())
}

fn weighted(upstream: &Upstream, weight: u32) -> String {
    format!("{{ url = \"{}\", weight = {weight} }}", upstream.url())
}

#[test]
fn round_robin_takes_endpoints_in_turn() {
    let upstreams = [Upstream::saying("a"), Upstream::saying("b"), Upstream::saying("c")];
    let gateway = balanced(&upstreams.each_ref().map(quoted), "");
    for _ in 0..9 {
        gateway.get("/");
    }
    assert_eq!(upstreams.each_ref().map(|upstream| upstream.received().len()), [3, 3, 3]);
}

#[test]
fn round_robin_heeds_weights() {
    let upstreams = [Upstream::saying("a"), Upstream::saying("b")];
    let gateway = balanced(&[weighted(&upstreams[0], 3), weighted(&upstreams[1], 1)], "");
    for _ in 0..8 {
        gateway.get("/");
    }
    assert_eq!(upstreams.each_ref().map(|upstream| upstream.received().len()), [6, 2]);
}

#[test]
fn least_requests_avoids_an_endpoint_that_is_busy() {
    let gate = Gate::closed();
    let held = gate.clone();
    let slow = Upstream::start(move |_| Reply::ok("slow").after(&held));
    let quick = Upstream::saying("quick");
    let gateway = balanced(&[quoted(&slow), quoted(&quick)], "balancer = \"least-requests\"");
    let mut waiting = gateway.client();
    // Whichever comes first, one of two requests is held.
    let mut other = gateway.client();
    waiting.start(Request::get("/"));
    other.start(Request::get("/"));
    slow.wait_for_requests(1);
    quick.wait_for_requests(1);
    for _ in 0..6 {
        assert_eq!(gateway.get("/").text(), "quick");
    }
    gate.open();
    let mut texts = [waiting.receive().text(), other.receive().text()];
    texts.sort();
    assert_eq!(texts, ["quick", "slow"]);
}

#[test]
fn requests_one_after_the_other_share_a_connection() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for _ in 0..5 {
        gateway.get("/");
    }
    assert_eq!((upstream.received().len(), upstream.connections()), (5, 1));
}

#[test]
fn without_keep_alive_every_request_has_its_own_connection() {
    let upstream = Upstream::saying("");
    let gateway = balanced(&[quoted(&upstream)], "keep-alive = { connections = 0 }");
    for _ in 0..3 {
        gateway.get("/");
    }
    assert_eq!(upstream.connections(), 3);
    upstream.wait_until_left();
}

#[test]
fn an_idle_upstream_connection_is_closed() {
    let upstream = Upstream::saying("");
    let gateway = balanced(&[quoted(&upstream)], "keep-alive = { idle-timeout = \"50ms\" }");
    assert_eq!(gateway.get("/").status, 200);
    upstream.wait_until_left();
}

#[test]
fn a_kept_connection_that_the_upstream_closed_costs_no_request() {
    let upstream = Upstream::start(|_| Reply::ok("").then_close());
    let gateway = gateway_to(&upstream.url(), "");
    for _ in 0..20 {
        assert_eq!(gateway.get("/").status, 200);
        upstream.wait_until_left();
        // The worker answers this itself, and on the way hears of what closed before.
        assert_eq!(gateway.get("/a%2fb").status, 400);
    }
}

#[test]
fn an_upstream_that_refuses_is_a_502_with_the_reason_in_the_log() {
    // Nothing listens on tcpmux.
    let gateway = gateway_to("http://127.0.0.1:1", "");
    let answer = gateway.get("/");
    assert_eq!(answer.status, 502);
    let line = gateway.wait_for_log("127.0.0.1:1");
    assert_eq!(line["id"].as_str(), answer.header("x-request-id"));
    let _settled = settled();
    insta::assert_snapshot!(format!("{}\n{line:#}", answer.text()), @r##"
    {"type":"urn:tollgate:problem:upstream-connect","title":"The upstream cannot be reached","status":502,"requestId":"[id]"}

    {
      "cause": "Connection refused (os error 111)",
      "id": "[id]",
      "level": "warn",
      "message": "cannot connect to 127.0.0.1:1",
      "reason": "upstream-connect",
      "status": 502,
      "target": "tollgate::proxy::error",
      "time": "[time]",
      "type": "log"
    }
    "##);
}

#[test]
fn an_upstream_that_does_not_take_the_connection_is_a_504() {
    let full = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket2::SockRef::from(&full).listen(0).expect("it listens already");
    let address = full.local_addr().expect("it is bound");
    // The kernel completes connections until its queue is full, then it drops what comes.
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
    }
    let gateway = balanced(&[format!("\"http://{address}\"")], "timeout = { connect = \"50ms\" }");
    let answer = gateway.get("/");
    assert_eq!(
        (answer.status, answer.problem()),
        (504, gateway.wait_for_access("/")["problem"].as_str().expect("text").to_owned())
    );
    gateway.wait_for_log("connect");
}

#[test]
fn an_upstream_that_says_nothing_is_a_504_when_its_time_is_over() {
    let upstream = Upstream::start(|_| Reply::hang());
    let gateway = balanced(&[quoted(&upstream)], "timeout = { response = \"50ms\" }");
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (504, "upstream-timeout"));
    // What it would still say is nobody's.
    upstream.wait_until_left();
    let _settled = settled();
    insta::assert_snapshot!(gateway.wait_for_log("no response from")["message"].as_str().expect("text"), @r"no response from 127.0.0.1:PORT within [duration]");
}

#[test]
fn a_routes_timeout_replaces_its_upstreams() {
    let gateway = gateway_to("internal:echo", "timeout = \"50ms\"");
    assert_eq!(gateway.get("/quick").status, 200);
    assert_eq!(gateway.get("/delay/60s").status, 504);
    // A failure that has no cause of its own names none.
    assert!(gateway.wait_for_log("no response from")["cause"].is_null());
}

#[test]
fn a_timeout_is_for_the_head_of_a_response_and_lets_bodies_take_longer() {
    let gate = Gate::closed();
    let rest = gate.clone();
    let upstream =
        Upstream::start(move |_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha").then_after(&rest, "lf"));
    let gateway = gateway_to(&upstream.url(), "timeout = \"100ms\"");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    client.read_until("ha");
    // A second request that meets the timeout shows that the time of the first is over as well.
    let slow = Upstream::start(|_| Reply::hang());
    assert_eq!(gateway_to(&slow.url(), "timeout = \"200ms\"").get("/").status, 504);
    gate.open();
    assert!(client.read_until("lf").ends_with("lf"));
}

#[test]
fn an_upstream_that_closes_without_an_answer_is_a_502() {
    let upstream = Upstream::start(|_| Reply::close());
    let answer = gateway_to(&upstream.url(), "").get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (502, "upstream-reset"));
    assert_eq!(answer.json()["title"], "The upstream closed the connection");
}

#[test]
fn an_upstream_that_does_not_speak_http_is_a_502() {
    let upstream = Upstream::start(|_| Reply::raw("220 mail.example ESMTP\r\n"));
    let answer = gateway_to(&upstream.url(), "").get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (502, "upstream-malformed"));
}

#[test]
fn a_response_that_could_end_in_two_places_is_a_502_and_its_connection_is_not_used_again() {
    let answers = [
        "200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
        "200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
        "200 OK\r\ncontent-length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n",
        "204 No Content\r\ncontent-length: 4\r\n\r\nevil",
        "204 No Content\r\n\r\nevil",
        "304 Not Modified\r\ncontent-length: 4\r\n\r\nevil",
    ];
    let upstream = Upstream::start(move |request| {
        let at: usize = request.target[1..].parse().expect("a number");
        Reply::raw(format!("HTTP/1.1 {}", answers[at]))
    });
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    for (at, answer) in answers.iter().enumerate() {
        let refused = client.get(&format!("/{at}"));
        assert_eq!((refused.status, refused.problem().as_str()), (502, "upstream-malformed"), "{answer:?}");
        assert_eq!(upstream.connections(), at + 1, "{answer:?}");
    }
}

#[test]
fn a_body_behind_the_answer_to_head_is_a_502_and_the_answer_to_nothing() {
    let upstream = Upstream::start(|request| match request.method.as_str() {
        "HEAD" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"),
        _ => Reply::ok("good"),
    });
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    assert_eq!(client.send(Request::new("HEAD", "/")).status, 502);
    assert_eq!(client.get("/").text(), "good");
}

#[test]
fn a_response_that_the_upstream_cuts_is_cut_for_the_client_too() {
    let upstream = Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_close());
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/cut"));
    assert!(client.try_receive().is_err());
    let warning = gateway.wait_for_log("the upstream's response was cut short");
    let endpoint = upstream.address().to_string();
    assert_eq!((warning["upstream"].as_str(), warning["endpoint"].as_str()), (Some("behind"), Some(endpoint.as_str())));
    let line = gateway.wait_for_access("/cut");
    assert_eq!(
        (&line["status"], &line["completed"], &line["responseBytes"]),
        (&200.into(), &false.into(), &4.into()),
        "{line}"
    );
}

#[test]
fn an_unreachable_upstream_disturbs_no_other_route() {
    let config = format!(
        "{}{}",
        crate::everything_to("internal:echo", ""),
        "[[upstream]]\nname = \"gone\"\nendpoints = [\"http://127.0.0.1:1\"]\n\
         [[route]]\nname = \"gone\"\nupstream = \"gone\"\nmatch = { path = \"/gone\" }\n"
    );
    let gateway = gateway(&config);
    let mut client = gateway.client();
    let statuses = ["/", "/gone", "/", "/gone", "/"].map(|path| client.get(path).status);
    assert_eq!(statuses, [200, 502, 200, 502, 200]);
}

#[test]
fn the_echo_obeys_its_directives() {
    let gateway = gateway_to("internal:echo", "");
    assert_eq!(gateway.get("/status/503").status, 503);
    assert_eq!(gateway.get("/users/bytes/1mb").body.len(), 1_000_000);
    let begun = std::time::Instant::now();
    assert_eq!(gateway.get("/delay/100ms/status/204").status, 204);
    assert!(begun.elapsed() >= Duration::from_millis(100));
    assert_eq!(gateway.get("/status/9").status, 400);
}

#[test]
fn the_echo_shows_the_request_as_an_upstream_gets_it() {
    let gateway = gateway_to("internal:echo", "");
    let echoed = gateway.send(Request::post("/demo?a=1", "some text").header("accept", "*/*"));
    let _settled = settled();
    insta::assert_snapshot!(echoed.text(), @r#"{"method":"POST","path":"/demo","query":"a=1","headers":{"host":"gateway.test","accept":"*/*","content-length":"9","x-forwarded-for":"127.0.0.1","x-forwarded-proto":"http","x-forwarded-host":"gateway.test","via":"1.1 tollgate","x-request-id":"[id]"},"body":"some text","bodyBytes":9}"#);
}
