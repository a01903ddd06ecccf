use super::*;
use serde_json::Value;
use tollgate_plugin_sdk::testing::{Response, Tester};

fn plugin(config: Value) -> Tester<RateLimit> {
    testing::configure(config).expect("the configuration is good")
}

/// The only problem of a configuration, as `pointer: message`.
fn problem(config: Value) -> String {
    let problems = testing::configure::<RateLimit>(config).expect_err("the configuration is bad");
    let [problem] = problems.as_slice() else { panic!("expected one problem: {problems:?}") };
    format!("{}: {}", problem.pointer, problem.message)
}

fn field(response: &Response, name: &str) -> Option<String> {
    response.header(name).map(str::to_owned)
}

#[test]
fn what_is_over_the_limit_is_refused_until_there_is_room_again() {
    let gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 2, "window": "1m" }));
    plugin.request(testing::get("/")).next();
    plugin.request(testing::get("/")).next();

    let reply = plugin.request(testing::get("/")).reply();
    assert_eq!(reply.status(), 429);
    assert_eq!(field(&reply, "content-type").as_deref(), Some("application/problem+json"));
    assert_eq!(field(&reply, "retry-after").as_deref(), Some("30"));
    assert_eq!(reply.json()["detail"], "exceeded: default");

    gateway.advance(Duration::from_secs(29));
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 429);
    gateway.advance(Duration::from_secs(1));
    plugin.request(testing::get("/")).next();
}

#[test]
fn a_request_that_passes_costs_two_calls_into_the_gateway() {
    let gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 2, "window": "1m" }));
    plugin.request(testing::get("/")).next();
    assert_eq!(gateway.crossings(), 3, "the hook, the quota, and what the client is told of it");
}

#[test]
fn every_response_says_how_the_quotas_stand() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "quotas": [
        { "name": "second", "limit": 2, "window": "1s" },
        { "name": "day", "limit": 10, "window": "1d", "algorithm": "sliding-window" },
    ] }));
    let policy = Some("\"second\";q=2;w=1, \"day\";q=10;w=86400".to_owned());

    plugin.request(testing::get("/")).next();
    let response = plugin.respond(testing::response(200)).next();
    assert_eq!(field(&response, "ratelimit-policy"), policy);
    let standing = field(&response, "ratelimit").expect("headers are on");
    assert!(standing.starts_with("\"second\";r=1;t=1, \"day\";r=9;t="), "{standing}");
    assert_eq!(field(&response, "retry-after"), None);

    plugin.request(testing::get("/")).next();
    let reply = plugin.request(testing::get("/")).reply();
    assert_eq!(field(&reply, "ratelimit-policy"), policy);
    let standing = field(&reply, "ratelimit").expect("headers are on");
    assert!(standing.starts_with("\"second\";r=0;t=1, \"day\";r=8;t="), "{standing}");
    assert_eq!(field(&reply, "retry-after").as_deref(), Some("1"));
}

#[test]
fn what_another_limiter_says_stays_beside() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 5, "window": "1s" }));
    plugin.request(testing::get("/")).next();
    let upstream = testing::response(200).header("ratelimit", "\"own\";r=1");
    let response = plugin.respond(upstream).next();
    let lines = response.headers().iter().filter(|(name, _)| name == "ratelimit");
    let lines: Vec<_> = lines.map(|(_, value)| value.as_bytes()).collect();
    assert_eq!(lines, [&b"\"own\";r=1"[..], b"\"default\";r=4;t=1"]);
}

#[test]
fn headers_can_be_off() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 1, "window": "500ms", "headers": false }));
    plugin.request(testing::get("/")).next();
    assert_eq!(plugin.respond(testing::response(200)).next().headers(), []);
    let reply = plugin.request(testing::get("/")).reply();
    assert_eq!(field(&reply, "ratelimit"), None);
    assert_eq!(field(&reply, "ratelimit-policy"), None);
    assert_eq!(field(&reply, "retry-after").as_deref(), Some("1"), "half a second is rounded up");
}

#[test]
fn a_window_that_is_no_whole_seconds_is_not_told() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 10, "window": "1500ms" }));
    plugin.request(testing::get("/")).next();
    let response = plugin.respond(testing::response(200)).next();
    assert_eq!(field(&response, "ratelimit-policy").as_deref(), Some("\"default\";q=10"));
}

