//! `outbound`: requests of a plugin's own. Where they may not go is in `outbound_ssrf`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, Gate, Gateway, Ran, Reply, Request, Response, Upstream, wait_for};

use crate::guests::{faults, instances, plugin, routes};
use crate::{gateway, tollgate};

/// A gateway whose plugin may send to this upstream, by the name `behind`, and to its origin. `more` is of the plugin,
/// `table` of its `outbound`.
fn calling(behind: &Upstream, more: &str, table: &str) -> Gateway {
    gateway(&config(behind, more, table))
}

fn config(behind: &Upstream, more: &str, table: &str) -> String {
    let url = behind.url();
    let own = format!(
        "grants = [\"outbound\", \"state\"]\n{more}\n[plugin.outbound]\nupstreams = [\"behind\"]\norigins = [\"{url}\"]\n\
         networks = [\"127.0.0.1\"]\n{table}\n"
    );
    plugin("caller", "caller", &own)
        + &format!("[[upstream]]\nname = \"behind\"\nendpoints = [\"{url}\"]\n")
        + &routes(&[("calls", &["caller"]), ("plain", &[])])
}

/// `GET` of a path of the upstream.
fn to(path: &str) -> Value {
    json!({ "upstream": ["behind", path] })
}

pub fn request(requests: &[Value]) -> Request {
    request_for("/calls/x", requests)
}

fn request_for(path: &str, requests: &[Value]) -> Request {
    Request::get(path).header("x-send", &Value::from(requests).to_string())
}

/// What came back to the plugin.
pub fn came(response: &Response) -> Vec<Value> {
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_str(&response.text()).expect("an array")
}

fn sent(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_outbound_total{{plugin=\"caller\",outcome=\"{outcome}\"}}"))
}

/// Waits until so many instances are alive.
fn wait_for_instances(gateway: &Gateway, count: f64) {
    wait_for(&format!("{count} instances"), || (instances(gateway, "caller") == count).then_some(()));
}

#[test]
fn a_plugin_sends_to_an_upstream_and_to_an_origin() {
    let behind = Upstream::start(|received| {
        let (length, body) = (received.body.len(), String::from_utf8_lossy(&received.body));
        Reply::raw(format!("HTTP/1.1 201 Created\r\nx-from: behind\r\ncontent-length: {length}\r\n\r\n{body}"))
    });
    let gateway = calling(&behind, "", "");
    let url = format!("{}/there?q=1", behind.url());
    let requests = [
        json!({ "upstream": ["behind", "/here//x?y=/.."], "method": "PUT", "body": "a body", "headers": [["x-own", "1"], ["x-own", "2"]] }),
        json!({ "url": url, "method": "POST" }),
    ];
    let answered = |body: &str| json!({ "status": 201, "x": "behind", "body": body });
    for request in [&requests[..1], &requests[1..], &requests[..]] {
        let expected: Vec<Value> = request.iter().map(|it| answered(it["body"].as_str().unwrap_or_default())).collect();
        assert_eq!(came(&gateway.send(self::request(request))), expected);
    }
    let received = behind.received();
    assert_eq!((received[0].method.as_str(), received[0].target.as_str()), ("PUT", "/here/x?y=/.."));
    assert_eq!((received[1].method.as_str(), received[1].target.as_str()), ("POST", "/there?q=1"));
    assert_eq!(received[0].body, b"a body");
    let own: Vec<&str> = received[0].headers.iter().filter(|(name, _)| name == "x-own").map(|(_, it)| &**it).collect();
    assert_eq!(own, ["1", "2"]);
    assert_eq!(received[1].header("host"), Some(behind.address().to_string().as_str()));
    assert_eq!(received[1].header("content-length"), Some("0"));
    assert_eq!(sent(&gateway, "answered"), 4.0);
    // One connection for the upstream and one for the origin: both are kept.
    assert_eq!(behind.connections(), 2);
}

#[test]
fn requests_that_are_sent_at_once_wait_together() {
    let gate = Gate::closed();
    let held = gate.clone();
    let behind = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = calling(&behind, "", "");
    let mut client = gateway.client();
    client.start(request(&vec![to("/"); 16]));
    behind.wait_for_requests(16);
    gate.open();
    assert_eq!(came(&client.receive()).len(), 16);
    let refused = gateway.send(request(&vec![to("/"); 17]));
    assert_eq!((refused.status, faults(&gateway, "caller", "trap")), (500, 1.0));
}

