//! Headers that concern one connection, and those by which proxies tell who asked.

use tests::{Gateway, Received, Reply, Request, Upstream, http2};

use crate::{everything_to, gateway, gateway_to};

/// What the upstream gets of a request.
fn forwarded(gateway: &Gateway, upstream: &Upstream, request: Request) -> Received {
    let before = upstream.received().len();
    assert_eq!(gateway.send(request).status, 200);
    upstream.received().swap_remove(before)
}

/// A gateway that trusts whoever connects from this machine, and its upstream.
fn behind_a_trusted_proxy() -> (Gateway, Upstream) {
    let upstream = Upstream::saying("");
    let config = everything_to(&upstream.url(), "");
    (gateway(&format!("[gateway]\ntrusted-proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n{config}")), upstream)
}

#[test]
fn headers_of_one_connection_end_there() {
    let upstream = Upstream::saying("");
    let request = Request::get("/")
        .header("connection", "keep-alive, X-Hop")
        .header("keep-alive", "timeout=5")
        .header("x-hop", "1")
        .header("te", "trailers")
        .header("proxy-connection", "keep-alive")
        .header("upgrade", "h2c")
        .header("x-end-to-end", "1");
    let received = forwarded(&gateway_to(&upstream.url(), ""), &upstream, request);
    for name in ["connection", "keep-alive", "x-hop", "te", "proxy-connection", "upgrade"] {
        assert_eq!(received.header(name), None, "{name}");
    }
    assert_eq!(received.header("x-end-to-end"), Some("1"));
}

#[test]
fn headers_of_the_upstreams_connection_do_not_reach_the_client() {
    let answer = "HTTP/1.1 200 OK\r\nconnection: x-hop, keep-alive\r\nkeep-alive: timeout=5\r\nx-hop: 1\r\n\
                  x-end-to-end: 1\r\ncontent-length: 0\r\n\r\n";
    let upstream = Upstream::start(move |_| Reply::raw(answer));
    let response = gateway_to(&upstream.url(), "").get("/");
    for name in ["connection", "keep-alive", "x-hop"] {
        assert_eq!(response.header(name), None, "{name}");
    }
    assert_eq!(response.header("x-end-to-end"), Some("1"));
}

#[test]
fn the_upstream_is_told_who_asked_for_what() {
    let upstream = Upstream::saying("");
    let request = Request::get("/").header("host", "api.example");
    let received = forwarded(&gateway_to(&upstream.url(), ""), &upstream, request);
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    assert_eq!(received.header("x-forwarded-host"), Some("api.example"));
    assert_eq!(received.header("via"), Some("1.1 tollgate"));
}

#[test]
fn what_anybody_says_about_itself_is_not_believed() {
    let upstream = Upstream::saying("");
    let request = Request::get("/")
        .header("x-forwarded-for", "1.1.1.1")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("x-real-ip", "1.1.1.1")
        .header("forwarded", "for=1.1.1.1")
        .header("x-request-id", "mine");
    let gateway = gateway_to(&upstream.url(), "");
    let received = forwarded(&gateway, &upstream, request);
    assert_eq!(received.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("http"));
    assert_eq!(received.header("x-forwarded-host"), Some("gateway.test"));
    assert_eq!((received.header("x-real-ip"), received.header("forwarded")), (None, None));
    assert_ne!(received.header("x-request-id"), Some("mine"));
    assert_eq!(gateway.wait_for_access("/")["client"], "127.0.0.1");
}

/// Of all headers that these names make, those that reached the upstream.
fn arrived(gateway: &Gateway, upstream: &Upstream, names: &[&str]) -> Vec<String> {
    let request = names.iter().fold(Request::get("/"), |request, name| request.header(name, "said by a client"));
    let received = forwarded(gateway, upstream, request);
    received.headers.into_iter().filter(|(_, value)| value.contains("said by")).map(|(name, _)| name).collect()
}

