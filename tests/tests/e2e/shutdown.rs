//! The end of a gateway: what runs is finished, and nothing is lost.

use serde_json::Value;
use tests::{Client, Gate, Gateway, Reply, Request, Signal, Upstream, wait_for};

use crate::guests::{plugin, routes};
use crate::hostile_load::slow_to_compile;
use crate::{everything_to, gateway, gateway_to};

/// What the guest `bare` needs.
const BARE_GRANTS: &str = "grants = [\"state\", \"limiter\", \"consumers\", \"identify\"]";

/// A gateway with a request in flight on a connection, which ends when the gate opens.
fn with_a_request_in_flight(gateway_keys: &str) -> (Gateway, Client, Gate, Upstream) {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let gateway = gateway(&format!("[gateway]\n{gateway_keys}\n{}", everything_to(&upstream.url(), "")));
    let mut client = gateway.client();
    client.start(Request::get("/held"));
    upstream.wait_for_requests(1);
    (gateway, client, gate, upstream)
}

#[test]
fn a_stopping_gateway_finishes_what_runs_and_exits_with_0() {
    let (mut gateway, mut client, gate, _upstream) = with_a_request_in_flight("");
    gateway.signal(Signal::TERM);
    wait_for("readiness to go", || (gateway.admin_get("/readyz").status == 503).then_some(()));
    assert_eq!(gateway.admin_get("/healthz").status, 200);
    gate.open();
    let answer = client.receive();
    assert_eq!((answer.status, answer.text().as_str(), answer.header("connection")), (200, "done", Some("close")));
    client.wait_for_close();
    assert_eq!(gateway.wait_exit().code(), Some(0));
    assert_eq!(gateway.wait_for_access("/held")["completed"], true);
}

#[test]
fn a_stopping_gateway_accepts_no_more() {
    let (gateway, _client, gate, _upstream) = with_a_request_in_flight("");
    gateway.signal(Signal::TERM);
    wait_for("the port to close", || Client::try_connect(gateway.address()).is_err().then_some(()));
    gate.open();
}

#[test]
fn idle_connections_do_not_keep_a_gateway_from_stopping() {
    let mut gateway = gateway_to("internal:echo", "");
    let (mut used, mut fresh) = (gateway.client(), gateway.client());
    assert_eq!(used.get("/").status, 200);
    gateway.signal(Signal::TERM);
    used.wait_for_close();
    fresh.wait_for_close();
    assert_eq!(gateway.wait_exit().code(), Some(0));
}

#[test]
fn an_interrupt_stops_it_as_well() {
    let mut gateway = gateway_to("internal:echo", "");
    gateway.signal(Signal::INT);
    assert_eq!(gateway.wait_exit().code(), Some(0));
}

#[test]
fn what_does_not_finish_in_time_is_cut() {
    let (mut gateway, mut client, _gate, _upstream) = with_a_request_in_flight("shutdown-timeout = \"100ms\"");
    gateway.signal(Signal::TERM);
    assert!(client.try_receive().is_err());
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log("1 exchange was cut after 100ms");
    gateway.wait_for_log("stopped");
}

#[test]
fn an_exchange_that_is_cut_is_logged_as_any_other() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("done").after(&held));
    let routes = routes(&[("x", &["bare"])]).replace("internal:echo", &upstream.url());
    let mut gateway =
        gateway(&format!("[gateway]\nshutdown-timeout = \"100ms\"\n{}{routes}", plugin("bare", "bare", BARE_GRANTS)));
    let mut clients = [gateway.client(), gateway.client()];
    for (client, path) in clients.iter_mut().zip(["/x/1", "/x/2"]) {
        client.start(Request::get(path));
    }
    upstream.wait_for_requests(2);
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log("2 exchanges were cut after 100ms");
    for path in ["/x/1", "/x/2"] {
        let line = gateway.wait_for_access(path);
        assert_eq!(
            (&line["completed"], &line["problem"], &line["status"]),
            (&false.into(), &"shutdown".into(), &Value::Null)
        );
        let told = gateway.wait_for_log(&format!("GET {path} status=None completed=false"));
        assert!(
            told["message"].as_str().is_some_and(|message| message.ends_with("problem=Some(\"shutdown\")")),
            "{told}"
        );
    }
}

#[test]
fn a_response_that_is_cut_in_its_middle_keeps_its_status() {
    let gate = Gate::closed();
    let held = gate.clone();
    let beginning = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nbeginning";
    let upstream = Upstream::start(move |_| Reply::raw(beginning).then_after(&held, "x"));
    let config = format!("[gateway]\nshutdown-timeout = \"100ms\"\n{}", everything_to(&upstream.url(), ""));
    let mut gateway = gateway(&config);
    let mut client = gateway.client();
    client.start(Request::get("/half"));
    client.read_until("beginning");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    let line = gateway.wait_for_access("/half");
    assert_eq!(
        (&line["completed"], &line["problem"], &line["status"]),
        (&false.into(), &"shutdown".into(), &200.into())
    );
    assert_eq!(line["responseBytes"], 9);
    gate.open();
}

#[test]
fn a_second_signal_cuts_what_runs() {
    let (mut gateway, mut client, _gate, _upstream) = with_a_request_in_flight("");
    gateway.signal(Signal::TERM);
    gateway.wait_for_log("stopping");
    gateway.signal(Signal::TERM);
    assert!(client.try_receive().is_err());
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log("1 exchange was cut by a second signal");
    gateway.wait_for_log("stopped");
    assert_eq!(gateway.wait_for_access("/held")["problem"], "shutdown");
}

#[test]
fn a_gateway_stops_while_it_is_under_load_without_a_failed_request() {
    let mut gateway = gateway_to("internal:echo", "");
    let address = gateway.address();
    // A connection that was closed between two requests is no failure: nothing was sent on it yet.
    let clients: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut served = 0;
                while let Ok(mut client) = Client::try_connect(address) {
                    match client.try_send(Request::get("/")) {
                        Ok(answer) => assert_eq!(answer.status, 200),
                        // Accepted by the kernel, not yet by the gateway.
                        Err(_) => break,
                    }
                    served += 1;
                }
                served
            })
        })
        .collect();
    wait_for("some load", || (gateway.metric("tollgate_connections_accepted_total") > 50.0).then_some(()));
    gateway.signal(Signal::TERM);
    let served: usize = clients.into_iter().map(|client| client.join().expect("no failed request")).sum();
    assert_eq!(gateway.wait_exit().code(), Some(0));
    let completed = gateway.access_log().iter().filter(|line| line["completed"] == true).count();
    assert!(completed >= served, "{completed} of {served} are in the access log");
}

#[test]
fn a_gateway_stops_while_it_compiles_a_plugin() {
    let mut gateway = gateway_to("internal:echo", "");
    let slow = wat::parse_str(slow_to_compile(500_000)).expect("it is good text");
    gateway.folder().write("slow.wasm", slow);
    gateway.edit(&format!("[[plugin]]\nsource = \"./slow.wasm\"\n{}", everything_to("internal:echo", "")));
    gateway.signal(Signal::HUP);
    gateway.wait_for_log("SIGHUP: reading the configuration again");
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
}
