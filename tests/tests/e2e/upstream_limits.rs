//! How many requests run at an upstream at once, and how many wait.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use tests::{Gate, Gateway, Reply, Request, Upstream, wait_for};

use crate::upgrade::{SWITCHED, WEBSOCKET, asking};
use crate::{gateway, gateway_to};

fn limited(upstream: &Upstream, limit: &str, more: &str) -> Gateway {
    gateway(&format!(
        "{more}\n[[route]]\nname = \"all\"\nupstream = \"all\"\n\
         [[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\nlimit = {{ {limit} }}\n",
        upstream.url()
    ))
}

#[test]
fn one_request_runs_one_waits_and_the_next_is_a_503_at_once() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let gateway = limited(&upstream, "requests = 1, queue = 1, queue-timeout = \"60s\"", "");
    let (mut runs, mut waits) = (gateway.client(), gateway.client());
    runs.start(Request::get("/"));
    upstream.wait_for_requests(1);
    waits.start(Request::get("/"));
    let gauge = |name: &str| gateway.metric(&format!("tollgate_upstream_requests{name}{{upstream=\"all\"}}"));
    wait_for("the second to wait", || (gauge("_waiting") == 1.0).then_some(()));
    assert_eq!(gauge(""), 1.0);
    let refused = gateway.get("/");
    assert_eq!((refused.status, refused.problem().as_str()), (503, "upstream-queue-full"));
    gate.open();
    assert_eq!([runs.receive().text(), waits.receive().text()], ["done", "done"]);
    assert_eq!(gateway.get("/").text(), "done");
}

#[test]
fn who_waits_too_long_is_a_503() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let gateway = limited(&upstream, "requests = 1, queue-timeout = \"50ms\"", "");
    let mut runs = gateway.client();
    runs.start(Request::get("/"));
    upstream.wait_for_requests(1);
    let refused = gateway.get("/");
    assert_eq!((refused.status, refused.problem().as_str()), (503, "upstream-queue-timeout"));
    gate.open();
    assert_eq!(runs.receive().text(), "done");
    assert_eq!(upstream.received().len(), 1);
}

#[test]
fn a_request_has_its_place_until_the_end_of_its_response_or_of_its_client() {
    let gate = Gate::closed();
    let held = gate.clone();
    let begun = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf";
    let upstream = Upstream::start(move |_| Reply::raw(begun).then_after(&held, "half"));
    let gateway = limited(&upstream, "requests = 1, queue = 0", "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    client.read_until("half");
    assert_eq!(gateway.get("/").status, 503);
    client.abort();
    let mut next = wait_for("the place of a client that has left", || {
        let mut client = gateway.client();
        client.start(Request::get("/"));
        (!client.read_until("\r\n").contains("503")).then_some(client)
    });
    gate.open();
    assert!(next.read_until("halfhalf").ends_with("halfhalf"));
}

#[test]
fn a_tunnel_has_its_place_until_it_ends() {
    let upstream = Upstream::start(|request| match request.target.as_str() {
        "/tunnel" => Reply::raw(SWITCHED).then_hang(),
        _ => Reply::ok("done"),
    });
    let gateway = limited(&upstream, "requests = 1, queue = 0", "");
    let mut tunnel = gateway.client();
    tunnel.write(asking("/tunnel", WEBSOCKET));
    assert_eq!(tunnel.receive().status, 101);
    assert_eq!(gateway.get("/").status, 503);
    tunnel.abort();
    wait_for("the tunnel's place", || (gateway.get("/").status == 200).then_some(()));
}

#[test]
fn workers_keep_to_the_limit_together() {
    const MOST: usize = 4;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let upstream = {
        let (running, most) = (Arc::clone(&running), Arc::clone(&most));
        Upstream::start(move |_| {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            // Other requests come meanwhile, if they may.
            thread::yield_now();
            running.fetch_sub(1, SeqCst);
            Reply::ok("done")
        })
    };
    let limit = format!("requests = {MOST}, queue = 1000, queue-timeout = \"60s\"");
    let gateway = limited(&upstream, &limit, "[gateway]\nworkers = 2\n");
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = gateway.client();
                for _ in 0..50 {
                    assert_eq!(client.get("/").status, 200);
                }
            });
        }
    });
    assert_eq!(upstream.received().len(), 800);
    assert!(most.load(SeqCst) <= MOST, "{most:?}");
}

#[test]
fn places_are_carried_over_a_reload() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let config = |requests: usize| {
        format!(
            "[[route]]\nname = \"all\"\nupstream = \"all\"\n[[upstream]]\nname = \"all\"\nendpoints = [\"{}\"]\n\
             limit = {{ requests = {requests}, queue = 0 }}\n",
            upstream.url()
        )
    };
    let gateway = gateway(&config(2));
    let mut runs = [gateway.client(), gateway.client()];
    runs.iter_mut().for_each(|client| client.start(Request::get("/")));
    upstream.wait_for_requests(2);
    for (requests, status) in [(1, 503), (2, 503)] {
        gateway.reload(&config(requests));
        assert_eq!(gateway.get("/").status, status);
    }
    gate.open();
    runs.iter_mut().for_each(|client| assert_eq!(client.receive().status, 200));
    assert_eq!(gateway.get("/").status, 200);
}

#[test]
fn without_a_limit_there_is_none() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let gateway = gateway_to(&upstream.url(), "");
    let mut clients: Vec<_> = (0..50).map(|_| gateway.client()).collect();
    clients.iter_mut().for_each(|client| client.start(Request::get("/")));
    upstream.wait_for_requests(50);
    gate.open();
    clients.iter_mut().for_each(|client| assert_eq!(client.receive().status, 200));
}
