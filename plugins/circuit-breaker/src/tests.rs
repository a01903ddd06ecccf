use super::*;
use serde_json::Value;
use tollgate_plugin_sdk::testing::{Gateway, RequestBuilder, Response, ResponseBuilder, Tester};

fn plugin(config: Value) -> Tester<CircuitBreaker> {
    testing::configure(config).expect("the configuration is good")
}

/// The only problem of a configuration, as `pointer: message`.
fn problem(config: Value) -> String {
    let problems = testing::configure::<CircuitBreaker>(config).expect_err("the configuration is bad");
    let [problem] = problems.as_slice() else { panic!("expected one problem: {problems:?}") };
    format!("{}: {}", problem.pointer, problem.message)
}

fn users() -> RequestBuilder {
    testing::get("/").upstream("users")
}

fn error(status: u16, kind: &str) -> ResponseBuilder {
    testing::response(status).origin(Origin::Gateway(kind.to_owned()))
}

/// What a later plugin of the chain answered.
fn replied(status: u16) -> ResponseBuilder {
    testing::response(status).origin(Origin::Plugin("other".to_owned()))
}

/// One exchange that reaches the upstream.
fn exchange(plugin: &Tester<CircuitBreaker>, response: ResponseBuilder) {
    plugin.request(users()).next();
    let _ = plugin.respond(response).next();
}

fn fail(plugin: &Tester<CircuitBreaker>, times: usize) {
    for _ in 0..times {
        exchange(plugin, testing::response(503));
    }
}

fn refused(plugin: &Tester<CircuitBreaker>) -> Response {
    let reply = plugin.request(users()).reply();
    assert_eq!(reply.status(), 503);
    reply
}

fn record() -> Option<String> {
    state::get(Subject::Upstream, "record").map(|record| String::from_utf8(record).expect("a record is text"))
}

/// Opened, and its recovery is over.
fn recovered(config: Value) -> (Gateway, Tester<CircuitBreaker>) {
    let gateway = Gateway::new();
    let plugin = plugin(config);
    fail(&plugin, 5);
    refused(&plugin);
    gateway.advance(Duration::from_secs(30));
    (gateway, plugin)
}

#[test]
fn a_healthy_upstream_leaves_no_record() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({}));
    exchange(&plugin, testing::response(200));
    exchange(&plugin, testing::response(404));
    exchange(&plugin, testing::response(501));
    assert_eq!(record(), None);
}

#[test]
fn a_healthy_upstream_costs_no_call() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({}));
    plugin.request(users()).next();
    assert_eq!(gateway.crossings(), 0);
    let _ = plugin.respond(testing::response(200)).next();
    assert_eq!(gateway.crossings(), 0);
    let _ = plugin.respond(testing::response(503)).next();
    assert!(gateway.crossings() > 0);
    plugin.request(users()).next();
    assert!(gateway.crossings() > 0, "a failure is kept");
}

#[test]
fn five_failures_in_a_row_open_it_for_half_a_minute() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({}));
    fail(&plugin, 5);
    let reply = refused(&plugin);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(reply.header("retry-after"), Some("30"));
    assert_eq!(reply.json()["type"], "urn:tollgate:problem:circuit-open");
    assert_eq!(gateway.log(), ["warn: upstream `users` is left alone for 30s: 5 failures in a row"]);

    gateway.advance(Duration::from_millis(28_001));
    assert_eq!(refused(&plugin).header("retry-after"), Some("2"), "rounded up");
    gateway.advance(Duration::from_millis(1_999));
    plugin.request(users()).next();
}

#[test]
fn a_success_ends_the_row() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({}));
    fail(&plugin, 4);
    exchange(&plugin, testing::response(200));
    fail(&plugin, 4);
    plugin.request(users()).next();
}

#[test]
fn a_success_that_began_before_the_failures_ends_the_row_too() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({}));
    plugin.request(users()).next();
    // Meanwhile, on other workers:
    state::set(Subject::Upstream, "record", "closed 4", None);
    let _ = plugin.respond(testing::response(200)).next();
    assert_eq!(record().as_deref(), Some("closed 0"));
    fail(&plugin, 4);
    plugin.request(users()).next();
}

#[test]
fn a_record_that_says_nothing_goes_by_itself() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({}));
    fail(&plugin, 1);
    exchange(&plugin, testing::response(200));
    gateway.advance(Duration::from_secs(60));
    assert_eq!(record(), None);
}

#[test]
fn each_upstream_has_a_breaker_of_its_own() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({ "failures": 1 }));
    fail(&plugin, 1);
    refused(&plugin);
    plugin.request(testing::get("/").upstream("orders")).next();
}