#[test]
fn every_hook_that_can_reply_can_wait_and_no_other() {
    let behind = Upstream::saying("told");
    let gateway = calling(&behind, "", "");
    for hook in ["on-request", "on-request-body", "on-response", "on-response-body"] {
        let request = Request::post("/calls/x", "a body").header("x-send", &json!([to("/")]).to_string());
        let answer = came(&gateway.send(request.header("x-in", hook)));
        assert_eq!(answer[0]["body"], "told", "{hook}");
    }
    gateway.send(request(&[to("/")]).header("x-in", "on-log"));
    wait_for("the log hook", || {
        let kept = gateway.send(Request::get("/calls/x").header("x-ask", "1")).text();
        (kept == r#"[{"error":"Unavailable"}]"#).then_some(())
    });
    let config = config(&behind, "config = { at_once = \"http://127.0.0.1\" }", "");
    let ran = check(&config);
    assert!(ran.stderr.contains("plugin `caller`: this hook cannot wait for an answer"), "{}", ran.stderr);
    assert_eq!((behind.received().len(), sent(&gateway, "refused")), (4, 1.0));
}

#[test]
fn who_calls_is_passed_on_unless_the_plugin_says_it() {
    let behind = Upstream::saying("told");
    let gateway = calling(&behind, "", "");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = |requests: &[Value]| request(requests).header("traceparent", trace).header("tracestate", "a=1");
    gateway.send(traced(&[to("/")]));
    let own = json!({ "upstream": ["behind", "/"], "headers": [["traceparent", "own"], ["x-request-id", "mine"]] });
    gateway.send(traced(&[own]));
    let received = behind.received();
    let said = |index: usize| ["traceparent", "tracestate", "x-request-id"].map(|name| received[index].header(name));
    let [traceparent, tracestate, id] = said(0);
    assert_eq!((traceparent, tracestate), (Some(trace), Some("a=1")));
    assert_eq!(id.map(str::len), Some(32));
    assert_eq!(said(1), [Some("own"), None, Some("mine")]);
    // And nothing else of the client's.
    assert!(received[0].header("x-send").is_none());
}

#[test]
fn what_is_not_granted_or_not_well_formed_is_not_sent() {
    let (behind, other) = (Upstream::saying("told"), Upstream::saying("secret"));
    let text = config(&behind, "", "max-body = \"8B\"")
        + &format!("[[upstream]]\nname = \"other\"\nendpoints = [\"{}\"]\n", other.url());
    let gateway = gateway(&text);
    let url = |url: &str| json!({ "url": url });
    let header = |name: &str, value: &str| json!({ "upstream": ["behind", "/"], "headers": [[name, value]] });
    let refused = [
        (json!({ "upstream": ["other", "/"] }), "NotGranted"),
        (json!({ "upstream": ["echo", "/"] }), "NotGranted"),
        (json!({ "upstream": ["none", "/"] }), "NotGranted"),
        (json!({ "upstream": ["", "/"] }), "NotGranted"),
        (json!({ "upstream": [format!("caller:{}", behind.url()), "/"] }), "NotGranted"),
        (url(&other.url()), "NotGranted"),
        (url(&behind.url().replace("http:", "https:")), "NotGranted"),
        (url("http://127.0.0.1"), "NotGranted"),
        (url(&format!("{}#x", behind.url())), "Invalid"),
        (to("x"), "Invalid"),
        (to(""), "Invalid"),
        (to("/a/../b"), "Invalid"),
        (to("/%2e%2E/b"), "Invalid"),
        (to("/a\\b"), "Invalid"),
        (to("/a%2Fb"), "Invalid"),
        (to("/a b"), "Invalid"),
        (to("/a?b\r\nx-evil: 1"), "Invalid"),
        (to("/a?b#c"), "Invalid"),
        (json!({ "upstream": ["behind", "/"], "method": "CONNECT" }), "Invalid"),
        (header("host", "evil.test"), "Invalid"),
        (header("content-length", "0"), "Invalid"),
        (header("transfer-encoding", "chunked"), "Invalid"),
        (header("connection", "x-own"), "Invalid"),
        (header("upgrade", "websocket"), "Invalid"),
        (header("x-a", "1\r\nx-evil: 1"), "Invalid"),
        (header("x-a", "\u{0}"), "Invalid"),
        (header("x a", "1"), "Invalid"),
        (header("", "1"), "Invalid"),
        (json!({ "upstream": ["behind", "/"], "body": "nine byte" }), "Invalid"),
    ];
    for (request, error) in &refused {
        let answer = came(&gateway.send(self::request(std::slice::from_ref(request))));
        let said = answer[0]["error"].as_str().unwrap_or_default().to_owned();
        assert!(said.starts_with(error), "{request}: {answer:?}");
    }
    assert_eq!((behind.connections(), other.connections()), (0, 0));
    assert_eq!(sent(&gateway, "refused"), refused.len() as f64);
}

#[test]
fn what_goes_wrong_is_told_apart() {
    let body = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let behind = Upstream::start(move |received| match received.target.as_str() {
        "/hang" => Reply::hang(),
        "/close" => Reply::close(),
        "/nonsense" => Reply::raw("nonsense\r\n\r\n"),
        "/cut" => Reply::raw(body(8) + "short").then_close(),
        "/stuck" => Reply::raw(body(8) + "short").then_hang(),
        "/long" => Reply::raw(body(9) + "nine byte"),
        "/endless" => {
            Reply::raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").then_endlessly("4\r\nmore\r\n")
        }
        "/moved" => Reply::raw("HTTP/1.1 302 Found\r\nlocation: /hang\r\ncontent-length: 0\r\n\r\n"),
        _ => Reply::ok("told"),
    });
    let gone = Upstream::saying("gone");
    let text = config(&behind, "", "timeout = \"30s\"\nmax-body = \"8B\"")
        .replace("[\"behind\"]", "[\"behind\", \"gone\"]")
        + &format!("[[upstream]]\nname = \"gone\"\nendpoints = [\"{}\"]\n", gone.url());
    drop(gone);
    let gateway = gateway(&text);
    let limited = |path: &str| json!({ "upstream": ["behind", path], "timeout": 200 });
    for (request, error) in [
        (limited("/hang"), "Timeout"),
        (limited("/stuck"), "Timeout"),
        (to("/close"), "Broken"),
        (to("/nonsense"), "Broken"),
        (to("/cut"), "Broken"),
        (to("/long"), "TooLarge"),
        (to("/endless"), "TooLarge"),
        (json!({ "upstream": ["gone", "/"] }), "Connect"),
    ] {
        let answer = came(&gateway.send(self::request(std::slice::from_ref(&request))));
        assert_eq!(answer[0]["error"], error, "{request}");
    }
    // Nothing is followed.
    assert_eq!(came(&gateway.send(request(&[to("/moved")])))[0]["status"], 302);
    assert_eq!(came(&gateway.send(request(&[to("/")])))[0]["body"], "told");
    assert_eq!((sent(&gateway, "timeout"), sent(&gateway, "failed"), sent(&gateway, "answered")), (2.0, 6.0, 2.0));
}

#[test]
fn all_waiting_of_one_call_has_one_timeout() {
    let behind = Upstream::start(|_| Reply::hang());
    let gateway = calling(&behind, "", "timeout = \"300ms\"");
    let began = Instant::now();
    let answers = came(&gateway.send(request(&[to("/a"), to("/b")]).header("x-times", "20")));
    assert_eq!(answers, vec![json!({ "error": "Timeout" }); 40]);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(behind.received().len(), 2, "what is left of the time is nothing");
}

#[test]
fn waiting_costs_no_cpu_time_and_computing_does() {
    let behind = Upstream::start(|_| Reply::slowly("HTTP/1.1 204 No Content\r\n\r\n"));
    // One answer takes half a second.
    let gateway = calling(&behind, "limits = { deadline = \"200ms\", wall = \"200ms\" }", "");
    assert_eq!(came(&gateway.send(request(&[to("/")])))[0]["status"], 204);
    let spun = gateway.send(request(&[json!({ "upstream": ["none", "/"] })]).header("x-spin", "100000000000"));
    assert_eq!((spun.status, faults(&gateway, "caller", "deadline")), (500, 1.0));
    // Each part between two waits is short, and all of them together are not.
    let behind = Upstream::saying("soon");
    let gateway = calling(&behind, "limits = { deadline = \"100ms\", wall = \"10s\" }", "timeout = \"60s\"");
    let parts = request(&[to("/")]).header("x-times", "100000").header("x-spin", "1000000");
    assert_eq!((gateway.send(parts).status, faults(&gateway, "caller", "deadline")), (500, 1.0));
}

#[test]
fn a_plugin_that_waits_blocks_nobody_and_its_instances_bound_how_many_wait() {
    let gate = Gate::closed();
    let held = gate.clone();
    let behind = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = calling(&behind, "limits = { instances = 3, queue = 0 }", "timeout = \"60s\"");
    let waiting: Vec<Client> = (0..3)
        .map(|_| {
            let mut client = gateway.client();
            client.start(request(&[to("/")]));
            client
        })
        .collect();
    behind.wait_for_requests(3);
    assert_eq!(gateway.send(request(&[to("/")])).status, 503);
    assert_eq!(behind.received().len(), 3);
    assert!(instances(&gateway, "caller") <= 4.0, "three that wait, and one for the log hook of who was refused");
    assert_eq!(faults(&gateway, "caller", "no-instance"), 1.0);
    assert_eq!(gateway.get("/plain/x").status, 200);
    gate.open();
    for mut client in waiting {
        assert_eq!(came(&client.receive())[0]["body"], "late");
    }
    assert!(instances(&gateway, "caller") <= 4.0);
}

#[test]
fn who_leaves_while_a_plugin_waits_leaves_nothing_behind() {
    for isolation in ["reuse", "request"] {
        let gate = Gate::closed();
        let held = gate.clone();
        let behind = Upstream::start(move |received| match received.target.as_str() {
            "/late" => Reply::ok("late").after(&held),
            _ => Reply::ok("soon"),
        });
        let more = format!("isolation = \"{isolation}\"\nlimits = {{ instances = 1 }}");
        let gateway = calling(&behind, &more, "timeout = \"60s\"");
        for hook in ["on-request", "on-response"] {
            let before = behind.received().len();
            let mut client = gateway.client();
            client.start(request_for(&format!("/calls/{hook}"), &[to("/late")]).header("x-in", hook));
            behind.wait_for_requests(before + 1);
            drop(client);
            let line = gateway.wait_for_access(&format!("/calls/{hook}"));
            assert_eq!(line["completed"], false, "{isolation} {line}");
            // The instance in its middle is gone, and its place free.
            assert_eq!(came(&gateway.send(request(&[to("/")])))[0]["body"], "soon", "{isolation}");
        }
        gate.open();
        drop(gateway);
        behind.wait_until_left();
    }
}

#[test]
fn an_instance_that_waits_serves_nobody_else_and_is_taken_back() {
    let behind = Upstream::saying("soon");
    let gateway = calling(&behind, "", "");
    for _ in 0..20 {
        assert_eq!(came(&gateway.send(request(&[to("/")])))[0]["body"], "soon");
    }
    wait_for_instances(&gateway, 1.0);
    assert_eq!((behind.connections(), faults(&gateway, "caller", "trap")), (1, 0.0));
}

fn check(config: &str) -> Ran {
    tollgate(&format!("{config}[[listener]]\naddress = \"127.0.0.1:0\"\n"), &["check", "--config", "gateway.toml"])
}

#[test]
fn what_is_wrong_with_the_table_is_said_with_its_place() {
    let behind = Upstream::saying("told");
    let right = config(&behind, "", "");
    assert_eq!(check(&right).code, Some(0), "{}", check(&right).stderr);
    let without = plugin("caller", "caller", "grants = [\"outbound\", \"state\"]") + &routes(&[("calls", &["caller"])]);
    for (config, place, says) in [
        (
            right.replace("[\"behind\"]", "[\"behnd\"]"),
            "gateway.toml:7:14: ",
            "no upstream named `behnd` (plugin `caller`)",
        ),
        (
            right.replace("grants = [\"outbound\", ", "grants = ["),
            "gateway.toml:6:1: ",
            "a table `outbound` without the grant",
        ),
        (without, "gateway.toml:4:10: ", "`outbound` is granted, and nothing says where requests may go"),
        (
            right.replace("[\"127.0.0.1\"]", "[]"),
            "gateway.toml:8:12: ",
            "is of this machine, and `networks` does not grant it",
        ),
        (
            right.replace(&behind.url(), "https://a.test/x"),
            "gateway.toml:8:12: ",
            "`https://a.test/x` is not an origin",
        ),
        (
            right.replace(&behind.url(), "http://user:secret@a.test"),
            "gateway.toml:8:12: ",
            "this is not an origin: it has a user name",
        ),
    ] {
        let ran = check(&config);
        assert_eq!(ran.code, Some(78), "{says}: {}", ran.stderr);
        assert!(ran.stderr.contains(place) && ran.stderr.contains(says), "{place}{says}: {}", ran.stderr);
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
}
