//! Redirects that a plugin's own requests follow, where it asks for that. Where none leads is in `outbound_ssrf`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::tls::{Authority, Wants};
use tests::{Folder, Gateway, Received, Reply, Upstream};

use crate::guests::{plugin, routes};
use crate::outbound::{came, request};
use crate::{builder, gateway};

/// A config whose plugin may send to the upstream `behind`, and to these origins.
fn config(behind: &Upstream, origins: &[String], table: &str) -> String {
    let own = format!(
        "grants = [\"outbound\", \"state\"]\n[plugin.outbound]\nupstreams = [\"behind\"]\norigins = {origins:?}\n\
         networks = [\"127.0.0.1\"]\n{table}\n"
    );
    plugin("caller", "caller", &own)
        + &format!("[[upstream]]\nname = \"behind\"\nendpoints = [\"{}\"]\n", behind.url())
        + &routes(&[("calls", &["caller"])])
}

/// Whose paths are statuses that lead to `/there`, with a body that nobody needs; all else is `told`.
fn leading() -> Upstream {
    Upstream::start(|received| {
        let is_head = received.method == "HEAD";
        match received.target[1..].parse::<u16>() {
            Ok(status) if is_head => Reply::raw(format!("HTTP/1.1 {status} Elsewhere\r\nlocation: there\r\n\r\n")),
            Ok(status) => moved(status, "there"),
            Err(_) if is_head => Reply::raw("HTTP/1.1 200 OK\r\n\r\n"),
            Err(_) => Reply::ok("told"),
        }
    })
}

