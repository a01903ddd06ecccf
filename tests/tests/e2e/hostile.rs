//! Plugins that misbehave: each fails its own request, says why in the log, and disturbs nothing else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tests::{Client, Gateway, Request, wait_for};

use crate::gateway;
use crate::guests::{ask, faults, plugin, resident, routes};

/// A gateway with the guest `hostile` on `/evil/**` and nothing on `/good/**`; `more` is of the plugin.
pub fn hostile(more: &str) -> Gateway {
    let plugin = plugin("hostile", "hostile", &format!("grants = [\"state\", \"limiter\"]\n{more}"));
    gateway(&format!("{plugin}{}", routes(&[("evil", &["hostile"]), ("good", &[])])))
}

/// The plugin does this to a request: its client is told nothing but that a policy failed, the log says which, where
/// and `why`, the metrics count it, and the next requests are served.
fn fails_alone(more: &str, deed: &str, kind: &str, why: &str) -> Gateway {
    let gateway = hostile(more);
    let answer = ask(&gateway, "x-do", deed);
    assert_eq!((answer.status, answer.problem().as_str()), (500, "plugin-fault"), "{}", answer.text());
    assert_eq!(answer.json()["title"], "A policy failed");
    let line = gateway.wait_for_log("plugin ");
    assert_eq!((line["plugin"].as_str(), line["level"].as_str()), (Some("hostile"), Some("error")), "{line}");
    assert_eq!(line["id"], answer.json()["requestId"]);
    assert!(line["message"].as_str().is_some_and(|message| message.contains(why)), "{line}");
    assert_eq!(faults(&gateway, "hostile", kind), 1.0, "{kind}");
    assert_eq!(ask(&gateway, "x-fine", "").status, 200);
    assert_eq!(gateway.get("/good/x").status, 200);
    gateway
}

/// As [`fails_alone`] with every setting at its default, in `on-request`.
fn fails(deed: &str, kind: &str, why: &str) -> Gateway {
    let gateway = fails_alone("", deed, kind, why);
    assert_eq!(gateway.wait_for_log("plugin ")["hook"], "on-request");
    gateway
}

#[test]
fn a_plugin_that_traps_fails_only_its_own_request() {
    fails("trap", "trap", "trapped: ");
}

#[test]
fn a_panic_reaches_the_log_with_its_file_and_line() {
    let gateway = fails("panic", "trap", "panicked at ");
    let line = gateway.wait_for_log("plugin panicked at hostile/src/deeds.rs:");
    assert_eq!((line["plugin"].as_str(), line["hook"].as_str()), (Some("hostile"), Some("on-request")));
    assert!(line["message"].as_str().is_some_and(|message| message.ends_with(": as it was told")), "{line}");
    assert!(!gateway.stderr().contains("backtrace"), "{}", gateway.stderr());
}

#[test]
fn the_backtrace_of_a_fault_is_for_those_who_debug() {
    let plugin = plugin("hostile", "hostile", "grants = [\"state\", \"limiter\"]");
    let log = "[gateway]\nlog = { level = \"debug\" }\n";
    let gateway = gateway(&format!("{log}{plugin}{}", routes(&[("evil", &["hostile"])])));
    let id = ask(&gateway, "x-do", "panic").json()["requestId"].clone();
    let line = gateway.wait_for_log("wasm backtrace");
    assert_eq!((&line["level"], &line["target"], &line["id"]), (&"debug".into(), &"plugin".into(), &id));
}

#[test]
fn an_error_that_a_hook_answers_is_a_fault_with_its_text() {
    let gateway = fails("error", "error", "failed: failed as it was told");
    assert_eq!(gateway.wait_for_log("failed as it was told")["plugin"], "hostile");
}

#[test]
fn an_endless_loop_passes_its_deadline() {
    fails("loop", "deadline", "passed its deadline: ran for more than 5ms of CPU time");
}

