//! What bodies that are kept may take, and what has no end and so cannot be kept.

use tests::{Request, Upstream, http2, wait_for};

use crate::bodies::{chunked, editor};
use crate::guests::plugin;
use crate::{everything_to, gateway, tollgate};

const STREAM: &str = "limits = { max-body = \"4B\", over-limit = \"stream\" }";

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_kept() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), "limits = { max-body = \"4B\" }", "");
    let mut client = gateway.client();
    client.write("POST /declared HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.receive().problem(), "body-too-large");
    client = gateway.client();
    client.write(chunked("/undeclared", ""));
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (413, "body-too-large"));
    assert!(upstream.received().is_empty());
    assert_eq!(gateway.send(Request::post("/short", "four")).status, 200);
    assert_eq!(upstream.only().header("x-seen"), Some("4"));
}

#[test]
fn a_body_that_is_too_long_passes_unseen_where_the_config_says_so() {
    let upstream = Upstream::saying("");
    let gateway = editor(&upstream.url(), STREAM, "");
    gateway.send(Request::post("/", "four"));
    gateway.send(Request::post("/", "and five"));
    gateway.client().raw(chunked("/", "connection: close\r\n"));
    let received = upstream.received();
    let seen: Vec<_> = received.iter().map(|received| (received.header("x-seen"), received.body.as_slice())).collect();
    assert_eq!(seen, [(Some("4"), &b"four"[..]), (None, b"and five"), (None, b"hello")]);
    assert_eq!(received[1].header("content-length"), Some("8"));
}

#[test]
fn bodies_that_are_kept_share_one_room() {
    let upstream = Upstream::saying("");
    let plugin = plugin("editor", "editor", "");
    let route = everything_to(&upstream.url(), "plugins = [\"editor\"]");
    let gateway = gateway(&format!("[gateway]\nworkers = 2\nbodies = {{ max-bytes = \"64KiB\" }}\n{plugin}{route}"));
    let send = || gateway.send(Request::post("/", vec![b'a'; 30_000]));
    // Whoever comes first has the room.
    let (mut slow, refused) = wait_for("the room to be full", || {
        wait_for("nobody to have any", || (gateway.metric("tollgate_requests") == 0.0).then_some(()));
        let mut slow = gateway.client();
        slow.write("POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n");
        slow.write(vec![b'a'; 40_000]);
        Some((slow, send())).filter(|(_, answer)| answer.status != 200)
    });
    assert_eq!((refused.status, refused.problem().as_str()), (503, "gateway-full"));
    slow.write(vec![b'a'; 10_000]);
    assert_eq!(slow.receive().status, 200);
    wait_for("room", || (send().status == 200).then_some(()));
}

#[test]
fn a_client_that_leaves_while_its_body_is_kept_leaves_nothing_behind() {
    let upstream = Upstream::saying("");
    let plugin = plugin("editor", "editor", "");
    let route = everything_to(&upstream.url(), "plugins = [\"editor\"]");
    let gateway = gateway(&format!("[gateway]\nbodies = {{ max-bytes = \"64KiB\" }}\n{plugin}{route}"));
    for _ in 0..4 {
        let mut client = gateway.client();
        client.write("POST /left HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n");
        client.write(vec![b'a'; 40_000]);
        client.reset();
    }
    let send = || gateway.send(Request::post("/", vec![b'a'; 60_000])).status;
    wait_for("room", || (send() == 200).then_some(()));
    wait_for("nothing kept", || (gateway.metric("tollgate_body_bytes") == 0.0).then_some(()));
    assert!(upstream.received().iter().all(|received| received.target == "/"));
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let upstream = Upstream::saying("");
    let plugin = plugin("editor", "editor", "");
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\nlimits = { body-timeout = \"200ms\" }\n";
    let gateway = gateway(&format!("{listener}{plugin}{}", everything_to(&upstream.url(), "plugins = [\"editor\"]")));
    let mut client = gateway.client();
    client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 8\r\n\r\nhalf");
    let answer = client.receive();
    assert_eq!((answer.status, answer.problem().as_str()), (408, "request-body-timeout"));
    client.wait_for_close();
    assert!(upstream.received().is_empty());
}

#[test]
fn grpc_calls_are_refused_or_pass_unseen() {
    let upstream = Upstream::saying("");
    let call = || {
        let call = http::Request::post("http://x/").header("content-type", "application/grpc");
        vec![call.body("call".into()).expect("a request")]
    };
    let gateway = editor(&upstream.url(), "", "");
    let answer = &http2::send(gateway.address(), call())[0];
    assert_eq!(answer.headers()["grpc-message"], "A policy wants whole bodies, not streams");
    assert!(upstream.received().is_empty());
    let gateway = editor(&upstream.url(), STREAM, "");
    assert_eq!(http2::send(gateway.address(), call())[0].status(), 200);
    assert_eq!(upstream.only().header("x-seen"), None);
}

#[test]
fn no_upstream_is_asked_to_switch_protocols_past_a_plugin_that_guards_bodies() {
    let upgrade = || Request::get("/").header("connection", "upgrade").header("upgrade", "websocket");
    let upstream = Upstream::saying("");
    editor(&upstream.url(), "", "").send(upgrade());
    assert_eq!(upstream.only().header("upgrade"), None);
    editor(&upstream.url(), STREAM, "").send(upgrade());
    assert_eq!(upstream.received()[1].header("upgrade"), Some("websocket"));
}

#[test]
fn check_warns_of_what_passes_unseen() {
    let plugin = plugin("editor", "editor", STREAM);
    let ran = tollgate(
        &format!("[[listener]]\naddress = \"127.0.0.1:0\"\n{plugin}{}", everything_to("internal:echo", "")),
        &["check", "--config", "gateway.toml"],
    );
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(
        said.contains("plugin `editor`: over-limit = \"stream\" lets traffic past it: longer bodies, gRPC calls, event streams and tunnels pass unseen"),
        "{said}"
    );
}
