//! TLS to endpoints: what is agreed on, what is told, and what goes wrong.

use tests::tls::{Authority, Wants};
use tests::{AgreeingUpstream, Gateway, Reply, Request, Upstream};

use crate::{builder, tollgate};

/// The config of a gateway whose one upstream is spoken to over TLS; `tls` is of its table.
pub(super) fn secure(upstream: &Upstream, tls: &str) -> String {
    format!(
        "\n[[upstream]]\nname = \"behind\"\nendpoints = [\"https://{}\"]\ntls = {{ {tls} }}\n{ROUTE}",
        upstream.address()
    )
}

const ROUTE: &str = "[[route]]\nname = \"everything\"\nupstream = \"behind\"\n";

/// A gateway that trusts this authority to vouch for its upstream.
pub(super) fn secured(upstream: &Upstream, authority: &Authority, tls: &str) -> Gateway {
    let comma = if tls.is_empty() { "" } else { ", " };
    let config = secure(upstream, &format!("ca = \"ca.pem\"{comma}{tls}"));
    builder(&config).file("ca.pem", authority.pem()).start()
}

/// A gateway to an upstream that agrees to these protocols; `protocol` is what the upstream's key says.
fn agreeing(authority: &Authority, agrees: &[&str], protocol: &str) -> (AgreeingUpstream, Gateway) {
    let issued = authority.issue(&["127.0.0.1"]);
    let upstream = AgreeingUpstream::start(issued.server(agrees, &Wants::Nothing));
    let config = format!(
        "[[upstream]]\nname = \"behind\"\nendpoints = [\"{}\"]\nprotocol = \"{protocol}\"\ntls = {{ ca = \"ca.pem\" }}\n{ROUTE}",
        upstream.url()
    );
    let gateway = builder(&config).file("ca.pem", authority.pem()).start();
    (upstream, gateway)
}

#[test]
fn requests_share_a_connection_and_bodies_cross_it_whole() {
    let authority = Authority::new();
    let server = authority.issue(&["127.0.0.1"]).server(&[], &Wants::Nothing);
    let upstream = Upstream::start_tls(&server, |request| Reply::ok(&request.body.len().to_string()));
    let gateway = secured(&upstream, &authority, "");
    assert_eq!(gateway.get("/").text(), "0");
    assert_eq!(gateway.send(Request::post("/", vec![b'x'; 3_000_000])).text(), "3000000");
    assert_eq!(gateway.get("/").status, 200);
    assert_eq!(upstream.connections(), 1);
    let received = &upstream.received()[0];
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
}

#[test]
fn a_session_is_resumed_by_the_next_connection() {
    let authority = Authority::new();
    let server = authority.issue(&["127.0.0.1"]).server(&[], &Wants::Nothing);
    let upstream = Upstream::start_tls(&server, |_| Reply::ok("").then_close());
    let gateway = secured(&upstream, &authority, "");
    for _ in 0..3 {
        assert_eq!(gateway.get("/").status, 200);
        upstream.wait_until_left();
    }
    let resumed: Vec<_> =
        upstream.received().iter().map(|it| it.handshake.as_ref().is_some_and(|it| it.resumed)).collect();
    assert_eq!(resumed, [false, true, true]);
}

#[test]
fn what_is_offered_and_what_the_endpoint_agrees_to_decide_what_is_spoken() {
    let authority = Authority::new();
    for (protocol, agrees, spoken) in [
        ("http1", &["h2", "http/1.1"][..], "HTTP/1.1 - "),
        ("http1", &[], "HTTP/1.1 - "),
        ("http2", &["h2", "http/1.1"], "HTTP/2.0 https "),
        ("auto", &["h2", "http/1.1"], "HTTP/2.0 https "),
        ("auto", &["http/1.1"], "HTTP/1.1 - "),
        ("auto", &[], "HTTP/1.1 - "),
    ] {
        let (upstream, gateway) = agreeing(&authority, agrees, protocol);
        for _ in 0..3 {
            let text = gateway.send(Request::get("/").header("host", "users.test")).text();
            assert_eq!(text, format!("{spoken}users.test"), "{protocol} to {agrees:?}");
        }
        assert_eq!(upstream.connections(), 1, "{protocol} to {agrees:?}");
    }
}

#[test]
fn an_endpoint_that_does_not_agree_to_http2_is_a_502() {
    let authority = Authority::new();
    for agrees in [&["http/1.1"][..], &[]] {
        let (_upstream, gateway) = agreeing(&authority, agrees, "http2");
        let answer = gateway.get("/");
        assert_eq!(answer.status, 502);
        assert!(answer.text().contains("urn:tollgate:problem:upstream-no-http2"), "{}", answer.text());
    }
}