#[test]
fn a_plugin_that_sleeps_traps_at_once() {
    fails("sleep", "trap", "tried to sleep or wait; a hook answers at once");
}

#[test]
fn a_plugin_that_exits_ends_its_own_instance_only() {
    fails("exit", "trap", "called exit");
}

#[test]
fn a_plugin_that_recurses_for_ever_runs_out_of_stack() {
    fails("recurse", "trap", "trapped: ");
}

#[test]
fn a_plugin_that_eats_memory_meets_its_limit() {
    let more = "limits = { memory = \"2MiB\", deadline = \"1s\" }";
    fails_alone(more, "memory", "memory", "wanted more memory than its limit of 2097152 bytes");
}

#[test]
fn a_plugin_cannot_ask_for_random_bytes_without_bound() {
    let more = "limits = { memory = \"64MiB\", deadline = \"1s\" }";
    fails_alone(more, "random", "trap", "asked for 33554432 random bytes; at most 65536 are given at once");
}

#[test]
fn a_plugin_that_cannot_be_configured_again_rests_between_attempts() {
    let soon = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970") + Duration::from_secs(3);
    let more = format!("config = {{ do = \"fail-after {}\", at = \"configure\" }}", soon.as_millis());
    let plugin =
        plugin("hostile", "hostile", &format!("grants = [\"state\", \"limiter\"]\nisolation = \"request\"\n{more}"));
    let gateway = gateway(&format!("{plugin}{}", routes(&[("evil", &["hostile"]), ("good", &[])])));
    assert_eq!(gateway.get("/evil/x").status, 200);
    let resting = wait_for("a rest", || {
        gateway.get("/evil/x");
        gateway.log().into_iter().find(|line| line["message"].as_str().is_some_and(|it| it.contains("again so soon")))
    });
    let message = resting["message"].as_str().expect("text");
    assert!(message.contains("refused, in a new instance, the configuration that it had accepted"), "{message}");
    assert_eq!((gateway.get("/evil/x").status, gateway.get("/good/x").status), (500, 200));
}

#[test]
fn a_plugin_cannot_hoard_handles() {
    fails_alone("limits = { deadline = \"1s\" }", "handles", "trap", "trapped: ");
}

#[test]
fn a_reply_that_http_does_not_allow_is_a_fault() {
    for (deed, why) in [
        ("reply-status", "answered with something illegal: status 999 is outside 200 to 599"),
        ("reply-informational", "status 101 is outside 200 to 599"),
        ("reply-name", "header `not a name`: it is not a header name in lower case"),
        ("reply-value", "header `x-split`: its value holds bytes that may not stand in a header"),
        ("reply-framing", "header `transfer-encoding`: it frames messages or concerns one connection only"),
        ("reply-headers", "header `x-a`: there are more than 384 header fields"),
    ] {
        fails_alone("limits = { deadline = \"1s\" }", deed, "illegal-answer", why);
    }
}

#[test]
fn a_reply_larger_than_the_host_takes_is_a_fault() {
    fails_alone("limits = { deadline = \"1s\", memory = \"64MiB\" }", "reply-body", "trap", "trapped: ");
}

#[test]
fn a_header_that_http_does_not_allow_is_not_written() {
    for (deed, why) in [
        ("header-name", "cannot write the header `not a name`"),
        ("header-value", "cannot write the header `x-split`"),
        ("header-framing", "cannot write the header `content-length`"),
        ("notes", "cannot write the note `64`"),
    ] {
        let gateway = fails("error", "error", "");
        assert_eq!(ask(&gateway, "x-do", deed).status, 500, "{deed}");
        assert_eq!(gateway.wait_for_log(why)["plugin"], "hostile");
    }
}

#[test]
fn a_plugin_adds_no_more_headers_than_a_message_may_have() {
    let answer = ask(&hostile("limits = { deadline = \"1s\" }"), "x-do", "headers");
    let taken: usize = answer.text().trim_end_matches(" headers").parse().expect("a number");
    assert!(answer.status == 200 && taken < 384, "{}", answer.text());
}

