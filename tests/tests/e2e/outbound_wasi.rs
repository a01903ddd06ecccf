//! `wasi:http/outgoing-handler`: plugins that send requests by a crate which knows nothing of this gateway.

use std::time::{Duration, Instant};

use tests::{Gate, Gateway, Reply, Request, Response, Upstream};

use crate::guests::{faults, plugin, routes};
use crate::{gateway, tollgate};

fn config(behind: &Upstream, more: &str, table: &str) -> String {
    let own = format!(
        "grants = [\"outbound\"]\n{more}\n[plugin.outbound]\norigins = [\"{}\"]\nnetworks = [\"127.0.0.1\"]\n{table}\n",
        behind.url()
    );
    plugin("asker", "asker", &own) + &routes(&[("asks", &["asker"]), ("plain", &[])])
}

/// A fresh instance is called, by a gateway that is not optimised and on a machine that may be busy.
const UNHURRIED: &str = "limits = { deadline = \"200ms\" }";

fn asking(behind: &Upstream, more: &str, table: &str) -> Gateway {
    gateway(&config(behind, more, table))
}

fn ask(gateway: &Gateway, headers: &[(&str, &str)]) -> Response {
    let request = Request::get("/asks/x");
    gateway.send(headers.iter().fold(request, |request, (name, value)| request.header(name, value)))
}

fn sent(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_outbound_total{{plugin=\"asker\",outcome=\"{outcome}\"}}"))
}

#[test]
fn a_crate_that_speaks_wasi_http_sends_and_reads() {
    for isolation in ["reuse", "request"] {
        let behind = Upstream::start(|received| {
            let (length, body) = (received.body.len(), String::from_utf8_lossy(&received.body));
            Reply::raw(format!("HTTP/1.1 201 Created\r\nx-from: behind\r\ncontent-length: {length}\r\n\r\n{body}"))
        });
        let gateway = asking(&behind, &format!("isolation = \"{isolation}\""), "");
        let url = format!("{}/there?q=1", behind.url());
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        for body in ["", "a body", &"longer".repeat(3_000)] {
            let answer =
                ask(&gateway, &[("x-url", &url), ("x-method", "POST"), ("x-body", body), ("traceparent", trace)]);
            assert_eq!((answer.status, answer.text()), (200, format!("201 behind {body}")), "{isolation}");
        }
        let received = behind.received();
        assert_eq!((received[1].method.as_str(), received[1].target.as_str()), ("POST", "/there?q=1"));
        assert_eq!(received[1].header("host"), Some(behind.address().to_string().as_str()));
        assert_eq!(received[1].header("content-length"), Some("6"));
        assert_eq!((received[1].header("x-own"), received[1].header("traceparent")), (Some("1"), Some(trace)));
        assert_eq!((sent(&gateway, "answered"), behind.connections()), (3.0, 1), "{isolation}");
        assert!(!gateway.stderr().contains("runs again"), "{isolation}: a snapshot keeps it");
    }
}

#[test]
fn requests_that_are_sent_at_once_wait_together_and_block_nobody() {
    let gate = Gate::closed();
    let held = gate.clone();
    let behind = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = asking(&behind, UNHURRIED, "timeout = \"60s\"");
    let urls = std::array::from_fn::<_, 8, _>(|_| behind.url()).join(" ");
    let mut client = gateway.client();
    client.start(Request::get("/asks/x").header("x-url", &urls));
    behind.wait_for_requests(8);
    assert_eq!(gateway.get("/plain/x").status, 200);
    gate.open();
    assert_eq!(client.receive().text(), ["200 - late"; 8].join("\n"), "{}", gateway.stderr());
}

#[test]
fn a_redirect_is_for_the_crate_to_follow() {
    let behind = Upstream::start(|received| match received.target.as_str() {
        "/moved" => Reply::raw("HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n"),
        _ => Reply::ok("told"),
    });
    let gateway = asking(&behind, "", "");
    assert_eq!(ask(&gateway, &[("x-url", &format!("{}/moved", behind.url()))]).text(), "302 - ");
    assert_eq!(behind.only().target, "/moved");
}

#[test]
fn what_is_not_granted_is_not_sent() {
    let (behind, canary) = (Upstream::saying("told"), Upstream::saying("a secret"));
    let gateway = asking(&behind, "", "max-body = \"8B\"");
    let port = canary.address().port();
    for url in [
        canary.url(),
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("{}@127.0.0.1:{port}/", behind.url()),
        behind.url().replace("http:", "https:"),
    ] {
        let answer = ask(&gateway, &[("x-url", &url)]).text();
        assert!(answer.starts_with("error: "), "{url}: {answer}");
    }
    let long = ask(&gateway, &[("x-url", &behind.url()), ("x-method", "POST"), ("x-body", "nine byte")]).text();
    assert!(long.starts_with("error: "), "{long}");
    assert_eq!((behind.connections(), canary.connections()), (0, 0));
    assert_eq!(ask(&gateway, &[("x-url", &behind.url())]).text(), "200 - told");
}

#[test]
fn waiting_and_sleeping_have_a_timeout_and_cost_no_cpu_time() {
    let behind = Upstream::start(|_| Reply::hang());
    let gateway = asking(&behind, UNHURRIED, "timeout = \"700ms\"");
    // Longer than `limits.deadline`, which is of CPU time.
    assert_eq!(ask(&gateway, &[("x-sleep", "300")]).status, 200, "{}", gateway.stderr());
    let began = Instant::now();
    let limited = ask(&gateway, &[("x-url", &behind.url()), ("x-timeout", "100")]).text();
    assert!(limited.starts_with("error: "), "{limited}");
    let answer = ask(&gateway, &[("x-url", &behind.url())]).text();
    assert!(answer.starts_with("error: "), "{answer}");
    assert_eq!((sent(&gateway, "timeout"), faults(&gateway, "asker", "deadline")), (2.0, 0.0));
    assert_eq!(ask(&gateway, &[("x-sleep", "60000")]).status, 500);
    assert_eq!(faults(&gateway, "asker", "deadline"), 1.0);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn who_leaves_while_it_waits_leaves_nothing_behind() {
    let gate = Gate::closed();
    let held = gate.clone();
    let behind = Upstream::start(move |received| match received.target.as_str() {
        "/late" => Reply::ok("late").after(&held),
        _ => Reply::ok("soon"),
    });
    // A fresh instance is called, by a gateway that is not optimised and on a machine that may be busy: what it may take of
    // CPU time is not what is asked here.
    let gateway = asking(&behind, "limits = { instances = 1, deadline = \"500ms\" }", "timeout = \"60s\"");
    let mut client = gateway.client();
    client.start(Request::get("/asks/left").header("x-url", &format!("{}/late", behind.url())));
    behind.wait_for_requests(1);
    drop(client);
    gateway.wait_for_access("/asks/left");
    let served = ask(&gateway, &[("x-url", &behind.url())]).text();
    assert_eq!(served, "200 - soon", "{}", gateway.stderr());
    gate.open();
}

#[test]
fn a_component_that_speaks_it_needs_the_grant() {
    let behind = Upstream::saying("told");
    let text = plugin("asker", "asker", "") + &routes(&[("asks", &["asker"])]);
    let ran =
        tollgate(&format!("{text}[[listener]]\naddress = \"127.0.0.1:0\"\n"), &["check", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(78), "{}", ran.stderr);
    for says in
        ["wasi:http/outgoing-handler", "which the configuration does not grant", "add \"outbound\" to its `grants`"]
    {
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
    }
    assert_eq!(behind.connections(), 0);
}