const TELL_OF_CLIENTS: [&str; 24] = [
    "X-Forwarded",
    "X-Forwarded-Prefix",
    "X-Forwarded-Ssl",
    "X-Forwarded-Server",
    "X-Forwarded-Scheme",
    "X-Forwarded-By",
    "X-Forwarded-Port",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Front-End-Https",
    "X-Url-Scheme",
    "X-Real-IP",
    "X-Forwarded-Any-Other",
    "X-Forwarded-Client-Cert",
    "Client-Cert",
    "Client-Cert-Chain",
    "X-Client-Cert",
    "X-Client-Certificate",
    "X-SSL-Client-Verify",
    "X-SSL-Client-S-DN",
    "SSL-Client-Cert",
    "X-Amzn-Mtls-Clientcert-Subject",
    "X-ARR-ClientCert",
];

#[test]
fn no_header_of_an_untrusted_client_tells_of_a_client() {
    let upstream = Upstream::saying("");
    let config = everything_to(&upstream.url(), "");
    for aliases in ["", "[gateway]\nalias-headers = \"keep\"\n"] {
        let gateway = gateway(&format!("{aliases}{config}"));
        assert_eq!(arrived(&gateway, &upstream, &TELL_OF_CLIENTS), [""; 0]);
        for separator in ["_", "."] {
            let aliases = TELL_OF_CLIENTS.map(|name| name.replace('-', separator));
            assert_eq!(arrived(&gateway, &upstream, &aliases.each_ref().map(String::as_str)[1..]), [""; 0]);
        }
    }
}

#[test]
fn a_trusted_proxy_may_tell_of_its_client_but_not_of_another_path() {
    let (gateway, upstream) = behind_a_trusted_proxy();
    assert_eq!(arrived(&gateway, &upstream, &TELL_OF_CLIENTS).len(), TELL_OF_CLIENTS.len());
    let mislead = ["X-Original-URL", "X-Original-URI", "X-Rewrite-URL", "Proxy", "X_Original.URL"];
    assert_eq!(arrived(&gateway, &upstream, &mislead), [""; 0]);
    let gateway = gateway_to(&upstream.url(), "");
    assert_eq!(arrived(&gateway, &upstream, &mislead), [""; 0]);
}

#[test]
fn no_alias_says_what_a_plugin_sets_or_removes() {
    let upstream = Upstream::saying("");
    let plugin = "plugins = [{ source = \"transform\", config = { request = { headers = \
                  { set = { x-client = \"acme\" }, remove = [\"x-internal-role\"] } } } }]";
    let aliases = ["X_Client", "X.Client", "x_internal_role", "x-internal.role"];
    let names = [&aliases[..], &["x-client", "x-internal-role", "x-other"]].concat();
    let config = everything_to(&upstream.url(), plugin);
    assert_eq!(arrived(&gateway(&config), &upstream, &names), ["x-other"]);
    let keeps = gateway(&format!("[gateway]\nalias-headers = \"keep\"\n{config}"));
    assert_eq!(arrived(&keeps, &upstream, &names).len(), aliases.len() + 1);
}

#[test]
fn a_trusted_proxy_is_believed_and_added_to_the_hops() {
    let (gateway, upstream) = behind_a_trusted_proxy();
    let request = Request::get("/")
        .header("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.2")
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "shop.example");
    let received = forwarded(&gateway, &upstream, request);
    assert_eq!(received.header("x-forwarded-for"), Some("6.6.6.6, 192.0.2.7, 10.0.0.2, 127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("https"));
    assert_eq!(received.header("x-forwarded-host"), Some("shop.example"));
    // The nearest hop that is not itself trusted.
    assert_eq!(gateway.wait_for_access("/")["client"], "192.0.2.7");
}

#[test]
fn a_trusted_proxy_may_say_it_in_forwarded() {
    let (gateway, upstream) = behind_a_trusted_proxy();
    let request = Request::get("/").header("forwarded", "for=\"[2001:db8::7]:4711\";proto=https");
    let received = forwarded(&gateway, &upstream, request);
    assert_eq!(received.header("forwarded"), Some("for=\"[2001:db8::7]:4711\";proto=https, for=127.0.0.1"));
    assert_eq!(received.header("x-forwarded-for"), Some("2001:db8::7, 127.0.0.1"));
    assert_eq!(received.header("x-forwarded-proto"), Some("https"));
    assert_eq!(gateway.wait_for_access("/")["client"], "2001:db8::7");
}

#[test]
fn one_request_id_is_in_the_request_the_response_and_the_log() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    let answer = gateway.get("/");
    let id = answer.header("x-request-id").expect("every response has one").to_owned();
    assert_eq!(upstream.only().header("x-request-id"), Some(id.as_str()));
    assert_eq!(gateway.wait_for_access("/")["id"], id.as_str());
}