#[test]
fn what_one_quota_refuses_is_not_charged_to_the_others() {
    let gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "quotas": [
        { "name": "second", "limit": 1, "window": "1s" },
        { "name": "hour", "limit": 2, "window": "1h" },
    ] }));
    plugin.request(testing::get("/")).next();
    for _ in 0..5 {
        let reply = plugin.request(testing::get("/")).reply();
        assert_eq!(reply.json()["detail"], "exceeded: second");
    }
    gateway.advance(Duration::from_secs(1));
    plugin.request(testing::get("/")).next();
    gateway.advance(Duration::from_secs(1));
    assert_eq!(plugin.request(testing::get("/")).reply().json()["detail"], "exceeded: hour");
}

#[test]
fn a_burst_is_what_may_come_at_once() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 100, "window": "1s", "burst": 2 }));
    plugin.request(testing::get("/")).next();
    plugin.request(testing::get("/")).next();
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 429);
}

#[test]
fn each_consumer_has_a_quota_wherever_it_calls_from() {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme");
    gateway.consumer("globex");
    let plugin = plugin(json!({ "limit": 1, "window": "1m" }));
    plugin.request(testing::get("/").consumer("acme")).next();
    plugin.request(testing::get("/").consumer("globex")).next();
    let elsewhere = testing::get("/").consumer("acme").client_address("198.51.100.7");
    assert_eq!(plugin.request(elsewhere).reply().status(), 429);
}

#[test]
fn a_caller_whom_nobody_identified_has_its_addresses_quota() {
    let gateway = testing::Gateway::new();
    gateway.consumer("acme");
    let plugin = plugin(json!({ "limit": 1, "window": "1m" }));
    plugin.request(testing::get("/")).next();
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 429);
    plugin.request(testing::get("/").client_address("198.51.100.7")).next();
    plugin.request(testing::get("/").consumer("acme")).next();
}

#[test]
fn an_ipv6_network_is_one_caller() {
    let _gateway = testing::Gateway::new();
    let from = |address| testing::get("/").client_address(address);
    let plugin = plugin(json!({ "by": "address", "limit": 1, "window": "1m" }));
    plugin.request(from("2001:db8:0:1::1")).next();
    assert_eq!(plugin.request(from("2001:db8:0:1:ffff::2")).reply().status(), 429);
    plugin.request(from("2001:db8:0:2::1")).next();
}

#[test]
fn the_size_of_an_ipv6_network_can_be_set() {
    let _gateway = testing::Gateway::new();
    let from = |address| testing::get("/").client_address(address);
    let wide = plugin(json!({ "by": "address", "ipv6-prefix": 48, "limit": 1, "window": "1m" }));
    wide.request(from("2001:db8:0:1::1")).next();
    assert_eq!(wide.request(from("2001:db8:0:2::1")).reply().status(), 429);
    let exact = plugin(json!({ "by": "address", "ipv6-prefix": 128, "limit": 1, "window": "1m" }));
    exact.request(from("2001:db8::1")).next();
    exact.request(from("2001:db8::2")).next();
}

#[test]
fn an_ipv4_address_is_the_same_in_its_ipv6_form() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "by": "address", "limit": 1, "window": "1m" }));
    plugin.request(testing::get("/").client_address("192.0.2.1")).next();
    let mapped = testing::get("/").client_address("::ffff:192.0.2.1");
    assert_eq!(plugin.request(mapped).reply().status(), 429);
}

#[test]
fn a_header_tells_callers_apart() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "by": { "header": "X-Tenant" }, "limit": 1, "window": "1m" }));
    let tenant = |value: &[u8]| testing::get("/").header("x-tenant", value);
    plugin.request(tenant(b"blue")).next();
    plugin.request(tenant(b"red")).next();
    plugin.request(tenant(&[0xff; 2000])).next();
    assert_eq!(plugin.request(tenant(b"blue")).reply().status(), 429);
    plugin.request(testing::get("/")).next();
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 429, "without it, by address");
}

#[test]
fn a_route_can_have_one_quota_for_all() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "by": "route", "limit": 1, "window": "1m" }));
    plugin.request(testing::get("/").route("users")).next();
    plugin.request(testing::get("/").route("orders")).next();
    let other = testing::get("/").route("users").client_address("198.51.100.7");
    assert_eq!(plugin.request(other).reply().status(), 429);
}

#[test]
fn a_cost_can_be_fixed() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({ "limit": 10, "window": "1m", "cost": 4 }));
    plugin.request(testing::get("/")).next();
    plugin.request(testing::get("/")).next();
    assert_eq!(plugin.request(testing::get("/")).reply().status(), 429);
}

