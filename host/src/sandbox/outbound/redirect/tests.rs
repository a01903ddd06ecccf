//! Where redirects lead, and what of a request goes with them.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;

use super::*;

/// An upstream of one endpoint.
struct Behind(&'static str);

impl Named for Behind {
    fn stands_for(&self, origin: &Origin) -> bool {
        origin.to_string() == self.0
    }

    fn is_secure(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// For requests to origins.
const NONE: Behind = Behind("");

fn origin(text: &str) -> Origin {
    Origin::parse(text).expect("an origin")
}

/// A `POST` to this path of an origin, or of the upstream `behind`; `https://a.test`, `https://b.test` and `http://c.test` are granted.
fn post(from: Option<&str>, redirects: u8) -> Outgoing {
    let granted = ["https://a.test", "https://b.test", "http://c.test"];
    let policy = OutboundPolicy {
        upstreams: vec!["behind".into()],
        origins: granted.iter().map(|granted| (origin(granted), format!("for {granted}").into())).collect(),
        timeout: Duration::from_secs(1),
        max_body: 100,
    };
    let names = ["authorization", "cookie", "content-type", "content-encoding", "digest", "x-own", "traceparent"];
    let value = HeaderValue::from_static("1");
    Outgoing {
        upstream: from.map_or("behind".into(), |origin| format!("for {origin}").into()),
        origin: from.map(origin),
        method: Method::POST,
        target: PathAndQuery::from_static("/folder/x?q"),
        headers: names.iter().map(|name| (HeaderName::from_static(name), value.clone())).collect(),
        body: Bytes::from_static(b"a body"),
        timeout: Duration::from_secs(1),
        max_body: 100,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        secure: false,
        redirects: Redirects::new(redirects, &Arc::new(policy)),
    }
}

fn answer(outgoing: &mut Outgoing, status: u16, locations: &[&str], upstream: &Behind) -> Result<bool, SendError> {
    let value = |text: &&str| (LOCATION, HeaderValue::from_bytes(text.as_bytes()).expect("a value"));
    let headers = locations.iter().map(value).collect();
    outgoing.redirect(StatusCode::from_u16(status).expect("a status"), &headers, upstream)
}

/// Where it goes now.
fn leads_to(outgoing: &Outgoing) -> String {
    format!("{}{}", outgoing.upstream, outgoing.target)
}

fn why(refused: Result<bool, SendError>) -> String {
    match refused {
        Err(SendError::Redirect(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_was_asked_for_and_leads_somewhere_is_followed() {
    for (redirects, status, locations) in [
        (0, 302, &["/y"][..]),
        (0, 302, &["/y", "/z"]),
        (1, 302, &[]),
        (1, 200, &["/y"]),
        (1, 201, &["/y"]),
        (1, 300, &["/y"]),
        (1, 304, &["/y"]),
        (1, 305, &["/y"]),
        (1, 306, &["/y"]),
        (1, 401, &["/y"]),
    ] {
        let mut outgoing = post(Some("https://a.test"), redirects);
        assert_eq!(answer(&mut outgoing, status, locations, &NONE), Ok(false), "{redirects} {status} {locations:?}");
        assert_eq!((leads_to(&outgoing).as_str(), outgoing.body.len()), ("for https://a.test/folder/x?q", 6));
    }
}

#[test]
fn the_method_changes_as_clients_have_it() {
    let of = |status: u16, method: Method| {
        let mut outgoing = Outgoing { method, ..post(Some("https://a.test"), 1) };
        assert_eq!(answer(&mut outgoing, status, &["y"], &NONE), Ok(true));
        let said = OF_BODY.iter().any(|name| outgoing.headers.contains_key(name));
        assert!(outgoing.headers.contains_key("x-own") && outgoing.headers.contains_key("authorization"));
        assert_eq!(said, !outgoing.body.is_empty(), "what is said of a body goes with it");
        (outgoing.method, said)
    };
    for status in [301, 302] {
        assert_eq!(of(status, Method::POST), (Method::GET, false));
        assert_eq!(of(status, Method::PUT), (Method::PUT, true));
        assert_eq!(of(status, Method::HEAD), (Method::HEAD, true));
    }
    for method in [Method::POST, Method::PUT, Method::GET] {
        assert_eq!(of(303, method), (Method::GET, false));
    }
    assert_eq!(of(303, Method::HEAD).0, Method::HEAD);
    for status in [307, 308] {
        assert_eq!(of(status, Method::POST), (Method::POST, true));
    }
}

#[test]
fn a_redirect_goes_where_the_first_request_might_have_gone() {
    for (from, location, to) in [
        ("https://a.test", "/y", "for https://a.test/y"),
        ("https://a.test", "y?z#s", "for https://a.test/folder/y?z"),
        ("https://a.test", "//b.test/y", "for https://b.test/y"),
        ("https://a.test", "https://a.test:443/y", "for https://a.test/y"),
        ("http://c.test", "https://b.test", "for https://b.test/"),
    ] {
        let mut outgoing = post(Some(from), 1);
        assert_eq!(answer(&mut outgoing, 307, &[location], &NONE), Ok(true), "{location}");
        assert_eq!(leads_to(&outgoing), to);
    }
    for (from, location, says) in [
        ("https://a.test", "https://evil.test/y?secret", "it leads to `https://evil.test`, which is not granted"),
        ("https://a.test", "https://a.test:444/", "it leads to `https://a.test:444`, which is not granted"),
        ("http://c.test", "http://169.254.169.254/", "it leads to `http://169.254.169.254`, which is not granted"),
        ("http://c.test", "//127.0.0.1", "it leads to `http://127.0.0.1`, which is not granted"),
        ("https://a.test", "http://a.test/", "it leads from https to `http://a.test`"),
        ("https://a.test", "http://c.test/", "it leads from https to `http://c.test`"),
        ("https://a.test", "https://u:p@a.test/", "its location leads nowhere: it has a user name or password in it"),
        ("https://a.test", "file:///etc/passwd", "its location leads nowhere: it does not begin with"),
        ("https://a.test", "/\u{e9}", "its location leads nowhere: its path or query has a byte"),
    ] {
        let mut outgoing = post(Some(from), 1);
        let why = why(answer(&mut outgoing, 307, &[location], &NONE));
        assert!(why.starts_with(says), "{location}: {why}");
        assert!(!why.contains("secret") && !why.contains("u:p"), "{why}");
    }
    assert_eq!(
        why(answer(&mut post(Some("https://a.test"), 1), 302, &["/y", "/y"], &NONE)),
        "it has more than one location"
    );
}

#[test]
fn an_upstream_is_followed_by_its_name_and_left_for_origins_only() {
    let (plain, tls) = (Behind("http://10.0.0.7:8080"), Behind("https://10.0.0.7:8443"));
    for (upstream, location, to) in [
        (&plain, "y", "behind/folder/y"),
        (&plain, "//10.0.0.7:8080/y", "behind/y"),
        (&plain, "/a/../b//c", "behind/b/c"),
        (&plain, "http://10.0.0.7:8080/y?z", "behind/y?z"),
        (&tls, "//10.0.0.7:8443/y", "behind/y"),
        (&tls, "https://b.test/y", "for https://b.test/y"),
        (&plain, "http://c.test/y", "for http://c.test/y"),
    ] {
        let mut outgoing = post(None, 1);
        assert_eq!(answer(&mut outgoing, 302, &[location], upstream), Ok(true), "{location}");
        assert_eq!((leads_to(&outgoing).as_str(), outgoing.origin.is_none()), (to, to.starts_with("behind")));
    }
    for (upstream, location, says) in [
        (&plain, "http://10.0.0.7:8081/", "it leads to `http://10.0.0.7:8081`, which is not granted"),
        (&tls, "http://10.0.0.7:8443/", "it leads from https to `http://10.0.0.7:8443`"),
        (&tls, "http://c.test/", "it leads from https to `http://c.test`"),
        (&plain, "/%2e%2e/y", "the path has dots where the route makes segments of them"),
        (&plain, "/a%2Fb", "the path holds an encoded slash"),
    ] {
        let why = why(answer(&mut post(None, 1), 302, &[location], upstream));
        assert!(why.starts_with(says), "{location}: {why}");
    }
    // Once it was left, its name stands for nothing any more.
    let mut outgoing = post(None, 2);
    assert_eq!(answer(&mut outgoing, 302, &["http://c.test"], &plain), Ok(true));
    let back = answer(&mut outgoing, 302, &["http://10.0.0.7:8080/"], &plain);
    assert_eq!(why(back), "it leads to `http://10.0.0.7:8080`, which is not granted");
}

#[test]
fn credentials_stay_with_their_origin_and_do_not_come_back() {
    let mut outgoing = post(Some("https://a.test"), 3);
    let has = |outgoing: &Outgoing| {
        ["authorization", "cookie", "x-own", "traceparent"].map(|name| outgoing.headers.contains_key(name))
    };
    assert_eq!(answer(&mut outgoing, 308, &["/y"], &NONE), Ok(true));
    assert_eq!(has(&outgoing), [true; 4]);
    for location in ["https://b.test", "https://a.test"] {
        assert_eq!(answer(&mut outgoing, 308, &[location], &NONE), Ok(true));
        assert_eq!(has(&outgoing), [false, false, true, true], "{location}");
    }
}

#[test]
fn no_more_are_followed_than_were_asked_for() {
    let mut outgoing = post(Some("https://a.test"), 2);
    for _ in 0..2 {
        assert_eq!(answer(&mut outgoing, 302, &["/y"], &NONE), Ok(true));
    }
    assert_eq!(why(answer(&mut outgoing, 302, &["/y"], &NONE)), "it is one more than 2");
    assert_eq!(answer(&mut outgoing, 200, &["/y"], &NONE), Ok(false));
}
