//! What an operator sets against misbehaviour: `on-error`, `isolation` and `limits`.

use std::collections::HashSet;
use std::thread;

use tests::{Client, Gate, Gateway, Reply, Request, Upstream, wait_for};

use crate::gateway;
use crate::guests::{ask, faults, instances, plugin, routes};
use crate::hostile::hostile;

#[test]
fn a_skipped_plugin_leaves_no_trace_of_the_call_that_failed() {
    let gateway = hostile("on-error = \"skip\"");
    let answer = ask(&gateway, "x-do", "write-then-panic");
    assert_eq!(answer.status, 200);
    let seen = answer.json();
    assert_eq!((seen["method"].as_str(), seen["path"].as_str()), (Some("GET"), Some("/evil/x")));
    assert_eq!(seen["headers"]["x-do"], "write-then-panic");
    assert!(seen["headers"]["x-left-behind"].is_null() && seen["headers"]["x-calls"].is_null(), "{seen}");
    let line = gateway.wait_for_log("plugin panicked");
    assert_eq!((line["hook"].as_str(), line["skipped"].as_bool()), (Some("on-request"), Some(true)));
    assert_eq!(faults(&gateway, "hostile", "trap"), 1.0);
}

#[test]
fn a_skipped_plugin_leaves_the_response_as_it_was() {
    let gateway = hostile("on-error = \"skip\"\nconfig = { at = \"response\" }");
    let answer = ask(&gateway, "x-do", "write-then-panic");
    assert_eq!((answer.status, answer.header("x-left-behind")), (200, None));
    assert_eq!(faults(&gateway, "hostile", "trap"), 1.0);
}

#[test]
fn a_skipped_plugin_is_not_called_again_for_that_exchange() {
    let gateway = hostile("on-error = \"skip\"");
    for deed in ["trap", "loop", "reply-status", "sleep"] {
        assert_eq!(ask(&gateway, "x-do", deed).status, 200, "{deed}");
    }
    let calls = |hook| {
        let ended = |outcome| {
            gateway.metric(&format!(
                "tollgate_plugin_calls_total{{plugin=\"hostile\",hook=\"{hook}\",outcome=\"{outcome}\"}}"
            ))
        };
        ended("next") + ended("reply") + ended("fault")
    };
    assert_eq!((calls("on-request"), calls("on-response"), calls("on-log")), (4.0, 0.0, 0.0));
}

#[test]
fn a_reused_instance_is_replaced_after_so_many_calls() {
    let gateway = hostile("limits = { calls = 6 }");
    let mut client = gateway.client();
    let seen: Vec<u64> = (0..20)
        .map(|_| {
            client.get("/evil/x").json()["headers"]["x-calls"]
                .as_str()
                .and_then(|calls| calls.parse().ok())
                .expect("a number")
        })
        .collect();
    assert!(seen.iter().all(|&calls| calls <= 6) && seen.iter().filter(|&&calls| calls == 1).count() >= 3, "{seen:?}");
}

#[test]
fn an_isolated_instance_sees_nothing_of_another_request() {
    let gateway = hostile("isolation = \"request\"");
    let mut client = gateway.client();
    let seen: HashSet<String> =
        (0..20).map(|_| client.get("/evil/x").json()["headers"]["x-calls"].to_string()).collect();
    assert_eq!(seen, HashSet::from(["\"1\"".to_owned()]));
    wait_for("the instances to end", || (instances(&gateway, "hostile") == 0.0).then_some(()));
}

#[test]
fn an_isolated_plugin_that_traps_still_hears_how_it_ended() {
    let gateway = hostile("isolation = \"request\"");
    assert_eq!(ask(&gateway, "x-do", "trap").status, 500);
    let heard = "tollgate_plugin_calls_total{plugin=\"hostile\",hook=\"on-log\",outcome=\"next\"}";
    wait_for("on-log", || (gateway.metric(heard) == 1.0).then_some(()));
}

/// A gateway whose one plugin has one instance, which an exchange keeps until the upstream answers.
fn narrow(upstream: &Upstream, limits: &str) -> Gateway {
    let more =
        format!("grants = [\"state\", \"limiter\"]\nisolation = \"request\"\nlimits = {{ instances = 1, {limits} }}");
    let routes = routes(&[("evil", &["hostile"])]).replace("internal:echo", &upstream.url());
    gateway(&format!("{}{routes}", plugin("hostile", "hostile", &more)))
}

#[test]
fn who_finds_the_queue_for_an_instance_full_is_told_that_the_plugin_is_busy() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = narrow(&upstream, "queue = 1, wall = \"30s\"");
    let address = gateway.address();
    let mut first = gateway.client();
    first.start(Request::get("/evil/first"));
    upstream.wait_for_requests(1);

    let others: Vec<_> = (0..3).map(|_| thread::spawn(move || Client::connect(address).get("/evil/next"))).collect();
    wait_for("two to be refused", || (faults(&gateway, "hostile", "no-instance") == 2.0).then_some(()));
    gate.open();
    assert_eq!(first.receive().text(), "late");
    let mut answers: Vec<_> = others.into_iter().map(|other| other.join().expect("an answer")).collect();
    answers.sort_by_key(|answer| answer.status);
    assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 503, 503]);
    assert_eq!(answers[1].problem(), "plugin-busy");
    gateway.wait_for_log("plugin all of its 1 instances are in use");
}

#[test]
fn the_wait_for_an_instance_is_bounded() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = narrow(&upstream, "wall = \"50ms\"");
    let mut first = gateway.client();
    first.start(Request::get("/evil/first"));
    upstream.wait_for_requests(1);
    assert_eq!(gateway.get("/evil/second").problem(), "plugin-busy");
    gate.open();
    assert_eq!(first.receive().status, 200);
    assert_eq!(gateway.get("/evil/third").status, 200);
}

#[test]
fn who_leaves_the_queue_gives_up_its_place() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = narrow(&upstream, "queue = 1, wall = \"30s\"");
    let mut first = gateway.client();
    first.start(Request::get("/evil/first"));
    upstream.wait_for_requests(1);
    let in_flight =
        |count| wait_for("requests", || (gateway.metric("tollgate_requests{worker=\"0\"}") == count).then_some(()));
    let mut waiting = gateway.client();
    waiting.start(Request::get("/evil/leaves"));
    in_flight(2.0);
    assert_eq!(gateway.get("/evil/refused").problem(), "plugin-busy");
    waiting.abort();
    in_flight(1.0);
    let address = gateway.address();
    let another = thread::spawn(move || Client::connect(address).get("/evil/stays"));
    in_flight(2.0);
    gate.open();
    assert_eq!(first.receive().status, 200);
    assert_eq!(another.join().expect("an answer").status, 200);
}
