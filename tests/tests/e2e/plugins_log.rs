//! `on-log` runs exactly once for each exchange that met the plugin, however it ended.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use tests::{Gate, Gateway, Reply, Request, Upstream, wait_for};

use crate::gateway;
use crate::guests::{plugin, routes, witness};

/// A gateway with these witnesses on the way to an upstream.
fn witnessed(upstream: &str, marks: &[&str]) -> Gateway {
    let plugins: String = marks.iter().map(|mark| witness(mark)).collect();
    gateway(&format!("{plugins}{}", routes(&[("x", marks)]).replace("internal:echo", upstream)))
}

/// What a witness saw of the end of the exchanges on a path. Asking is an exchange of its own, which is why it is known
/// that those before it are over: log hooks run in the order of the ends.
fn seen(gateway: &Gateway, mark: &str, path: &str) -> Value {
    gateway.send(Request::get(path).header("x-ask", mark)).json()
}

/// Waits until a witness saw the end of an exchange.
fn first_seen(gateway: &Gateway, mark: &str, path: &str) -> Value {
    let seen = wait_for("on-log", || Some(seen(gateway, mark, path)).filter(|seen| seen["times"] != 0));
    assert_eq!(seen["times"], 1, "{seen}");
    seen["last"].clone()
}

#[test]
fn an_exchange_is_logged_once_with_its_outcome() {
    let upstream = Upstream::saying("twelve bytes");
    let gateway = witnessed(&upstream.url(), &["a", "b"]);
    assert_eq!(gateway.get("/x/1").status, 200);
    for mark in ["a", "b"] {
        let last = first_seen(&gateway, mark, "/x/1");
        assert_eq!((last["status"].as_u64(), last["completed"].as_bool()), (Some(200), Some(true)));
        assert_eq!((last["responseBytes"].as_u64(), last["note"].as_str()), (Some(12), Some(mark)));
        assert_eq!(last["endpoint"].as_str(), Some(upstream.address().to_string().as_str()));
        assert!(last["problem"].is_null(), "{last}");
    }
}

#[test]
fn a_client_that_leaves_before_the_response_is_logged_without_a_status() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = witnessed(&upstream.url(), &["a"]);
    let mut client = gateway.client();
    client.start(Request::get("/x/1"));
    upstream.wait_for_requests(1);
    client.reset();
    let last = first_seen(&gateway, "a", "/x/1");
    assert_eq!((last["status"].as_u64(), last["completed"].as_bool()), (None, Some(false)));
    assert_eq!(last["note"], "a");
    gate.open();
}

#[test]
fn a_client_that_leaves_in_the_middle_of_the_body_is_logged_as_not_completed() {
    let gate = Gate::closed();
    let held = gate.clone();
    let beginning = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbeginning";
    let upstream = Upstream::start(move |_| Reply::raw(beginning).then_after(&held, "x"));
    let gateway = witnessed(&upstream.url(), &["a"]);
    let mut client = TcpStream::connect(gateway.address()).expect("it is accepted");
    client.write_all(b"GET /x/1 HTTP/1.1\r\nhost: x\r\n\r\n").expect("it is read");
    let mut got = Vec::new();
    while !got.ends_with(b"beginning") {
        let mut bytes = [0; 512];
        let count = client.read(&mut bytes).expect("it is open");
        got.extend_from_slice(&bytes[..count]);
    }
    socket2::SockRef::from(&client).set_linger(Some(std::time::Duration::ZERO)).expect("it is open");
    drop(client);
    let last = first_seen(&gateway, "a", "/x/1");
    assert_eq!((last["status"].as_u64(), last["completed"].as_bool()), (Some(200), Some(false)));
    assert_eq!(last["responseBytes"], 9);
    gate.open();
}

#[test]
fn a_failure_of_the_gateway_is_logged_with_its_problem() {
    let gateway = witnessed("http://127.0.0.1:1", &["a"]);
    let answer = gateway.get("/x/1");
    let last = first_seen(&gateway, "a", "/x/1");
    assert_eq!((last["status"].as_u64(), last["problem"].as_str()), (Some(502), Some(answer.problem().as_str())));
    assert_eq!(last["completed"], true);
}

#[test]
fn plugins_that_the_request_did_not_meet_do_not_log_it() {
    let gateway = witnessed("internal:echo", &["a", "b", "c"]);
    assert_eq!(gateway.send(Request::get("/x/1").header("x-reply", "b")).text(), "a reply by b");
    assert_eq!(first_seen(&gateway, "a", "/x/1")["status"], 200);
    assert_eq!(first_seen(&gateway, "b", "/x/1")["status"], 200);
    // The questions to a and b were answered before c.
    assert_eq!(seen(&gateway, "c", "/x/1")["times"], 0);
}

#[test]
fn each_exchange_is_logged_once_when_many_run_at_once() {
    let gateway = witnessed("internal:echo", &["a"]);
    let address = gateway.address();
    let clients: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = tests::Client::connect(address);
                (0..100).for_each(|_| assert_eq!(client.get("/x/1").status, 200));
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("its requests are answered"));
    let asked = std::cell::Cell::new(0);
    let times = wait_for("all to be logged", || {
        let times = seen(&gateway, "a", "/x/1")["times"].as_u64().unwrap_or_default();
        asked.set(asked.get() + 1);
        (times >= 800).then_some(times)
    });
    assert!((800..800 + asked.get()).contains(&times), "{times}");
}

#[test]
fn one_that_found_no_free_instance_is_not_asked_to_log() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("late").after(&held));
    let more = "grants = [\"state\"]\nconfig = { mark = \"a\" }\nisolation = \"request\"\nlimits = { instances = 1, queue = 0 }";
    let routes = routes(&[("x", &["a"])]).replace("internal:echo", &upstream.url());
    let gateway = gateway(&format!("{}{routes}", plugin("a", "witness", more)));
    let mut first = gateway.client();
    first.start(Request::get("/x/1"));
    upstream.wait_for_requests(1);
    assert_eq!(gateway.get("/x/2").problem(), "plugin-busy");
    gate.open();
    assert_eq!(first.receive().status, 200);
    first_seen(&gateway, "a", "/x/1");
    assert_eq!(seen(&gateway, "a", "/x/2")["times"], 0);
}