#[test]
fn a_trusted_proxys_request_id_is_kept_unless_it_is_no_id() {
    let (gateway, upstream) = behind_a_trusted_proxy();
    let kept = |id: &str| {
        let received = forwarded(&gateway, &upstream, Request::get("/").header("x-request-id", id));
        received.header("x-request-id") == Some(id)
    };
    assert!(kept("from-the-edge-7"));
    assert!(!kept("with a space"));
    assert!(!kept(&"long".repeat(40)));
}

#[test]
fn every_proxy_on_the_way_is_in_via() {
    let upstream = Upstream::saying("");
    let request = Request::get("/").header("via", "1.1 edge");
    let received = forwarded(&gateway_to(&upstream.url(), ""), &upstream, request);
    let via: Vec<_> =
        received.headers.iter().filter(|(name, _)| name == "via").map(|(_, value)| value.as_str()).collect();
    assert_eq!(via.join(", "), "1.1 edge, 1.1 tollgate");
}

#[test]
fn a_request_names_exactly_one_valid_host() {
    let gateway = gateway_to("internal:echo", "");
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n",
        "GET / HTTP/1.1\r\nhost: user@a\r\n",
        "GET / HTTP/1.1\r\nhost: a, b\r\n",
        "GET / HTTP/1.1\r\nhost: a:99999\r\n",
        "GET / HTTP/1.1\r\nhost:\r\n",
        "GET http://a/ HTTP/1.1\r\nhost: b\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nhost: [zz]\r\n",
        "GET / HTTP/1.1\r\nhost: []\r\n",
        "GET / HTTP/1.1\r\nhost: .\r\n",
        "GET / HTTP/1.1\r\nhost: a..\r\n",
        "OPTIONS * HTTP/1.1\r\n",
    ] {
        let mut client = gateway.client();
        client.write(format!("{head}\r\n"));
        let answer = client.receive();
        assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-host"), "{head:?}");
    }
}

#[test]
fn a_header_that_has_one_value_comes_once_or_the_request_is_refused() {
    let gateway = gateway_to("internal:echo", "");
    for name in ["authorization", "content-type", "origin"] {
        let mut request = http2::get("http://x/");
        for value in ["a", "b"] {
            request.headers_mut().append(name, http::HeaderValue::from_static(value));
        }
        assert_eq!(http2::send(gateway.address(), vec![request])[0].status(), 400, "{name} over HTTP/2");
        assert_eq!(gateway.send(Request::get("/").header(name, "a").header(name, "b")).status, 400, "{name}");
        assert_eq!(gateway.send(Request::get("/").header(name, "a")).status, 200, "{name}");
    }
    // A list may come in parts.
    assert_eq!(gateway.send(Request::get("/").header("accept", "a").header("accept", "b")).status, 200);
}

#[test]
fn via_says_what_the_client_speaks() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    assert_eq!(gateway.get("/").status, 200);
    gateway.client().raw("GET / HTTP/1.0\r\n\r\n");
    http2::send(gateway.address(), vec![http2::get("http://x/")]);
    let received = upstream.received();
    let via = received.iter().map(|request| request.header("via")).collect::<Vec<_>>();
    assert_eq!(via, [Some("1.1 tollgate"), Some("1.0 tollgate"), Some("2 tollgate")]);
    // It named no host.
    assert_eq!(received[1].header("x-forwarded-host"), None);
}

