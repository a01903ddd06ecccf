//! The order of a chain, and what its plugins see of each other.

use tests::{Gateway, Reply, Request, Response, Upstream};

use crate::gateway;
use crate::guests::{plugin, routes, witness};

/// A gateway with three witnesses, in this order.
fn three() -> Gateway {
    gateway(&format!("{}{}{}{}", witness("c"), witness("a"), witness("b"), routes(&[("x", &["a", "b", "c"])])))
}

/// Every value of a header of the response.
fn all<'a>(answer: &'a Response, name: &str) -> Vec<&'a str> {
    answer.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
}

#[test]
fn requests_meet_the_plugins_in_the_order_of_the_list_and_responses_in_reverse() {
    let answer = three().get("/x/");
    assert_eq!(answer.json()["headers"]["x-way"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(all(&answer, "x-back"), ["c", "b", "a"]);
    assert_eq!(all(&answer, "x-origin"), ["Upstream"; 3]);
}

#[test]
fn the_plugin_that_replied_does_not_see_the_response_and_those_before_it_do() {
    let answer = three().send(Request::get("/x/").header("x-reply", "b"));
    assert_eq!((answer.status, answer.text().as_str()), (200, "a reply by b"));
    assert_eq!(all(&answer, "x-back"), ["a"]);
    assert_eq!(all(&answer, "x-origin"), ["Plugin(\"b\")"]);
}

#[test]
fn a_reply_in_on_response_replaces_the_response_and_the_rest_of_the_chain_sees_it() {
    let answer = three().send(Request::get("/x/").header("x-replace", "b"));
    assert_eq!((answer.status, answer.text().as_str()), (418, "a replacement by b"));
    assert_eq!(all(&answer, "x-back"), ["a"]);
    assert_eq!(all(&answer, "x-origin"), ["Plugin(\"b\")"]);
}

#[test]
fn a_replaced_response_lets_the_upstream_go() {
    let upstream =
        Upstream::start(|_| Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nbeginning").then_hang());
    let routes = routes(&[("x", &["a"])]).replace("internal:echo", &upstream.url());
    let gateway = gateway(&format!("{}{routes}", witness("a")));
    assert_eq!(gateway.send(Request::get("/x/").header("x-replace", "a")).status, 418);
    upstream.wait_until_left();
}

#[test]
fn a_fault_in_the_middle_is_seen_by_the_plugins_before_it() {
    let hostile = plugin("hostile", "hostile", "grants = [\"state\", \"limiter\"]");
    let routes = routes(&[("x", &["a", "hostile", "b"])]);
    let gateway = gateway(&format!("{}{}{hostile}{routes}", witness("a"), witness("b")));
    let answer = gateway.send(Request::get("/x/").header("x-do", "trap"));
    assert_eq!((answer.status, answer.problem().as_str()), (500, "plugin-fault"));
    assert_eq!(all(&answer, "x-back"), ["a"]);
    assert_eq!(all(&answer, "x-origin"), ["Gateway(\"plugin-fault\")"]);
}

#[test]
fn the_gateways_own_failures_pass_the_whole_chain() {
    let routes = routes(&[("x", &["a", "b"])]).replace("internal:echo", "http://127.0.0.1:1");
    let answer = gateway(&format!("{}{}{routes}", witness("a"), witness("b"))).get("/x/");
    assert_eq!(answer.status, 502);
    assert_eq!(all(&answer, "x-back"), ["b", "a"]);
    assert_eq!(all(&answer, "x-origin"), vec![format!("Gateway(\"{}\")", answer.problem()); 2]);
}

#[test]
fn notes_belong_to_the_plugin_that_made_them() {
    assert_eq!(all(&three().get("/x/"), "x-note"), ["c", "b", "a"]);
}

/// A gateway with a witness that owns `x-consumer-name` on `/x/**`, and nothing on `/y/**`.
fn owner() -> Gateway {
    let config = "config = { mark = \"a\", owns = \"x-consumer-name\" }";
    let plugin = plugin("a", "witness", &format!("grants = [\"state\"]\n{config}"));
    gateway(&format!("{plugin}{}", routes(&[("x", &["a"]), ("y", &[])])))
}

#[test]
fn a_header_that_a_plugin_owns_is_stripped_from_every_request_in_every_alias() {
    let gateway = owner();
    for (path, own) in [("/x/", serde_json::json!("a")), ("/y/", serde_json::Value::Null)] {
        let mut request = Request::get(path);
        let aliases = ["x-consumer-name", "X-CONSUMER-NAME", "X_Consumer_Name", "x.consumer.name", "x-consumer_name"];
        for alias in aliases {
            request = request.header(alias, "forged");
        }
        let answer = gateway.send(request.header("x-consumer-names", "another"));
        let headers = &answer.json()["headers"];
        assert_eq!(headers["x-consumer-name"], own, "{path}");
        assert_eq!(headers["x-consumer-names"], "another");
        assert!(!headers.to_string().contains("forged"), "{headers}");
    }
}

#[test]
fn a_client_cannot_have_an_owned_header_removed_by_connection() {
    let answer = owner().send(Request::get("/x/").header("connection", "close, X-Consumer-Name, x_consumer_name"));
    assert_eq!(answer.json()["headers"]["x-consumer-name"], "a");
}
