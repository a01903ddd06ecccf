//! How long an upstream may take: for each piece of a response, and for all of it.

use tests::{Gate, Gateway, Reply, Request, Upstream};

use crate::upgrade::{SWITCHED, WEBSOCKET, asking};
use crate::{gateway, gateway_to};

const HALF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";
const CHUNK: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n";
const UNTIL_CLOSE: &str = "HTTP/1.1 200 OK\r\n\r\nhalf";

fn patient(upstream: &Upstream, timeout: &str) -> Gateway {
    gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = \"all\"\n\
         [[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\ntimeout = {{ {timeout} }}\n",
        upstream.url()
    ))
}

/// `GET` over HTTP/2 of what is cut in the middle of its body.
fn is_cut_over_http2(gateway: &Gateway, path: &str) -> bool {
    let url = format!("http://{}{path}", gateway.address());
    let cut = std::panic::catch_unwind(|| tests::http2::send(gateway.address(), vec![tests::http2::get(&url)]));
    cut.is_err()
}

#[test]
fn a_response_that_falls_silent_is_cut_and_looks_whole_to_nobody() {
    for begun in [HALF, CHUNK, UNTIL_CLOSE] {
        let upstream = Upstream::start(move |_| Reply::raw(begun).then_hang());
        let gateway = patient(&upstream, "idle = \"50ms\"");
        let mut client = gateway.client();
        client.start(Request::get("/http1"));
        assert!(client.try_receive().is_err(), "{begun:?}");
        assert!(is_cut_over_http2(&gateway, "/http2"), "{begun:?}");
        upstream.wait_until_left();
        for path in ["/http1", "/http2"] {
            let line = gateway.wait_for_access(path);
            let told = (&line["problem"], &line["completed"], &line["responseBytes"]);
            assert_eq!(told, (&"upstream-idle-timeout".into(), &false.into(), &4.into()), "{line}");
        }
        gateway.wait_for_log("the upstream said nothing more of its response for 50ms");
    }
}

#[test]
fn a_response_that_moves_has_all_the_time() {
    let gates = [(); 4].map(|()| Gate::closed());
    let held = gates.clone();
    let upstream = Upstream::start(move |_| {
        let begun = Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
        held.iter().fold(begun, |reply, gate| reply.then_after(gate, "x"))
    });
    // Long enough for a machine that does other things, and together longer than the timeout.
    let gateway = patient(&upstream, "idle = \"1s\"");
    let waiting = Upstream::start(|_| Reply::hang());
    let pause = gateway_to(&waiting.url(), "timeout = \"300ms\"");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    for gate in &gates {
        assert_eq!(pause.get("/").status, 504);
        gate.open();
    }
    assert_eq!(client.receive().text(), "xxxx");
}

#[test]
fn a_client_that_takes_its_time_is_no_silence_of_the_upstream() {
    const LENGTH: usize = 16_000_000;
    let upstream = Upstream::start(|_| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {LENGTH}\r\n\r\n").into_bytes();
        Reply::raw([head, vec![b'x'; LENGTH]].concat())
    });
    let gateway = patient(&upstream, "idle = \"50ms\"");
    let silent = Upstream::start(|_| Reply::hang());
    let mut client = gateway.client();
    client.start(Request::get("/"));
    // Longer than the timeout, in which nothing is read.
    assert_eq!(gateway_to(&silent.url(), "timeout = \"300ms\"").get("/").status, 504);
    assert_eq!(client.receive().body.len(), LENGTH);
}

#[test]
fn the_total_is_for_the_head_and_for_the_body() {
    let silent = Upstream::start(|_| Reply::hang());
    let gateway = patient(&silent, "total = \"50ms\"");
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (504, "upstream-total-timeout"));
    silent.wait_until_left();

    let half = Upstream::start(|_| Reply::raw(HALF).then_hang());
    let gateway = patient(&half, "total = \"50ms\"");
    let mut client = gateway.client();
    client.start(Request::get("/cut"));
    assert!(client.try_receive().is_err());
    half.wait_until_left();
    let line = gateway.wait_for_access("/cut");
    assert_eq!((&line["problem"], &line["completed"]), (&"upstream-total-timeout".into(), &false.into()), "{line}");
}

#[test]
fn the_total_is_for_all_tries_together() {
    let silent = Upstream::start(|_| Reply::hang());
    let gateway = gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = \"all\"\n[[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\n\
         timeout = {{ total = \"250ms\" }}\n\
         retry = {{ attempts = 10, on = [\"timeout\"], per-try = \"50ms\", back-off = \"1ms\" }}\n",
        silent.url()
    ));
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (504, "upstream-total-timeout"));
    let tries = silent.received().len();
    assert!((1..=5).contains(&tries), "{tries}");
}

#[test]
fn a_routes_timeouts_replace_those_of_its_upstream() {
    let half = Upstream::start(|_| Reply::raw(HALF).then_hang());
    let gateway = gateway(&format!(
        "[[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\ntimeout = {{ idle = \"off\", total = \"off\" }}\n\
         [[route]]\nname = \"idle\"\nmatch = {{ path = \"/idle\" }}\nupstream = \"all\"\ntimeout = {{ idle = \"50ms\" }}\n\
         [[route]]\nname = \"total\"\nmatch = {{ path = \"/total\" }}\nupstream = \"all\"\ntimeout = {{ total = \"50ms\" }}\n",
        half.url()
    ));
    for (path, problem) in [("/idle", "upstream-idle-timeout"), ("/total", "upstream-total-timeout")] {
        let mut client = gateway.client();
        client.start(Request::get(path));
        assert!(client.try_receive().is_err());
        assert_eq!(gateway.wait_for_access(path)["problem"], problem);
    }
}

#[test]
fn a_tunnel_has_other_timeouts() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::raw(SWITCHED).then_after(&held, "still here").then_hang());
    let gateway = patient(&upstream, "idle = \"50ms\", total = \"50ms\"");
    let mut client = gateway.client();
    client.write(asking("/", WEBSOCKET));
    assert_eq!(client.receive().status, 101);
    let silent = Upstream::start(|_| Reply::hang());
    assert_eq!(gateway_to(&silent.url(), "timeout = \"200ms\"").get("/").status, 504);
    gate.open();
    assert_eq!(client.read_until("here"), "still here");
}