#[test]
fn an_endpoint_that_speaks_http2_alone_is_a_502_where_it_is_not_offered() {
    let (_upstream, gateway) = agreeing(&Authority::new(), &["h2"], "http1");
    let answer = gateway.get("/");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("urn:tollgate:problem:upstream-tls"), "{}", answer.text());
}

#[test]
fn an_endpoint_without_tls_is_a_502_and_gets_no_request() {
    let (authority, plain) = (Authority::new(), Upstream::saying("plain"));
    let gateway = secured(&plain, &authority, "");
    let answer = gateway.get("/");
    assert_eq!(answer.status, 502);
    assert_eq!(plain.received().len(), 0);
    assert!(answer.text().contains("urn:tollgate:problem:upstream-tls"), "{}", answer.text());
    let line = gateway.wait_for_log(&format!("no TLS handshake with {}", plain.address()));
    assert_eq!(line["reason"], "upstream-tls");
}

#[test]
fn a_tunnel_goes_through_tls_to_an_endpoint() {
    let authority = Authority::new();
    let server = authority.issue(&["127.0.0.1"]).server(&[], &Wants::Nothing);
    let switched = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\nhello from afar";
    let upstream = Upstream::start_tls(&server, move |_| Reply::raw(switched).then_hang());
    let gateway = secured(&upstream, &authority, "");
    let mut client = gateway.client();
    client.start(Request::get("/").header("connection", "upgrade").header("upgrade", "chat"));
    assert_eq!(client.receive().status, 101);
    assert_eq!(client.read_until("afar"), "hello from afar");
    client.abort();
    upstream.wait_until_left();
}

#[test]
fn a_response_that_is_cut_without_a_word_is_cut_for_the_client_too() {
    let authority = Authority::new();
    let server = authority.issue(&["127.0.0.1"]).server(&[], &Wants::Nothing);
    // The end of the connection is the end of the body; over TLS it has to be said.
    let upstream = Upstream::start_tls(&server, |_| Reply::raw("HTTP/1.1 200 OK\r\n\r\nhalf of it").then_close());
    let gateway = secured(&upstream, &authority, "");
    let mut client = gateway.client();
    client.start(Request::get("/"));
    assert!(client.try_receive().is_err());
}

#[test]
fn check_says_what_is_wrong_with_tls_to_an_upstream() {
    let checked = tollgate(
        r#"[[upstream]]
name = "plain"
endpoints = ["http://127.0.0.1:1"]
protocol = "auto"
tls = { server-name = "not a name" }
[[upstream]]
name = "secure"
endpoints = ["https://127.0.0.1:1"]
tls = { ca = "missing.pem", cert = "own.pem", verify = false }
[[upstream]]
name = "files"
endpoints = ["https://127.0.0.1:1"]
tls = { key = "own.key", crls = ["missing.crl"], server_name = "a" }
"#,
        &["check", "--config", "gateway.toml"],
    );
    insta::assert_snapshot!(checked.stderr, @r#"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:4:12: `auto` is for endpoints with `https`, and there is another one (upstream `plain`)
      help: say "http1" or "http2"; the other is at gateway.toml:3:14
    gateway.toml:5:7: `tls` where no endpoint is spoken to over TLS (upstream `plain`)
      help: an endpoint with TLS is written `https://host:port`
    gateway.toml:5:23: `not a name` is neither a DNS name nor an IP address (upstream `plain`)
    gateway.toml:9:14: with `verify = false` no certificate is looked at (upstream `secure`)
      help: without `verify`, endpoints must show a certificate of this `ca`
    gateway.toml:9:36: the key `key` is missing beside this one
      help: a certificate and its private key are named together
    gateway.toml:13:50: unknown key `server_name` (upstream `files`)
      help: did you mean `server-name`?
    8 problems
    "#);
    let missing = tollgate(
        r#"[[listener]]
address = "127.0.0.1:0"
[[route]]
name = "all"
upstream = "files"
[[upstream]]
name = "files"
endpoints = ["https://127.0.0.1:1"]
tls = { ca = "missing.pem", crls = ["missing.crl"], cert = "own.pem", key = "own.key" }
"#,
        &["check", "--config", "gateway.toml"],
    );
    insta::assert_snapshot!(missing.stderr, @r"
    gateway.toml:9:14: cannot read `missing.pem`: No such file or directory (os error 2)
    gateway.toml:9:37: cannot read `missing.crl`: No such file or directory (os error 2)
    gateway.toml:9:60: cannot read `own.pem`: No such file or directory (os error 2)
    gateway.toml:9:77: cannot read `own.key`: No such file or directory (os error 2)
    4 problems
    ");
}