#[test]
fn a_cost_can_come_from_a_header() {
    let _gateway = testing::Gateway::new();
    let plugin = plugin(json!({
        "limit": 10, "window": "1m", "cost": { "header": "x-cost", "default": 2, "most": 5 },
    }));
    let cost = |units: &str| testing::get("/").header("x-cost", units);
    plugin.request(cost("5")).next();
    plugin.request(testing::get("/")).next();
    for wrong in ["0", "6", "-1", "1.5", "many", ""] {
        let reply = plugin.request(cost(wrong)).reply();
        assert_eq!(reply.status(), 400, "{wrong}");
        assert_eq!(reply.json()["detail"], "`x-cost` is not a whole number from 1 to 5");
    }
    plugin.request(cost("3")).next();
    assert_eq!(plugin.request(cost("1")).reply().status(), 429);
}

#[test]
fn waiting_in_vain_is_not_advised() {
    let never = std::time::Duration::from_millis(u64::MAX);
    assert_eq!(fields::wait(never), None);
    assert_eq!(fields::wait(std::time::Duration::from_millis(1)), Some(1));
    assert_eq!(fields::wait(std::time::Duration::from_secs(2)), Some(2));
}

#[test]
fn a_configuration_names_a_quota_in_one_way() {
    assert_eq!(problem(json!({})), ": expected `limit` and `window`, or `quotas`");
    assert_eq!(problem(json!({ "limit": 1 })), ": expected `limit` and `window`, or `quotas`");
    assert_eq!(
        problem(json!({ "burst": 1, "quotas": [] })),
        "/quotas: with `quotas`, `limit`, `window`, `burst` and `algorithm` belong into each of them"
    );
    assert_eq!(problem(json!({ "quotas": [] })), "/quotas: expected 1 to 16 quotas");
}

#[test]
fn every_problem_has_its_place() {
    let config = json!({ "ipv6-prefix": 0, "cost": 7, "quotas": [
        { "name": "a b", "limit": 0, "window": "0s" },
        { "name": "c", "limit": 5, "window": "1s", "burst": 1, "algorithm": "sliding-window" },
        { "name": "c", "limit": 5, "window": "1s", "burst": 0 },
    ] });
    let problems = testing::configure::<RateLimit>(config).expect_err("much is wrong");
    let places: Vec<_> = problems.iter().map(|problem| &*problem.pointer).collect();
    assert_eq!(
        places,
        [
            "/ipv6-prefix",
            "/quotas/0/name",
            "/quotas/0/limit",
            "/quotas/0/window",
            "/quotas/1/burst",
            "/quotas/2/burst",
            "/quotas/2/name",
        ]
    );
}

#[test]
fn a_quota_that_is_wrong_says_nothing_of_the_cost() {
    let config = json!({ "limit": 0, "window": "1s", "burst": 0 });
    let problems = testing::configure::<RateLimit>(config).expect_err("both are bad");
    assert_eq!(problems.iter().map(|problem| problem.pointer.as_str()).collect::<Vec<_>>(), ["/limit", "/burst"]);
}

#[test]
fn a_cost_that_could_never_pass_is_a_problem() {
    let config = |cost| json!({ "limit": 10, "window": "1s", "cost": cost });
    assert_eq!(problem(config(json!(11))), "/cost: a cost of 11 is not from 1 to 10");
    assert_eq!(problem(config(json!(0))), "/cost: a cost of 0 is not from 1 to 10");
    let most = json!({ "header": "x-cost", "most": 11 });
    assert_eq!(problem(config(most)), "/cost/most: a cost of 11 is not from 1 to 10");
    let default = json!({ "header": "x-cost", "default": 3, "most": 2 });
    assert_eq!(problem(config(default)), "/cost/default: a cost of 3 is not from 1 to 2");
}

#[test]
fn a_misspelt_field_is_a_problem_at_its_place() {
    let start = |config, start: &str| {
        let problem = problem(config);
        assert!(problem.starts_with(start), "{problem}");
    };
    start(json!({ "limit": 1, "window": "1s", "burts": 1 }), "/burts: unknown key `burts`: did you mean `burst`?");
    let quota = json!({ "name": "a", "limit": 1, "window": "1s", "cost": 1 });
    start(json!({ "quotas": [quota] }), "/quotas/0/cost: unknown key `cost`");
    start(json!({ "cost": { "headr": "x" } }), "/cost/headr: unknown key `headr`: did you mean `header`?");
    start(json!({ "cost": "1" }), "/cost: expected a number of units, or `{ header = \"..\" }`, found a string");
    start(json!({ "cost": -1 }), "/cost: expected a number of units, or `{ header = \"..\" }`");
    start(json!({ "by": "user" }), "/by: unknown value `user`: there are `consumer`");
    start(json!({ "by": { "header": "x y" } }), "/by/header: `x y` is no name of a header");
    start(json!({ "window": "1 s" }), "/window: `1 s` is no duration");
}
