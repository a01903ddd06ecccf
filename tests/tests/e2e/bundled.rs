//! The bundled plugins through the whole gateway: what each promises that its native tests cannot show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::{Builder, Gate, Gateway, Reply, Request, Response, Upstream, wait_for};

use crate::{BINARY, builder, gateway};

/// A gateway that runs on an example of the repository, on a free port.
fn example(name: &str) -> Gateway {
    let path = format!("{}/../config/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Builder::new(BINARY, &text.replace("127.0.0.1:8080", "127.0.0.1:0")).start()
}

/// The headers that `internal:echo` got.
fn echoed(answer: &Response) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["headers"].clone()
}

#[test]
fn the_upstream_learns_who_calls_and_not_the_key() {
    let gateway = example("key-auth");
    let request = Request::get("/users/7").header("x-api-key", "acme-demo-key").header("X_Consumer.Name", "root");
    let headers = echoed(&gateway.send(request));
    assert_eq!((&headers["x-consumer-name"], &headers["x-consumer-groups"]), (&"acme".into(), &"partners".into()));
    assert!(headers["x-api-key"].is_null(), "{headers}");
    assert!(!headers.to_string().contains("root"), "{headers}");
    assert_eq!(gateway.wait_for_access("/users/7")["consumer"], "acme");
    let by_query = gateway.get("/users/7?a=1&api_key=hobbyist-demo-key&b=2").json();
    assert_eq!(
        (by_query["query"].as_str(), by_query["headers"]["x-consumer-name"].as_str()),
        (Some("a=1&b=2"), Some("hobbyist"))
    );
}

#[test]
fn who_is_unknown_or_in_no_allowed_group_does_not_pass() {
    let gateway = example("key-auth");
    for (name, value) in [("x-api-key", "wrong"), ("x-api-key", ""), ("x-consumer-name", "acme"), ("host", "x")] {
        let answer = gateway.send(Request::get("/users/7").header(name, value));
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Key realm=\"tollgate\"")), "{name}");
    }
    let as_partner =
        |key: &str| gateway.send(Request::get("/partners/1").header("authorization", &format!("bearer {key}"))).status;
    assert_eq!((as_partner("acme-demo-key"), as_partner("hobbyist-demo-key"), as_partner("x")), (200, 403, 401));
}

#[test]
fn one_endpoint_has_another_quota_than_all_others() {
    let gateway = example("rate-limit");
    let statuses: Vec<u16> = (0..6).map(|_| gateway.get("/search").status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    let elsewhere = gateway.get("/elsewhere");
    assert_eq!(elsewhere.status, 200);
    assert_eq!(elsewhere.header("ratelimit-policy"), Some("\"second\";q=100;w=1, \"minute\";q=1000;w=60"));
}

#[test]
fn workers_share_a_quota_to_the_last_unit() {
    let gateway = Arc::new(gateway(
        r#"
[gateway]
workers = 2

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[route]]
name = "limited"
match = { path = "/**" }
plugins = [{ source = "rate-limit", config = { by = "route", limit = 50, window = "1h" } }]
upstream = "echo"
"#,
    ));
    let passed = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, passed) = (Arc::clone(&gateway), Arc::clone(&passed));
            thread::spawn(move || {
                let mut client = gateway.client();
                for _ in 0..25 {
                    passed.fetch_add(usize::from(client.get("/").status == 200), SeqCst);
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().expect("no client fails"));
    assert_eq!(passed.load(SeqCst), 50);
}

/// A gateway of two workers with a breaker before this upstream.
fn with_breaker(upstream: &Upstream, config: &str) -> Gateway {
    builder(&format!(
        r#"
[gateway]
workers = 2

[[upstream]]
name = "orders"
endpoints = ["{}"]

[[route]]
name = "orders"
match = {{ path = "/**" }}
plugins = [{{ source = "circuit-breaker", config = {{ {config} }} }}]
upstream = "orders"
"#,
        upstream.url()
    ))
    .start()
}

#[test]
fn a_failing_upstream_is_left_alone_by_all_workers_and_tried_again() {
    let fails = Arc::new(AtomicBool::new(true));
    let failing = Arc::clone(&fails);
    let upstream = Upstream::start(move |_| match failing.load(SeqCst) {
        true => Reply::raw("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"),
        false => Reply::ok("well"),
    });
    let gateway = with_breaker(&upstream, r#"failures = 3, recovery = "1s""#);
    for _ in 0..3 {
        assert_eq!(gateway.get("/").header("retry-after"), None);
    }
    // Each on a connection of its own, so that both workers are asked.
    for _ in 0..8 {
        let refused = gateway.get("/");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
        assert_eq!(refused.problem(), "circuit-open");
    }
    assert_eq!(upstream.received().len(), 3);
    gateway.wait_for_log("upstream `orders` is left alone for 1s: 3 failures in a row");
    fails.store(false, SeqCst);
    wait_for("the breaker to close", || (gateway.get("/").status == 200).then_some(()));
    gateway.wait_for_log("upstream `orders` answers again");
    assert!((0..8).all(|_| gateway.get("/").status == 200));
    assert_eq!(upstream.received().len(), 12);
}

#[test]
fn an_upstream_that_nobody_reaches_opens_the_breaker_too() {
    let gateway = gateway(
        r#"
[[upstream]]
name = "orders"
endpoints = ["http://127.0.0.1:1"]

[[route]]
name = "orders"
match = { path = "/**" }
plugins = [{ source = "circuit-breaker", config = { failures = 2 } }]
upstream = "orders"
"#,
    );
    let statuses: Vec<u16> = (0..3).map(|_| gateway.get("/").status).collect();
    assert_eq!(statuses, [502, 502, 503]);
}

#[test]
fn a_client_that_leaves_takes_no_probe_with_it() {
    let gate = Gate::closed();
    let held = gate.clone();
    let asked = AtomicUsize::new(0);
    let upstream = Upstream::start(move |_| match asked.fetch_add(1, SeqCst) {
        0 => Reply::raw("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"),
        1 => Reply::ok("late").after(&held),
        _ => Reply::ok("well"),
    });
    let gateway = with_breaker(&upstream, r#"failures = 1, recovery = "1ms", probe-ttl = "1h""#);
    assert_eq!(gateway.get("/").status, 500);
    let opened = Instant::now();
    wait_for("the recovery", || (opened.elapsed() > Duration::from_millis(2)).then_some(()));
    let mut client = gateway.client();
    client.start(Request::get("/"));
    upstream.wait_for_requests(2);
    client.abort();
    wait_for("another probe", || (gateway.get("/").status == 200).then_some(()));
    assert_eq!(upstream.received().len(), 3);
    gate.open();
}

#[test]
fn what_a_route_captured_is_put_where_the_templates_say() {
    let gateway = example("transform");
    let request =
        Request::get("/v1/users/j%C3%B6rg?q=a%20b&debug=1&x=2").header("x-internal", "1").header("x-user", "root");
    let answer = gateway.send(request);
    let seen = answer.json();
    assert_eq!((seen["path"].as_str(), seen["query"].as_str()), (Some("/people/j%C3%B6rg"), Some("search=a%20b&x=2")));
    assert_eq!(
        (seen["headers"]["x-user"].as_str(), seen["headers"]["x-asked-by"].as_str()),
        (Some("jörg"), Some("127.0.0.1"))
    );
    assert!(seen["headers"]["x-internal"].is_null(), "{seen}");
    assert_eq!(answer.header("deprecation"), Some("true"));
}
