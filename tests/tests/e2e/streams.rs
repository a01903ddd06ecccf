//! Responses that take as long as something happens: server-sent events and long polls. Nothing is kept back.

use tests::{Client, Gate, Gateway, Reply, Request, Upstream};

use crate::guests::witness;
use crate::{everything_to, gateway, gateway_to};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// An event as a chunk.
fn event(text: &str) -> String {
    let event = format!("data: {text}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len())
}

/// An upstream that sends its three events each when a gate is opened, and then ends.
fn events() -> (Upstream, [Gate; 3]) {
    let gates = [Gate::closed(), Gate::closed(), Gate::closed()];
    let [first, second, third] = gates.clone();
    let upstream = Upstream::start(move |_| {
        Reply::raw(HEAD)
            .then_after(&first, event("first"))
            .then_after(&second, event("second"))
            .then_after(&third, event("third") + "0\r\n\r\n")
    });
    (upstream, gates)
}

/// Each event is there before the next one is sent.
fn follows(mut client: Client, gates: &[Gate; 3], headers: &[(&str, &str)]) -> String {
    client.start(headers.iter().fold(Request::get("/events"), |request, (name, value)| request.header(name, value)));
    let head = client.read_until("\r\n\r\n");
    for (gate, text) in gates.iter().zip(["first", "second", "third"]) {
        gate.open();
        client.read_until(&format!("data: {text}\n\n"));
    }
    client.read_until("0\r\n\r\n");
    head
}

#[test]
fn the_head_and_each_event_arrive_as_they_are_sent() {
    let (upstream, gates) = events();
    let gateway = gateway_to(&upstream.url(), "");
    let head = follows(gateway.client(), &gates, &[]);
    assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
    let line = gateway.wait_for_access("/events");
    assert_eq!((&line["completed"], &line["responseBytes"]), (&true.into(), &40.into()), "{line}");
}

#[test]
fn a_chain_with_response_hooks_keeps_none_of_them_back() {
    let (upstream, gates) = events();
    let consumer = "[[consumer]]\nname = \"acme\"\ncredentials = [{ key = \"key-of-acme\" }]\n";
    let plugins = "plugins = [\"key-auth\", \"w\", \"circuit-breaker\", \"transform\"]\n\
        [[plugin]]\nsource = \"transform\"\nconfig.response.headers.set = { x-served-by = \"gateway\" }\n";
    let gateway = gateway(&(witness("w") + consumer + &everything_to(&upstream.url(), plugins)));
    let head = follows(gateway.client(), &gates, &[("x-api-key", "key-of-acme")]);
    assert!(head.contains("x-back: w\r\n") && head.contains("x-served-by: gateway\r\n"), "{head}");
}

/// A gateway whose timers are all shorter than what it is used for. `/delay/..` passes the time.
fn impatient(upstream: &Upstream) -> Gateway {
    let short = ["header", "idle", "body", "write"].map(|timer| format!("{timer}-timeout = \"50ms\"")).join(", ");
    let listener = format!("[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = {{ {short} }}\n");
    let clock = "[[upstream]]\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n\
        [[route]]\nname = \"clock\"\nupstream = \"echo\"\nmatch = { path = \"/delay/**\" }\n";
    gateway(&format!("{listener}{clock}{}", everything_to(&upstream.url(), "timeout = \"10s\"")))
}

#[test]
fn a_stream_that_is_silent_for_a_while_goes_on() {
    let (upstream, gates) = events();
    let gateway = impatient(&upstream);
    let mut client = gateway.client();
    client.start(Request::get("/events"));
    for (gate, text) in gates.iter().zip(["first", "second", "third"]) {
        assert_eq!(gateway.get("/delay/300ms").status, 200);
        gate.open();
        client.read_until(&format!("data: {text}\n\n"));
    }
}

#[test]
fn a_long_poll_is_answered_when_there_is_something_to_say() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |_| Reply::ok("news").after(&held));
    let gateway = impatient(&upstream);
    let mut client = gateway.client();
    client.start(Request::post("/poll", "since yesterday"));
    assert_eq!(gateway.get("/delay/300ms").status, 200);
    gate.open();
    assert_eq!(client.receive().text(), "news");
}

#[test]
fn an_upstream_hears_that_its_listener_has_left() {
    let upstream = Upstream::start(|_| Reply::raw(format!("{HEAD}{}", event("only"))).then_hang());
    let gateway = gateway_to(&upstream.url(), "");
    for leave in [Client::abort, Client::reset] {
        let mut client = gateway.client();
        client.start(Request::get("/events"));
        client.read_until("data: only\n\n");
        leave(client);
        upstream.wait_until_left();
    }
    let line = gateway.wait_for_access("/events");
    assert_eq!((&line["status"], &line["completed"]), (&200.into(), &false.into()), "{line}");
}

#[test]
fn an_upstream_hears_that_nobody_waits_for_its_answer() {
    let upstream = Upstream::start(|_| Reply::hang());
    let gateway = gateway_to(&upstream.url(), "");
    let mut client = gateway.client();
    client.start(Request::get("/poll"));
    upstream.wait_for_requests(1);
    client.abort();
    upstream.wait_until_left();
    assert_eq!(gateway.wait_for_access("/poll")["completed"], false);
}
