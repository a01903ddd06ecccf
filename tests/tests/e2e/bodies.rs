//! Whole bodies of requests through plugins: the guest `editor` does what the request's header `x-request-do` says.

use tests::{Gateway, Request, Upstream, http2};

use crate::guests::plugin;
use crate::{everything_to, gateway};

/// A gateway with an editor in front of this endpoint; `more` is of the plugin, `route` of the route.
pub fn editor(endpoint: &str, more: &str, route: &str) -> Gateway {
    let plugin = plugin("editor", "editor", more);
    gateway(&format!("{plugin}{}", everything_to(endpoint, &format!("plugins = [\"editor\"]\n{route}"))))
}

/// A body in two chunks.
pub fn chunked(target: &str, headers: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n{headers}\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nx-sum: 1\r\n\r\n"
    )
}

#[test]
fn a_plugin_sees_the_whole_body_and_what_it_makes_of_it_goes_on() {
    let upstream = Upstream::saying("thanks");
    let gateway = editor(&upstream.url(), "", "");
    let mut client = gateway.client();
    client.write(chunked("/", "x-request-do: double\r\n"));
    assert_eq!(client.receive().text(), "thanks");
    client.write(chunked("/", ""));
    assert_eq!(client.receive().text(), "thanks");
    let asked = http::Request::post("http://x/").header("x-request-do", "upper").body("hello".into());
    assert_eq!(http2::send(gateway.address(), vec![asked.expect("a request")])[0].status(), 200);

    let received = upstream.received();
    let bodies: Vec<&[u8]> = received.iter().map(|received| received.body.as_slice()).collect();
    assert_eq!(bodies, [&b"hellohello"[..], b"hello", b"HELLO"]);
    let told: Vec<_> =
        received.iter().map(|received| (received.header("content-length"), received.header("x-seen"))).collect();
    assert_eq!(told, [(Some("10"), Some("5")), (Some("5"), Some("5")), (Some("5"), Some("5"))]);
    assert!(received.iter().all(|received| received.header("transfer-encoding").is_none()));
}

#[test]
fn the_head_is_held_back_until_the_body_was_seen() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), "", "");
    gateway.send(Request::post("/here", "body").header("x-request-do", "path"));
    assert_eq!(upstream.only().target, "/elsewhere");
}

#[test]
fn a_plugin_replies_to_a_body_and_the_upstream_sees_nothing_of_it() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), "", "");
    let mut client = gateway.client();
    let answer = client.send(Request::post("/", "secret").header("x-request-do", "reply"));
    assert_eq!((answer.status, answer.text().as_str()), (403, "refused: secret"));
    // It does not see its own reply.
    assert_eq!(answer.header("x-seen"), None);
    assert!(upstream.received().is_empty());
    assert_eq!(client.send(Request::post("/", "fine")).status, 200);
}

#[test]
fn a_body_that_is_emptied_is_none() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), "", "");
    gateway.send(Request::post("/", "body").header("x-request-do", "empty"));
    assert!(upstream.only().body.is_empty());
}

#[test]
fn a_request_without_a_body_is_not_seen() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), "", "");
    assert_eq!(gateway.get("/").status, 200);
    assert_eq!(upstream.only().header("x-seen"), None);
}

#[test]
fn who_waits_is_told_to_go_on_before_the_body_is_kept() {
    let upstream = Upstream::saying("thanks");
    let gateway = editor(&upstream.url(), "", "");
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(client.receive().status, 100);
    assert!(upstream.received().is_empty());
    client.write("body");
    assert_eq!(client.receive().text(), "thanks");
    assert_eq!(upstream.only().header("x-seen"), Some("4"));
}

#[test]
fn what_an_earlier_plugin_refuses_is_never_read() {
    let plugin = plugin("editor", "editor", "");
    let route = everything_to("internal:echo", "plugins = [\"key-auth\", \"editor\"]");
    let gateway = gateway(&format!("{plugin}{route}"));
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(client.receive().status, 401);
}

#[test]
fn plugins_see_a_request_in_order_and_each_what_the_one_before_made_of_it() {
    let upstream = Upstream::saying("");
    let plugins = ["a", "b"].map(|mark| plugin(mark, "editor", &format!("config = {{ mark = \"{mark}\" }}"))).concat();
    let gateway = gateway(&format!("{plugins}{}", everything_to(&upstream.url(), "plugins = [\"a\", \"b\"]")));
    gateway.send(Request::post("/", "body").header("x-request-do", "double"));
    let received = upstream.only();
    let seen: Vec<&str> =
        received.headers.iter().filter(|(name, _)| name == "x-seen").map(|(_, value)| value.as_str()).collect();
    assert_eq!((seen, received.body.len()), (vec!["a4", "b8"], 16));
}