#[test]
fn a_fault_in_on_response_replaces_the_response() {
    let gateway = fails_alone("config = { at = \"response\" }", "trap", "trap", "trapped: ");
    assert_eq!(gateway.wait_for_log("plugin ")["hook"], "on-response");
    assert_eq!(ask(&gateway, "x-do", "header-framing").problem(), "plugin-fault");
    assert_eq!(ask(&gateway, "x-do", "loop").problem(), "plugin-fault");
    wait_for("the deadline to be counted", || (faults(&gateway, "hostile", "deadline") == 1.0).then_some(()));
}

#[test]
fn a_fault_in_on_log_is_no_concern_of_the_client() {
    let gateway = hostile("config = { at = \"log\" }\nlimits = { memory = \"2MiB\" }");
    for (deed, kind) in [("trap", "trap"), ("loop", "deadline"), ("memory", "memory")] {
        assert_eq!(ask(&gateway, "x-do", deed).status, 200);
        wait_for(deed, || (faults(&gateway, "hostile", kind) == 1.0).then_some(()));
    }
    let line = gateway.wait_for_log("plugin passed its deadline");
    assert_eq!((line["plugin"].as_str(), line["hook"].as_str()), (Some("hostile"), Some("on-log")));
}

#[test]
fn a_loop_on_one_route_leaves_another_its_latency() {
    let gateway = hostile("");
    let address = gateway.address();
    let looping = std::thread::spawn(move || {
        let mut client = Client::connect(address);
        for _ in 0..40 {
            assert_eq!(client.send(Request::get("/evil/x").header("x-do", "loop")).status, 500);
        }
    });
    let (mut client, mut slowest) = (gateway.client(), Duration::ZERO);
    while !looping.is_finished() {
        let asked = std::time::Instant::now();
        assert_eq!(client.get("/good/x").status, 200);
        slowest = slowest.max(asked.elapsed());
    }
    looping.join().expect("each loop is answered");
    // One deadline and its tick are 6 ms; the rest is for a busy machine.
    assert!(slowest.as_millis() < 500, "{slowest:?}");
}

#[test]
fn traps_leave_nothing_behind() {
    let gateway = hostile("");
    let mut client = gateway.client();
    let mut round = |traps: usize, calls: usize| {
        for _ in 0..traps {
            assert_eq!(client.send(Request::get("/evil/x").header("x-do", "trap")).status, 500);
        }
        for _ in 0..calls {
            assert_eq!(client.get("/evil/x").status, 200);
        }
    };
    round(100, 100);
    let before = resident(&gateway);
    round(100, 1000);
    let after = resident(&gateway);
    assert!(after < before + 8, "{before} MiB, then {after} MiB");
    assert!(crate::guests::instances(&gateway, "hostile") <= 1.0);
    assert_eq!(faults(&gateway, "hostile", "trap"), 200.0);
}

#[test]
fn a_plugin_that_traps_now_and_then_fails_those_requests_and_no_others() {
    const CLIENTS: usize = 4;
    const REQUESTS: usize = 1_000;
    let gateway = hostile("");
    let address = gateway.address();
    let clients = [(); CLIENTS].map(|()| {
        std::thread::spawn(move || {
            let mut client = Client::connect(address);
            for at in 0..REQUESTS {
                let traps = at % 100 == 50;
                let request = Request::get("/evil/x").header("x-do", "trap");
                let answer = client.send(if traps { request } else { Request::get("/evil/x") });
                assert_eq!(answer.status, if traps { 500 } else { 200 }, "{at}");
                if answer.header("connection") == Some("close") {
                    client = Client::connect(address);
                }
            }
        })
    });
    clients.into_iter().for_each(|client| client.join().expect("one request in a hundred fails"));
    assert_eq!(faults(&gateway, "hostile", "trap"), (CLIENTS * REQUESTS / 100) as f64);
}
