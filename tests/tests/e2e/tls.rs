//! Handshakes: versions, names, protocols, tickets, and who takes too long.

use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, ProtocolVersion};
use tests::tls::{Authority, Issued, Tls, VERSIONS};
use tests::{Client, Gateway, PATIENCE, Request, Upstream, http2};

use crate::{builder, everything_to};

/// The names that a listener of these tests has its first certificate for.
const HERE: [&str; 2] = ["gateway.test", "127.0.0.1"];

/// A gateway with one listener, which has this certificate; `listener` is of it.
pub(super) fn secured(issued: &Issued, listener: &str, rest: &str) -> Gateway {
    let config = format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = {{ cert = \"server.pem\", key = \"server.key\" }}\n{listener}\n{rest}"
    );
    builder(&config).file("server.pem", &issued.cert).file("server.key", &issued.key).start()
}

/// The certificate that the gateway showed.
pub(super) fn shown(client: &Client) -> Vec<u8> {
    client.tls().peer_certificates().and_then(<[_]>::first).expect("every handshake shows one").to_vec()
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_upstreams_hear_of_https() {
    let (authority, upstream) = (Authority::new(), Upstream::saying("secret"));
    let gateway = secured(&authority.issue(&HERE), "", &everything_to(&upstream.url(), ""));
    for (version, agreed) in [(&TLS12, ProtocolVersion::TLSv1_2), (&TLS13, ProtocolVersion::TLSv1_3)] {
        let mut client = Tls::with(&authority, &[], &[version], None).connect(gateway.address(), "gateway.test");
        assert_eq!(client.tls().protocol_version(), Some(agreed));
        for _ in 0..2 {
            assert_eq!(client.get("/").text(), "secret");
        }
    }
    let received = upstream.received();
    assert!(received.iter().all(|request| request.header("x-forwarded-proto") == Some("https")), "{received:?}");
}

#[test]
fn long_bodies_cross_tls_whole_in_both_directions() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&HERE), "", &everything_to("internal:echo", ""));
    let mut client = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    let answer = client.send(Request::post("/", vec![b'x'; 3_000_000]));
    assert_eq!(answer.json()["bodyBytes"], 3_000_000);
    assert_eq!(client.get("/bytes/20mb").body.len(), 20_000_000);
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn what_alpn_says_is_what_is_served() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&HERE), "", &everything_to("internal:echo", ""));
    let address = gateway.address();
    let agreed = |client: &Client| client.tls().alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());

    let both = Tls::new(&authority, &["h2", "http/1.1"]);
    let answers = http2::send_over(&both, address, "gateway.test", vec![http2::get("https://gateway.test/two")]);
    assert_eq!(answers[0].status(), 200);
    assert_eq!(gateway.wait_for_access("/two")["protocol"], "HTTP/2");

    let mut only_http1 = Tls::new(&authority, &["http/1.1"]).connect(address, "gateway.test");
    assert_eq!(agreed(&only_http1).as_deref(), Some("http/1.1"));
    assert_eq!(only_http1.get("/").status, 200);

    // Who agreed to one protocol does not get the other.
    let mut http2 = both.connect(address, "gateway.test");
    assert_eq!(agreed(&http2).as_deref(), Some("h2"));
    assert!(http2.try_send(Request::get("/")).is_err());
    for alpn in [Vec::new(), vec!["http/1.1"]] {
        let mut http1 = Tls::new(&authority, &alpn).connect(address, "gateway.test");
        let answer = http1.raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert!(answer.starts_with(b"HTTP/1.1 "), "{}", answer.escape_ascii());
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", answer.escape_ascii());
    }
    assert!(Tls::new(&authority, &["spdy/3"]).try_connect(address, "gateway.test").is_err());
}