fn moved(status: u16, location: &str) -> Reply {
    Reply::raw(format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 9\r\n\r\nelsewhere"))
}

fn send(gateway: &Gateway, asked: &Value) -> Value {
    came(&gateway.send(request(std::slice::from_ref(asked)))).remove(0)
}

fn sent(gateway: &Gateway, outcome: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_outbound_total{{plugin=\"caller\",outcome=\"{outcome}\"}}"))
}

/// Why a redirect was not followed.
fn why(answer: &Value) -> &str {
    let error = answer["error"].as_str().unwrap_or_default();
    error.strip_prefix("Redirect(\"").unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn a_plugin_that_does_not_ask_gets_the_redirect() {
    let behind = leading();
    let gateway = gateway(&config(&behind, &[behind.url()], ""));
    for asked in
        [json!({ "upstream": ["behind", "/302"] }), json!({ "url": format!("{}/302", behind.url()), "redirects": 0 })]
    {
        let answer = send(&gateway, &asked);
        assert_eq!((&answer["status"], &answer["body"]), (&json!(302), &json!("elsewhere")));
    }
    assert_eq!(behind.received().len(), 2);
    for most in [11, 255] {
        let answer = send(&gateway, &json!({ "upstream": ["behind", "/302"], "redirects": most }));
        assert_eq!(answer["error"], "Invalid(\"more than 10 redirects are not followed\")");
    }
    assert_eq!(behind.received().len(), 2);
}

#[test]
fn the_status_says_how_a_redirect_is_followed() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (status, method, then, keeps_body) in [
        (301, "POST", "GET", false),
        (302, "POST", "GET", false),
        (302, "PUT", "PUT", true),
        (303, "PUT", "GET", false),
        (303, "HEAD", "HEAD", true),
        (307, "POST", "POST", true),
        (308, "POST", "POST", true),
    ] {
        let behind = leading();
        let gateway = gateway(&config(&behind, &[behind.url()], ""));
        let body = if method == "HEAD" { "" } else { "a body" };
        let headers = [["content-type", "text/plain"], ["authorization", "secret"]];
        let of = |asked: Value| {
            let mut asked = asked;
            for (key, value) in
                [("method", json!(method)), ("body", json!(body)), ("headers", json!(headers)), ("redirects", json!(1))]
            {
                asked[key] = value;
            }
            asked
        };
        let url = format!("{}/{status}", behind.url());
        let all = [of(json!({ "upstream": ["behind", format!("/{status}")] })), of(json!({ "url": url }))];
        for asked in &all {
            let answers = came(&gateway.send(request(std::slice::from_ref(asked)).header("traceparent", trace)));
            assert_eq!(answers[0]["status"], 200, "{status} {method}: {answers:?}");
        }
        let received = behind.received();
        for [first, second] in [[&received[0], &received[1]], [&received[2], &received[3]]] {
            assert_eq!((first.method.as_str(), second.method.as_str()), (method, then), "{status}");
            assert_eq!(second.target, "/there");
            assert_eq!(second.body == body.as_bytes(), keeps_body, "{status} {method}");
            assert_eq!(second.header("content-type").is_some(), keeps_body, "{status} {method}");
            for name in ["host", "authorization", "traceparent", "x-request-id"] {
                assert!(second.header(name).is_some(), "{name}");
                assert_eq!(first.header(name), second.header(name), "{name}");
            }
        }
        // One for the upstream and one for the origin: what a redirect says was read, and its connection kept.
        assert_eq!(behind.connections(), 2, "{status} {method}");
        // A call is one, however many requests it takes.
        let requests = gateway.metric("tollgate_upstream_endpoint_requests_total");
        assert_eq!((sent(&gateway, "answered"), requests), (2.0, 4.0));
        assert_eq!(came(&gateway.send(request(&all))).len(), 2, "also at once");
        assert_eq!(behind.received().len(), 8);
    }
}

#[test]
fn credentials_do_not_go_to_another_origin() {
    let other = Upstream::saying("told");
    let to = other.url();
    let behind = Upstream::start(move |received| match received.target.as_str() {
        "/away" => moved(307, &to),
        "/here" => moved(307, "/end"),
        _ => Reply::ok("told"),
    });
    let gateway = gateway(&config(&behind, &[behind.url(), other.url()], ""));
    let headers = [["authorization", "secret"], ["cookie", "a=secret"], ["x-own", "1"]];
    let has = |received: &Received| ["authorization", "cookie", "x-own"].map(|name| received.header(name).is_some());
    for path in ["/away", "/here"] {
        for target in [json!({ "upstream": ["behind", path] }), json!({ "url": format!("{}{path}", behind.url()) })] {
            let mut asked = target;
            (asked["headers"], asked["redirects"]) = (json!(headers), json!(1));
            assert_eq!(send(&gateway, &asked)["body"], "told", "{asked}");
        }
    }
    assert_eq!(behind.received().iter().map(has).collect::<Vec<_>>(), [[true; 3]; 6]);
    assert_eq!(other.received().iter().map(has).collect::<Vec<_>>(), [[false, false, true]; 2]);
    let hosts = other.received();
    assert_eq!(hosts[0].header("host"), Some(other.address().to_string().as_str()));
}

#[test]
fn an_upstream_is_left_for_granted_origins_only() {
    let (other, granted) = (Upstream::saying("a secret"), Upstream::saying("granted"));
    let behind = Upstream::start(|received| match received.header("x-to") {
        Some(location) if received.target == "/from/here" => moved(302, location),
        _ => Reply::ok("behind"),
    });
    let text = config(&behind, &[granted.url()], "").replace("[\"behind\"]", "[\"behind\", \"other\"]")
        + &format!("[[upstream]]\nname = \"other\"\nendpoints = [\"{}\"]\n", other.url());
    let gateway = gateway(&text);
    let to = |location: &str| {
        let asked = json!({ "upstream": ["behind", "/from/here"], "redirects": 1, "headers": [["x-to", location]] });
        send(&gateway, &asked)
    };
    let own = behind.url();
    for (location, target) in
        [("../x?y", "/x?y"), ("/x//y", "/x/y"), (&format!("{own}/x"), "/x"), (&own.replace("http:", ""), "/")]
    {
        assert_eq!(to(location)["body"], "behind", "{location}");
        assert_eq!(behind.received().last().map(|it| it.target.clone()).as_deref(), Some(target));
    }
    // Its origin is not granted, so all of that went through the upstream: by its connections.
    assert_eq!(behind.connections(), 1);
    assert_eq!(to(&granted.url())["body"], "granted");
    // That the plugin may send to another upstream does not mean that answers may send it there.
    for (location, says) in [
        (other.url(), "which is not granted"),
        (own.replace("http:", "https:"), "which is not granted"),
        ("/%2e%2e/x".to_owned(), "the path has dots"),
        ("behind:/x".to_owned(), "its location leads nowhere"),
    ] {
        let answer = to(&location);
        assert!(why(&answer).contains(says), "{location}: {answer}");
    }
    assert_eq!((other.connections(), sent(&gateway, "refused")), (0, 4.0));
}

#[test]
fn redirects_end() {
    let behind = Upstream::start(|received| match received.target.as_str() {
        "/circle" => moved(302, ""),
        path => moved(307, &format!("{path}x")),
    });
    let gateway = gateway(&config(&behind, &[behind.url()], ""));
    for (most, path) in [(1, "/circle"), (10, "/circle"), (10, "/x")] {
        let before = behind.received().len();
        let answer = send(&gateway, &json!({ "url": format!("{}{path}", behind.url()), "redirects": most }));
        assert!(why(&answer).starts_with(&format!("it is one more than {most}")), "{answer}");
        assert_eq!(behind.received().len() - before, most + 1);
    }
}

#[test]
fn all_of_them_have_one_timeout() {
    // Each takes more than a second, because a byte has a pause of 20 ms before it.
    let head = "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
    assert!(head.len() > 50);
    let behind = Upstream::start(move |_| Reply::slowly(head));
    let gateway = gateway(&config(&behind, &[behind.url()], "timeout = \"2s\""));
    let url = behind.url();
    for asked in [json!({ "url": url, "redirects": 10 }), json!({ "upstream": ["behind", "/"], "redirects": 10 })] {
        let (began, before) = (Instant::now(), behind.received().len());
        assert_eq!(send(&gateway, &asked)["error"], "Timeout");
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        assert!((1..=2).contains(&(behind.received().len() - before)), "{:?}", behind.received().len());
    }
}

#[test]
fn a_redirect_does_not_hang_on_its_body() {
    let head = |framing: &str| format!("HTTP/1.1 302 Found\r\nlocation: /there\r\n{framing}\r\n\r\n");
    let behind = Upstream::start(move |received| match received.target.as_str() {
        "/endless" => Reply::raw(head("transfer-encoding: chunked")).then_endlessly("4\r\nmore\r\n"),
        "/stuck" => Reply::raw(head("content-length: 8") + "short").then_hang(),
        "/cut" => Reply::raw(head("content-length: 8") + "short").then_close(),
        "/long" => Reply::raw(head("content-length: 1000000000") + "long").then_hang(),
        _ => Reply::ok("told"),
    });
    let gateway = gateway(&config(&behind, &[], "timeout = \"30s\"\nmax-body = \"8B\""));
    for path in ["/endless", "/stuck", "/cut", "/long"] {
        let began = Instant::now();
        let answer = send(&gateway, &json!({ "upstream": ["behind", path], "redirects": 1 }));
        assert_eq!(answer["body"], "told", "{path}: {answer}");
        assert!(began.elapsed() < Duration::from_secs(10), "{path}: {:?}", began.elapsed());
    }
    assert_eq!(gateway.metric("tollgate_body_bytes"), 0.0);
}

#[test]
fn what_was_asked_over_tls_is_never_asked_without() {
    let (authority, folder) = (Authority::new(), Folder::new());
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).expect("it is our folder");
    let plain = Upstream::saying("overheard");
    let to = plain.url();
    let issued = authority.issue(&["127.0.0.1"]);
    let secure =
        Upstream::start_tls(&issued.server(&[], &Wants::Nothing), move |received| match received.target.as_str() {
            "/down" => moved(307, &to),
            "/up" => moved(307, "/end"),
            _ => Reply::ok("secret"),
        });
    let url = secure.url().replace("http:", "https:");
    let text = config(&secure, &[url.clone(), plain.url()], "").replace(
        &format!("endpoints = [\"{}\"]", secure.url()),
        &format!("endpoints = [\"{url}\"]\ntls.ca = {:?}", roots.to_str().expect("a path of letters")),
    );
    let gateway = builder(&text).variable("SSL_CERT_FILE", roots.to_str().expect("a path of letters")).start();
    for asked in [json!({ "url": format!("{url}/down") }), json!({ "upstream": ["behind", "/down"] })] {
        let mut asked = asked;
        asked["redirects"] = json!(1);
        let answer = send(&gateway, &asked);
        assert!(why(&answer).starts_with(&format!("it leads from https to `{}`", plain.url())), "{answer}");
    }
    assert_eq!(send(&gateway, &json!({ "url": format!("{url}/up"), "redirects": 1 }))["body"], "secret");
    assert_eq!(plain.connections(), 0);
}