#[test]
fn a_question_about_the_gateway_itself_needs_no_route() {
    let gateway = gateway_to("internal:echo", r#"match = { path = "/users" }"#);
    let answer = gateway.send(Request::new("OPTIONS", "*"));
    assert_eq!((answer.status, answer.header("content-length"), answer.header("content-type")), (204, None, None));
    assert!(gateway.wait_for_access("*")["problem"].is_null());
    assert_eq!(gateway.send(Request::get("*")).status, 400);
    assert_eq!(gateway.send(Request::get("ftp://gateway.test/users")).problem(), "bad-target");
    assert_eq!(gateway.send(Request::get("HTTPS://gateway.test/users")).status, 200);
}

/// What the upstream got at last.
fn last(upstream: &Upstream) -> Received {
    upstream.received().pop().expect("it was asked")
}

#[test]
fn a_request_that_goes_no_further_is_answered_here_and_others_are_counted_down() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    let options = |most: &str| gateway.send(Request::new("OPTIONS", "/").header("max-forwards", most));
    assert_eq!(options("0").status, 204);
    assert!(upstream.received().is_empty());
    for (most, left) in [("1", "0"), ("007", "6"), ("99999999999999999999999", "18446744073709551614")] {
        assert_eq!(options(most).status, 200);
        assert_eq!(last(&upstream).header("max-forwards"), Some(left), "{most}");
    }
    for wrong in ["-1", "1, 2", "", "a"] {
        assert_eq!((options(wrong).status, options(wrong).problem().as_str()), (400, "bad-request"), "{wrong:?}");
    }
    // It says nothing of other methods.
    gateway.send(Request::get("/").header("max-forwards", "0"));
    assert_eq!(last(&upstream).header("max-forwards"), Some("0"));
    let mut request = http2::get("http://x/");
    *request.method_mut() = http::Method::OPTIONS;
    request.headers_mut().insert("max-forwards", http::HeaderValue::from_static("0"));
    assert_eq!(http2::send(gateway.address(), vec![request])[0].status(), 204);
}

#[test]
fn nobody_is_shown_what_a_request_has_become_by_trace() {
    let upstream = Upstream::saying("");
    let gateway = gateway_to(&upstream.url(), "");
    for most in ["0", "1"] {
        let answer = gateway.send(Request::new("TRACE", "/").header("max-forwards", most));
        assert_eq!((answer.status, answer.problem().as_str()), (501, "method-not-implemented"));
    }
    let mut request = http2::get("http://x/");
    *request.method_mut() = http::Method::TRACE;
    assert_eq!(http2::send(gateway.address(), vec![request])[0].status(), 501);
    assert!(upstream.received().is_empty());
}

#[test]
fn a_host_has_one_form_for_routes_plugins_and_upstreams() {
    let upstream = Upstream::saying("");
    let set = r#"x-told = "{request.authority}", x-field = "{request.header.host}""#;
    let transform = format!(r#"{{ source = "transform", config = {{ request.headers.set = {{ {set} }} }} }}"#);
    let more = format!("plugins = [{transform}]\nmatch.host = [\"api.example\", \"[::1]\"]");
    let gateway = gateway_to(&upstream.url(), &more);
    for (written, expected) in [
        ("api.example", "api.example"),
        ("API.Example", "api.example"),
        ("api.example.", "api.example"),
        ("api.example:80", "api.example"),
        ("Api.Example.:080", "api.example"),
        ("api.example:443", "api.example:443"),
        ("api.example:", "api.example"),
        ("[0:0:0::1]:80", "[::1]"),
        ("[::1]:8080", "[::1]:8080"),
    ] {
        assert_eq!(gateway.send(Request::get("/").header("host", written)).status, 200, "{written}");
        assert_eq!(http2::send(gateway.address(), vec![http2::get(&format!("http://{written}/"))])[0].status(), 200);
        let received = upstream.received();
        for request in &received[received.len() - 2..] {
            for name in ["host", "x-told", "x-field", "x-forwarded-host"] {
                assert_eq!(request.header(name), Some(expected), "{name} for {written}");
            }
        }
    }
}

#[test]
fn a_target_with_a_host_is_served_like_one_without() {
    let gateway = gateway_to("internal:echo", r#"match = { host = "api.example" }"#);
    let mut client = gateway.client();
    client.write("GET http://API.example/x?y HTTP/1.1\r\nhost: api.example\r\n\r\n");
    let answer = client.receive().json();
    assert_eq!((&answer["path"], &answer["headers"]["host"]), (&"/x".into(), &"api.example".into()));
}
