//! Each fault of an upstream, and what a client gets of it.

use std::io::{ErrorKind, Read};

use tests::{
    Client, FAULTS, Flapping, Gate, Gateway, RefusingUpstream, Reply, Request, Upstream, black_hole, http2, wait_for,
};

use crate::guests::resident;
use crate::{everything_to, gateway};

/// Impatient, so that silence is over soon; and nobody is ejected, so that each fault is seen.
fn config(url: &str) -> String {
    format!(
        "[[upstream]]\nname = \"all\"\nendpoints = [\"{url}\"]\ntimeout = {{ connect = \"100ms\", response = \"300ms\" }}\n\
         ejection = {{ failures = \"off\" }}\n[[route]]\nname = \"all\"\nupstream = \"all\"\n"
    )
}

/// What a client gets: a status with a problem, or a response that was cut.
fn outcome(fault: &str) -> String {
    let upstream = Upstream::faulty();
    let gateway = gateway(&config(&upstream.url()));
    let mut client = gateway.client();
    client.start(Request::get(fault));
    if fault == "/silence-in-body" {
        client.read_until("half");
        return "goes on".to_owned();
    }
    let outcome = match client.try_receive() {
        Ok(response) if response.header("content-type").is_some_and(|it| it.contains("problem")) => {
            format!("{} {}", response.status, response.problem())
        }
        Ok(response) => format!("{} {:?}", response.status, response.text()),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => "cut".to_owned(),
        Err(error) => error.to_string(),
    };
    // Nothing else is affected.
    assert_eq!(gateway.get("/well").text(), "/well", "after {fault}");
    outcome
}

#[test]
fn each_fault_has_its_outcome() {
    let outcomes: Vec<_> = FAULTS.iter().map(|fault| format!("{fault}: {}", outcome(fault))).collect();
    insta::assert_snapshot!(outcomes.join("\n"), @r#"
    /close: 502 upstream-reset
    /reset: 502 upstream-reset
    /silence: 504 upstream-timeout
    /slow-head: 504 upstream-timeout
    /half-head: 502 upstream-reset
    /reset-in-head: 502 upstream-reset
    /malformed: 502 upstream-malformed
    /two-lengths: 502 upstream-malformed
    /length-and-chunked: 502 upstream-malformed
    /endless-headers: 502 upstream-malformed
    /endless-interim: 502 upstream-malformed
    /cut-body: cut
    /cut-chunk: cut
    /reset-in-body: cut
    /silence-in-body: goes on
    /slow-body: 200 "slow"
    /status/503: 503 ""
    "#);
}

#[test]
fn a_response_that_is_cut_is_told_from_a_client_that_left() {
    let upstream = Upstream::start(|received| match received.target.as_str() {
        "/cut" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_close(),
        "/reset" => Reply::raw("HTTP/1.1 200 OK\r\n\r\nhalf").then_reset(),
        "/chunk" => {
            Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n").then_slowly("x\r\n")
        }
        _ => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").then_hang(),
    });
    let gateway = gateway(&config(&upstream.url()));
    for (path, problem) in [("/cut", "upstream-reset"), ("/reset", "upstream-reset"), ("/chunk", "upstream-malformed")]
    {
        let mut client = gateway.client();
        client.start(Request::get(path));
        assert!(client.try_receive().is_err(), "{path}");
        let line = gateway.wait_for_access(path);
        assert_eq!((&line["problem"], &line["completed"]), (&problem.into(), &false.into()), "{line}");
    }
    let mut client = gateway.client();
    client.start(Request::get("/left"));
    client.read_until("half");
    client.abort();
    let line = gateway.wait_for_access("/left");
    assert_eq!((&line["problem"], &line["completed"]), (&serde_json::Value::Null, &false.into()), "{line}");
    assert_eq!(gateway.metric("tollgate_problems_total"), 3.0);
}

#[test]
fn an_endpoint_that_refuses_or_swallows_packets_has_its_outcome() {
    let down = Flapping::start("down");
    down.fall();
    let refused = gateway(&config(&down.url())).get("/");
    assert_eq!((refused.status, refused.problem().as_str()), (502, "upstream-connect"));
    let (address, _hold) = black_hole();
    let swallowed = gateway(&config(&format!("http://{address}"))).get("/");
    assert_eq!((swallowed.status, swallowed.problem().as_str()), (504, "upstream-connect-timeout"));
}

/// Bytes of an endless body that a client takes.
const ENOUGH: usize = 64 << 20;

#[test]
fn a_body_without_an_end_flows_in_constant_memory_and_ends_with_its_client_or_its_time() {
    let endless = Upstream::start(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .then_endlessly(format!("4000\r\n{}\r\n", "x".repeat(0x4000)))
    });
    let gateway = gateway(&config(&endless.url()));
    let before = resident(&gateway);
    let mut client = gateway.client();
    client.start(Request::get("/left"));
    client.read_exact(&mut vec![0; ENOUGH]).expect("there is more");
    let after = resident(&gateway);
    assert!(after < before + 8, "{before} MiB, then {after} MiB");
    client.abort();
    endless.wait_until_left();
    assert_eq!(gateway.wait_for_access("/left")["completed"], false);

    gateway.reload(&config(&endless.url()).replace("response = \"300ms\"", "total = \"300ms\""));
    let mut client = gateway.client();
    client.start(Request::get("/cut"));
    // Without a last chunk.
    assert!(client.try_receive().is_err());
    endless.wait_until_left();
    assert_eq!(gateway.wait_for_access("/cut")["problem"], "upstream-total-timeout");
}

