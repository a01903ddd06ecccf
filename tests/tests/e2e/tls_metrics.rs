//! Handshakes and certificates as they are counted.

use std::time::{Duration, Instant, UNIX_EPOCH};

use rustls::version::{TLS12, TLS13};
use tests::tls::{Authority, Tls, VERSIONS};
use tests::{Gateway, Request, wait_for};

use crate::everything_to;
use crate::tls::secured;
use crate::tls_clients::{ask, verifying_for};

fn shaken(gateway: &Gateway, version: &str, resumed: bool) -> f64 {
    gateway.metric(&format!(
        "tollgate_tls_handshakes_total{{listener=\"127.0.0.1:0\",version=\"{version}\",resumed=\"{resumed}\"}}"
    ))
}

fn failed(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metric(&format!("tollgate_tls_handshake_failures_total{{listener=\"127.0.0.1:0\",reason=\"{reason}\"}}"))
}

#[test]
fn handshakes_are_counted_by_version_and_whether_they_resume() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    for (version, label, times) in [(&TLS12, "1.2", 2), (&TLS13, "1.3", 3)] {
        let tls = Tls::with(&authority, &[], &[version], None);
        for _ in 0..times {
            assert_eq!(tls.connect(gateway.address(), "gateway.test").get("/").status, 200);
        }
        let counted = (shaken(&gateway, label, false), shaken(&gateway, label, true));
        assert_eq!(counted, (1.0, f64::from(times - 1)), "TLS {label}");
    }
    assert_eq!(gateway.metric("tollgate_tls_handshake_failures_total"), 0.0);
}

#[test]
fn handshakes_that_fail_are_counted_by_whose_fault_it_is() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let gateway = verifying_for(&servers, &clients, "certificate = \"optional\"", &everything_to("internal:echo", ""));
    let garbage = || {
        let mut broken = gateway.client();
        broken.write(b"\x16\x03\x01\x00\x04\x01\xff\xff\xff");
        broken.half_close();
        broken.rest();
    };
    let cases: [(&str, &dyn Fn()); 6] = [
        ("plain-http", &|| drop(gateway.send(Request::get("/")))),
        ("closed", &|| {
            let mut gone = gateway.client();
            gone.write(b"\x16\x03\x01");
            gone.half_close();
            gone.rest();
        }),
        ("client-certificate", &|| {
            let own = strangers.issue(&["client"]);
            assert!(ask(&Tls::with(&servers, &[], &VERSIONS, Some(&own)), &gateway).is_err());
        }),
        ("incompatible", &|| assert!(ask(&Tls::new(&servers, &["spdy/3"]), &gateway).is_err())),
        // It does not know who issued the gateway's certificate.
        ("alert", &|| assert!(ask(&Tls::new(&strangers, &[]), &gateway).is_err())),
        ("malformed", &garbage),
    ];
    for (reason, fail) in cases {
        fail();
        wait_for(reason, || (failed(&gateway, reason) == 1.0).then_some(()));
    }
    assert_eq!(gateway.metric("tollgate_tls_handshake_failures_total"), 6.0);
    assert_eq!(gateway.metric("tollgate_tls_handshakes_total"), 0.0);
}

#[test]
fn a_handshake_that_takes_too_long_is_counted() {
    let authority = Authority::new();
    let limits = "limits = { handshake-timeout = \"100ms\" }";
    let gateway = secured(&authority.issue(&["gateway.test"]), limits, &everything_to("internal:echo", ""));
    gateway.client().wait_for_close();
    wait_for("the timeout", || (failed(&gateway, "timeout") == 1.0).then_some(()));
}

#[test]
fn the_log_says_of_a_client_that_it_is_too_old() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    let mut client = gateway.client();
    // A ClientHello of TLS 1.1 (RFC 4346, section 7.4.1.2) with one suite and no extensions.
    let hello = [&[3, 2][..], &[7; 32], &[0], &[0, 2, 0xc0, 0x13], &[1, 0]].concat();
    let length = u8::try_from(hello.len()).expect("it is short");
    client.write([&[0x16, 3, 1, 0, length + 4, 1, 0, 0, length][..], &hello].concat());
    client.rest();
    let line = gateway.wait_for_log("no TLS handshake");
    let message = "127.0.0.1: no TLS handshake: the client names no signature algorithms, as those older than TLS 1.2";
    assert_eq!((&line["reason"], &line["message"]), (&"incompatible".into(), &message.into()));
}

/// How many are told of by these lines, and how many lines there are.
fn told(gateway: &Gateway, reason: &str) -> (u64, usize) {
    let lines = gateway.log().into_iter().filter(|line| line["reason"] == reason && line["level"] == "info");
    let counts: Vec<u64> = lines.map(|line| line["left_out"].as_u64().expect("a count")).collect();
    (counts.iter().sum::<u64>() + counts.len() as u64, counts.len())
}

#[test]
fn handshakes_that_fail_are_told_of_once_a_second_and_the_others_are_counted() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    let broken = || {
        let mut broken = gateway.client();
        broken.write(b"\x16\x03\x01\x00\x04\x01\xff\xff\xff");
        broken.half_close();
        broken.rest();
    };
    let began = Instant::now();
    let mut failures = 0;
    wait_for("three lines", || {
        broken();
        failures += 1;
        (told(&gateway, "malformed").1 == 3).then_some(())
    });
    assert!(began.elapsed() >= Duration::from_secs(2), "three lines within {:?}", began.elapsed());
    let counted = told(&gateway, "malformed").0;
    assert!(counted > 3 && counted <= failures, "{counted} of {failures}");
    let line = gateway.log().into_iter().find(|line| line["reason"] == "malformed").expect("a line");
    assert!(line["listener"].as_str().is_some_and(|listener| listener.starts_with("127.0.0.1:")), "{line}");
    // Another kind has its own line, and who only leaves has none.
    gateway.send(Request::get("/"));
    gateway.client().half_close();
    wait_for("a line of it", || (told(&gateway, "plain-http") == (1, 1)).then_some(()));
    assert_eq!(told(&gateway, "closed"), (0, 0));
}

#[test]
fn a_gauge_says_when_each_certificate_ends() {
    let authority = Authority::new();
    let end = |days: u64| UNIX_EPOCH + Duration::from_secs(64_060_588_800 + days * 86_400);
    let issue = |days: u64| authority.issue_until_time(&["gateway.test", "other.test"], end(days));
    let gateway = secured(&issue(0), "", &everything_to("internal:echo", ""));
    let labels = "{listener=\"127.0.0.1:0\",file=\"server.pem\",name=\"gateway.test\"}";
    let ends = || gateway.metric(&format!("tollgate_certificate_not_after_seconds{labels}"));
    assert_eq!(ends(), 64_060_588_800.0);
    // One that is refused is not shown.
    gateway.folder().write("server.pem", "nothing");
    gateway.wait_for_log("there is no certificate in `server.pem`");
    assert_eq!(ends(), 64_060_588_800.0);
    let next = issue(1);
    gateway.folder().write("server.key", &next.key);
    gateway.folder().write("server.pem", &next.cert);
    wait_for("the new certificate", || (ends() == 64_060_675_200.0).then_some(()));
}

#[test]
fn a_gateway_without_tls_counts_no_handshakes() {
    let gateway = crate::gateway_to("internal:echo", "");
    assert!(!gateway.admin_get("/metrics").text().contains("tls"));
}