#[test]
fn alpn_offers_only_what_the_listener_speaks() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&HERE), "protocols = [\"http1\"]", &everything_to("internal:echo", ""));
    let mut client = Tls::new(&authority, &["h2", "http/1.1"]).connect(gateway.address(), "gateway.test");
    assert_eq!(client.tls().alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn each_name_gets_its_certificate_and_the_first_is_for_all_others() {
    let authority = Authority::new();
    let issued = [&HERE[..], &["b.test", "*.b.test"], &["exact.b.test"]].map(|names| authority.issue(names));
    let config = r#"[[listener]]
address = "127.0.0.1:0"
[listener.tls]
certificates = [
    { cert = "0.pem", key = "0.key" },
    { cert = "1.pem", key = "1.key" },
    { cert = "2.pem", key = "2.key" },
]
"#;
    let gateway = issued.iter().enumerate().fold(
        builder(&format!("{config}{}", everything_to("internal:echo", ""))),
        |builder, (at, issued)| {
            builder.file(&format!("{at}.pem"), &issued.cert).file(&format!("{at}.key"), &issued.key)
        },
    );
    let gateway = gateway.start();
    let tls = Tls::new(&authority, &[]);
    let cases =
        [("gateway.test", 0), ("127.0.0.1", 0), ("b.test", 1), ("a.b.test", 1), ("A.B.Test", 1), ("exact.b.test", 2)];
    for (name, certificate) in cases {
        let client = tls.connect(gateway.address(), name);
        assert!(shown(&client) == issued[certificate].der(), "{name}");
    }
    // A wildcard is one label; what is left gets the first one, which is not for it.
    for name in ["a.a.b.test", "elsewhere.test"] {
        assert!(tls.try_connect(gateway.address(), name).is_err(), "{name}");
    }
}

#[test]
fn a_session_is_resumed_on_whatever_worker_and_across_a_reload() {
    let authority = Authority::new();
    let workers = "[gateway]\nworkers = 2\n";
    let rest = |more: &str| format!("{workers}{}", everything_to("internal:echo", more));
    let gateway = secured(&authority.issue(&HERE), "", &rest(""));
    let resumes = |tls: &Tls, times: usize| {
        for _ in 0..times {
            let mut client = tls.connect(gateway.address(), "gateway.test");
            assert_eq!(client.tls().handshake_kind(), Some(HandshakeKind::Resumed));
            assert_eq!(client.get("/").status, 200);
        }
    };
    let clients = VERSIONS.map(|version| Tls::with(&authority, &[], &[version], None));
    for tls in &clients {
        let mut first = tls.connect(gateway.address(), "gateway.test");
        assert_eq!(first.tls().handshake_kind(), Some(HandshakeKind::Full));
        assert_eq!(first.get("/").status, 200);
        resumes(tls, 8);
    }
    let config = std::fs::read_to_string(gateway.folder().path().join("gateway.toml")).expect("it is there");
    gateway.reload(&config.replace("name = \"everything\"", "name = \"all\""));
    clients.iter().for_each(|tls| resumes(tls, 4));
}

#[test]
fn who_speaks_plain_http_is_told_so() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&HERE), "", &everything_to("internal:echo", ""));
    let answer = gateway.get("/plain");
    assert_eq!((answer.status, answer.problem().as_str()), (400, "bad-request"));
    assert_eq!(answer.json()["detail"], "it is plain HTTP, and this listener speaks TLS");
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn a_handshake_that_takes_too_long_is_closed_in_time() {
    let authority = Authority::new();
    let limits = "limits = { handshake-timeout = \"300ms\" }";
    let gateway = secured(&authority.issue(&HERE), limits, &everything_to("internal:echo", ""));
    // Nothing at all, and the beginning of a handshake.
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let started = Instant::now();
        let mut slow = gateway.client();
        slow.write(bytes);
        slow.wait_for_close();
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(250) && took < PATIENCE / 6, "{took:?}");
    }
    // Whose handshake is over has the other timers.
    let mut client = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    assert_eq!(client.get("/delay/600ms").status, 200);
    assert_eq!(client.get("/").status, 200);
}

#[test]
fn an_idle_connection_is_closed_with_a_word() {
    let authority = Authority::new();
    let limits = "limits = { idle-timeout = \"100ms\" }";
    let gateway = secured(&authority.issue(&HERE), limits, &everything_to("internal:echo", ""));
    let mut client = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    assert_eq!(client.get("/").status, 200);
    // Without `close_notify` this would be an error of the connection.
    assert!(client.read_to_end().expect("an orderly end").is_empty());
}

#[test]
fn a_response_that_was_cut_does_not_look_whole_over_tls() {
    let authority = Authority::new();
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    let upstream = Upstream::start(move |_| tests::Reply::raw(cut).then_close());
    let gateway = secured(&authority.issue(&HERE), "", &everything_to(&upstream.url(), ""));
    let mut client = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    assert!(client.try_send(Request::get("/")).is_err());
}

#[test]
fn garbage_in_place_of_a_handshake_harms_nobody_else() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&HERE), "", &everything_to("internal:echo", ""));
    let tls = Tls::new(&authority, &[]);
    let mut client = tls.connect(gateway.address(), "gateway.test");
    for garbage in [&b"\0\0\0\0"[..], b"\x16\x03\x01\xff\xff\x01", b"\x80\x2e\x01\x00\x02", b"\x16\x03\x01\0\0\x16"] {
        let mut broken = gateway.client();
        broken.write(garbage);
        broken.half_close();
        broken.rest();
        assert_eq!(client.get("/").status, 200);
    }
    assert_eq!(tls.connect(gateway.address(), "gateway.test").get("/").status, 200);
}