#[test]
fn the_gateways_own_errors_count() {
    for (status, kind) in [
        (502, "upstream-connect"),
        (504, "upstream-connect-timeout"),
        (504, "upstream-timeout"),
        (502, "upstream-reset"),
        (502, "upstream-malformed"),
    ] {
        let _gateway = Gateway::new();
        let plugin = plugin(json!({ "failures": 1, "statuses": [] }));
        exchange(&plugin, error(status, kind));
        refused(&plugin);
    }
}

#[test]
fn what_was_not_the_upstreams_doing_counts_as_nothing() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({ "failures": 2 }));
    fail(&plugin, 1);
    for response in [
        replied(503),
        replied(200),
        error(503, "upstream-no-endpoint"),
        error(500, "plugin-fault"),
        error(413, "body-too-large"),
        error(400, "request-body-cut"),
    ] {
        exchange(&plugin, response);
        assert_eq!(record().as_deref(), Some("closed 1"));
    }
}

#[test]
fn which_statuses_and_errors_count_is_configured() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({
        "failures": 1, "statuses": [429, "520-529"], "errors": ["upstream-no-endpoint"],
    }));
    exchange(&plugin, testing::response(503));
    exchange(&plugin, error(504, "upstream-timeout"));
    plugin.request(users()).next();
    for response in [testing::response(429), testing::response(525), error(503, "upstream-no-endpoint")] {
        state::delete(Subject::Upstream, "record");
        exchange(&plugin, response);
        refused(&plugin);
    }
}

#[test]
fn a_part_of_a_window_that_fails_opens_it() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({ "ratio": { "threshold": 0.5, "window": "10s", "minimum": 4 } }));
    fail(&plugin, 3);
    exchange(&plugin, testing::response(200));
    refused(&plugin);
    assert_eq!(gateway.log(), ["warn: upstream `users` is left alone for 30s: 3 of 4 responses failed"]);
}

#[test]
fn a_window_ends_with_what_it_counted() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({ "ratio": { "threshold": 0.5, "window": "10s", "minimum": 4 } }));
    fail(&plugin, 3);
    gateway.advance(Duration::from_secs(10));
    fail(&plugin, 3);
    plugin.request(users()).next();
}

#[test]
fn a_ratio_alone_does_not_count_in_a_row() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({ "ratio": { "threshold": 1, "window": "10s" } }));
    fail(&plugin, 19);
    assert_eq!(record(), None);
    fail(&plugin, 1);
    refused(&plugin);
}

#[test]
fn a_row_and_a_ratio_can_stand_together() {
    let _gateway = Gateway::new();
    let plugin = plugin(json!({ "failures": 3, "ratio": { "threshold": 0.5, "window": "10s" } }));
    fail(&plugin, 3);
    refused(&plugin);
}

#[test]
fn a_window_begins_anew_when_it_closes() {
    let gateway = Gateway::new();
    let plugin = plugin(json!({
        "ratio": { "threshold": 0.5, "window": "1h", "minimum": 2 }, "recovery": "1s",
    }));
    fail(&plugin, 2);
    gateway.advance(Duration::from_secs(1));
    exchange(&plugin, testing::response(200));
    fail(&plugin, 1);
    plugin.request(users()).next();
}

#[test]
fn a_probe_that_succeeds_closes_it() {
    let (gateway, plugin) = recovered(json!({}));
    exchange(&plugin, testing::response(200));
    assert_eq!(gateway.log().last().map(String::as_str), Some("info: upstream `users` answers again"));
    fail(&plugin, 4);
    plugin.request(users()).next();
}

#[test]
fn a_probe_that_fails_opens_it_again() {
    let (gateway, plugin) = recovered(json!({}));
    exchange(&plugin, error(504, "upstream-timeout"));
    assert_eq!(refused(&plugin).header("retry-after"), Some("30"));
    let last = gateway.log().pop();
    assert_eq!(last.as_deref(), Some("warn: upstream `users` is left alone for 30s: a probe failed"));
}

#[test]
fn one_probe_goes_out_at_a_time() {
    let (_gateway, plugin) = recovered(json!({}));
    plugin.request(users()).next();
    assert_eq!(refused(&plugin).header("retry-after"), Some("1"));
}

#[test]
fn several_probes_can_go_out_at_once() {
    let (_gateway, plugin) = recovered(json!({ "probes": 3 }));
    for _ in 0..3 {
        plugin.request(users()).next();
    }
    refused(&plugin);
}

#[test]
fn several_probes_can_be_asked_to_succeed() {
    let (_gateway, plugin) = recovered(json!({ "successes": 2 }));
    exchange(&plugin, testing::response(200));
    plugin.request(users()).next();
    refused(&plugin);
    state::set(Subject::Upstream, "record", "half-open 1 1", None);
    exchange(&plugin, testing::response(200));
    assert_eq!(record().as_deref(), Some("closed 0"));
}