#[test]
fn a_burst_over_http2_is_answered_whole_by_a_server_that_leaves_after_fewer_requests() {
    const BURST: usize = 100;
    // As one with a low `keepalive_requests`: what one connection leaves out is too much for the next as well.
    let upstream = RefusingUpstream::leaving(BURST / 2 - 15);
    let upstream_is = format!("endpoints = [\"{}\"]\nprotocol = \"http2\"\n", upstream.url());
    let gateway =
        gateway(&format!("[[upstream]]\nname = \"all\"\n{upstream_is}[[route]]\nname = \"all\"\nupstream = \"all\"\n"));
    let url = format!("http://{}/", gateway.address());
    for _ in 0..10 {
        for answer in http2::send(gateway.address(), (0..BURST).map(|_| http2::get(&url)).collect()) {
            assert_eq!(answer.status(), 200, "{:?}", answer.body());
        }
    }
    assert!(upstream.left_out() > BURST, "{}", upstream.left_out());
}

#[test]
fn a_burst_over_http2_of_which_some_are_refused_and_some_left_out_is_answered_whole() {
    const BURST: usize = 50;
    // More than a burst: what one connection leaves out has room on the next.
    let upstream = RefusingUpstream::start(4 * BURST - 10);
    let upstream_is = format!("endpoints = [\"{}\"]\nprotocol = \"http2\"\n", upstream.url());
    let gateway =
        gateway(&format!("[[upstream]]\nname = \"all\"\n{upstream_is}[[route]]\nname = \"all\"\nupstream = \"all\"\n"));
    let url = format!("http://{}/", gateway.address());
    for _ in 0..30 {
        for answer in http2::send(gateway.address(), (0..BURST).map(|_| http2::get(&url)).collect()) {
            assert_eq!(answer.status(), 200, "{:?}", answer.body());
        }
    }
    assert!(upstream.refused() > 30, "{}", upstream.refused());
    assert!(upstream.left_out() > 10, "{}", upstream.left_out());
    assert_eq!(gateway.metric("tollgate_problems_total"), 0.0);
}

/// A gateway whose only worker speaks HTTP/2 to the other one.
fn over_one_connection(endpoint: &Gateway) -> Gateway {
    let over_http2 = everything_to(&format!("http://{}", endpoint.address()), "");
    let over_http2 = over_http2.replace("endpoints =", "protocol = \"http2\"\nendpoints =");
    gateway(&format!("[gateway]\nworkers = 1\n{over_http2}"))
}

#[test]
fn clients_that_leave_again_and_again_cut_nobody_who_shares_a_connection_with_them() {
    let gate = Gate::closed();
    let upstream = Upstream::start({
        let gate = gate.clone();
        move |received| match received.target.as_str() {
            "/patient" => Reply::ok("all of it").after(&gate),
            _ => Reply::hang(),
        }
    });
    // It leaves who resets 200 streams at once, as most servers do one day (CVE-2023-44487).
    let endpoint = gateway(&everything_to(&upstream.url(), ""));
    let gateway = over_one_connection(&endpoint);
    let mut patient = gateway.client();
    patient.start(Request::get("/patient"));
    upstream.wait_for_requests(1);
    for round in 1..=40 {
        let mut others: Vec<_> = (0..10).map(|_| gateway.client()).collect();
        others.iter_mut().for_each(|client| client.start(Request::get("/")));
        upstream.wait_for_requests(1 + 10 * round);
        others.into_iter().for_each(Client::reset);
        wait_for("them to be gone", || (endpoint.metric("tollgate_requests") <= 1.0).then_some(()));
    }
    gate.open();
    assert_eq!(patient.receive().text(), "all of it");
    assert_eq!(endpoint.metric("tollgate_http2_floods_total"), 0.0);
}

#[test]
fn an_endpoint_that_leaves_for_a_long_head_cuts_nobody_who_sent_a_usual_one() {
    let gate = Gate::closed();
    let upstream = Upstream::start({
        let gate = gate.clone();
        move |_| Reply::ok("all of it").after(&gate)
    });
    // As nginx, whose limit is about 16 KiB, it ends the connection of who sends a head that is far too long.
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { header-bytes = \"8KiB\" }\n";
    let endpoint = gateway(&(everything_to(&upstream.url(), "") + listener));
    let gateway = over_one_connection(&endpoint);
    let mut patient = gateway.client();
    patient.start(Request::get("/"));
    upstream.wait_for_requests(1);
    let long = gateway.send(Request::get("/").header("x-long", &"x".repeat(40 << 10)));
    assert_eq!((long.status, long.problem().as_str()), (502, "upstream-refused"));
    assert_eq!(gateway.metric("tollgate_upstream_endpoint_failures_total"), 0.0, "nobody is ejected for it");
    gate.open();
    assert_eq!(patient.receive().text(), "all of it");
    // What is long and is taken is served, on a connection that others of its kind share.
    // It may be so only as it is written: each of these bytes takes three and a half in Huffman's code.
    let before = endpoint.metric("tollgate_connections_accepted_total");
    let mut client = gateway.client();
    client.write([b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ", &[0xfe; 3000][..], b"\r\n\r\n"].concat());
    assert_eq!(client.receive().text(), "all of it");
    assert_eq!(endpoint.metric("tollgate_connections_accepted_total"), before + 1.0);
    for _ in 0..3 {
        assert_eq!(gateway.send(Request::get("/").header("x-long", &"x".repeat(5 << 10))).text(), "all of it");
    }
    assert_eq!(endpoint.metric("tollgate_connections_accepted_total"), before + 1.0);
}
