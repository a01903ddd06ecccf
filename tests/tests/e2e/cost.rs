//! What a request costs, in counts that no noise moves: a guard against what creeps in. Where its time goes is
//! measured elsewhere (CONTRIBUTING.md).

use tests::{Builder, Client, Request, Signal, Upstream, syscalls};

use crate::{everything_to, gateway};

/// Requests that the difference is taken over.
const REQUESTS: u64 = 1_000;

/// Allocations of the host for one request on a kept-alive connection.
fn allocations(config: &str) -> f64 {
    // The first start may compile the plugins, and leaves them in the cache for the others.
    let [_, few, many] = [0, 100, 100 + REQUESTS].map(|requests| {
        let mut gateway = Builder::new(env!("CARGO_BIN_EXE_counted"), config).start();
        send(&mut gateway.client(), requests);
        gateway.signal(Signal::TERM);
        assert_eq!(gateway.wait_exit().code(), Some(0));
        let counted = gateway.log().into_iter().find_map(|line| line["allocations"].as_u64());
        counted.expect("the last line says it")
    });
    (many - few) as f64 / REQUESTS as f64
}

/// System calls of the worker for one request on a kept-alive connection. The least of three counts: a machine that others
/// use only adds to them, where a message comes in two parts.
fn system_calls(config: &str) -> f64 {
    let gateway = gateway(config);
    let mut client = gateway.client();
    send(&mut client, 10);
    let counts =
        [(); 3].map(|()| syscalls::counted(gateway.process_id(), "worker-0", || send(&mut client, REQUESTS)) as f64);
    counts.into_iter().fold(f64::INFINITY, f64::min) / REQUESTS as f64
}

fn send(client: &mut Client, requests: u64) {
    for _ in 0..requests {
        let request = Request::get("/v1/users/42")
            .header("accept", "application/json")
            .header("accept-encoding", "gzip, deflate, br")
            .header("accept-language", "en-GB,en;q=0.5")
            .header("cache-control", "no-cache")
            .header("referer", "https://www.example.com/account")
            .header("user-agent", "counting/1.0")
            .header("x-api-key", "key-of-a-consumer");
        assert_eq!(client.send(request).status, 200);
    }
}

/// A ceiling far above what is found would guard nothing.
#[track_caller]
fn is_still(ceiling: f64, found: f64) {
    assert!(found <= ceiling, "{found} a request; there were at most {ceiling}");
    assert!(found > ceiling * 0.9, "{found} a request: lower the ceiling of {ceiling}, so that it stays so");
}

/// What `compare` tells the plugins, so that what is measured is what is counted.
const CHAIN: &str = include_str!("../../src/bin/compare/peers/chain.toml");
const QUIET: &str = "[gateway]\nworkers = 1\n[gateway.log]\naccess = false\n";

fn bare(upstream: &Upstream) -> String {
    format!("{QUIET}{}", everything_to(&upstream.url(), ""))
}

fn chain_of_four(upstream: &Upstream) -> String {
    let consumer =
        "[[consumer]]\nname = \"acme\"\ngroups = [\"users\"]\ncredentials = [{ key = \"key-of-a-consumer\" }]\n";
    let plugins = "plugins = [\"key-auth\", \"rate-limit\", \"circuit-breaker\", \"transform\"]\n";
    format!("{QUIET}{consumer}{}{CHAIN}", everything_to(&upstream.url(), plugins))
}

#[test]
fn a_bare_request_allocates_no_more_than_it_did() {
    is_still(15.5, allocations(&bare(&Upstream::saying("hello"))));
}

#[test]
fn a_chain_of_four_allocates_no_more_than_it_did() {
    is_still(31.0, allocations(&chain_of_four(&Upstream::saying("hello"))));
}

/// One read and one write for each of four messages, and a wait for each side.
#[test]
fn a_request_makes_no_more_system_calls_than_it_did() {
    let upstream = Upstream::saying("hello");
    is_still(6.5, system_calls(&bare(&upstream)));
    is_still(6.5, system_calls(&chain_of_four(&upstream)));
}