#[test]
fn a_probe_that_is_never_heard_of_blocks_the_others_no_longer_than_its_lease() {
    let (gateway, plugin) = recovered(json!({ "probe-ttl": "10s" }));
    plugin.request(users()).next();
    gateway.advance(Duration::from_millis(9_999));
    refused(&plugin);
    gateway.advance(Duration::from_millis(1));
    exchange(&plugin, testing::response(200));
    assert_eq!(record().as_deref(), Some("closed 0"));
}

#[test]
fn a_probe_whose_client_leaves_gives_its_lease_back() {
    let (_gateway, plugin) = recovered(json!({}));
    plugin.request(users()).next();
    plugin.log(testing::entry()).expect("no fault");
    assert_eq!(record().as_deref(), Some("half-open 0 1"));
    exchange(&plugin, testing::response(200));
    assert_eq!(record().as_deref(), Some("closed 0"));
}

#[test]
fn a_probe_that_never_reached_the_upstream_gives_its_lease_back() {
    for response in [replied(401), error(500, "plugin-fault"), error(400, "request-body-cut")] {
        let (_gateway, plugin) = recovered(json!({}));
        exchange(&plugin, response);
        assert_eq!(record().as_deref(), Some("half-open 0 1"));
        plugin.request(users()).next();
        refused(&plugin);
    }
}

#[test]
fn while_it_is_half_open_only_probes_count() {
    let gateway = Gateway::new();
    gateway.exchange(users());
    let plugin = plugin(json!({}));
    for half_open in ["half-open 0 1 1@1767225600000", "half-open 0 1"] {
        for status in [200, 503] {
            state::delete(Subject::Upstream, "record");
            plugin.request(users()).next();
            state::set(Subject::Upstream, "record", half_open, None);
            let _ = plugin.respond(testing::response(status)).next();
            assert_eq!(record().as_deref(), Some(half_open));
        }
    }
}

#[test]
fn a_probe_that_lost_its_lease_counts_no_more() {
    let (_gateway, plugin) = recovered(json!({}));
    plugin.request(users()).next();
    // Another worker has given up this probe and sent one of its own.
    state::set(Subject::Upstream, "record", "half-open 0 2 2@1767225660000", None);
    let _ = plugin.respond(testing::response(503)).next();
    assert_eq!(record().as_deref(), Some("half-open 0 2 2@1767225660000"));
}

#[test]
fn what_comes_back_while_it_is_open_changes_nothing() {
    let gateway = Gateway::new();
    gateway.exchange(users());
    let plugin = plugin(json!({}));
    for status in [200, 503] {
        state::delete(Subject::Upstream, "record");
        plugin.request(users()).next();
        state::set(Subject::Upstream, "record", "open 1767225600000", None);
        gateway.advance(Duration::from_secs(5));
        let _ = plugin.respond(testing::response(status)).next();
        assert_eq!(record().as_deref(), Some("open 1767225600000"));
    }
}

#[test]
fn a_configuration_says_what_is_wrong_and_where() {
    assert_eq!(problem(json!({ "failures": 0 })), "/failures: expected at least 1");
    assert_eq!(problem(json!({ "probes": 0 })), "/probes: expected at least 1");
    assert_eq!(problem(json!({ "recovery": "0s" })), "/recovery: expected at least `1ms`");
    assert_eq!(
        problem(json!({ "errors": ["upstream-timout"] })),
        "/errors/0: unknown error `upstream-timout`, expected one of `upstream-connect`, \
         `upstream-connect-timeout`, `upstream-timeout`, `upstream-reset`, `upstream-malformed`, \
         `upstream-no-endpoint`"
    );
    assert_eq!(
        problem(json!({ "statuses": [], "errors": [] })),
        "/statuses: without `statuses` and `errors` nothing is a failure"
    );
    assert_eq!(
        problem(json!({ "ratio": { "threshold": 50, "window": "1s" } })),
        "/ratio/threshold: expected a part, above 0 and at most 1, such as 0.5"
    );
    assert_eq!(
        problem(json!({ "ratio": { "threshold": 0.5, "window": "2h" } })),
        "/ratio/window: expected `1ms` to `1h`"
    );
    for status in [json!(5), json!("5xx"), json!("599-500"), json!(1000)] {
        assert_eq!(
            problem(json!({ "statuses": [503, status] })),
            "/statuses/1: expected a status from 200 to 599, such as 503, or a range such as `500-599`"
        );
    }
}

#[test]
fn a_misspelt_field_is_a_problem_at_its_place() {
    let problem = problem(json!({ "ratio": { "treshold": 0.5 } }));
    assert_eq!(problem, "/ratio/treshold: unknown key `treshold`: did you mean `threshold`?");
}
