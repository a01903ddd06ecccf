//! Certificates of clients: who must show one, and which are good.

use std::io;

use rustls::version::TLS13;
use tests::tls::{Authority, Issued, Tls, VERSIONS};
use tests::{Folder, Gateway, Request, Response};

use crate::{BINARY, builder, everything_to};

/// A gateway that verifies clients by `clients.pem`; `client` is of `tls.client`.
fn verifying(servers: &Authority, clients: &Authority, client: &str) -> Gateway {
    verifying_for(servers, clients, client, &everything_to("internal:echo", ""))
}

/// The same with these routes.
pub(super) fn verifying_for(servers: &Authority, clients: &Authority, client: &str, routes: &str) -> Gateway {
    let server = servers.issue(&["gateway.test"]);
    let config = format!(
        r#"[[listener]]
address = "127.0.0.1:0"
[listener.tls]
cert = "server.pem"
key = "server.key"
client = {{ ca = "clients.pem", {client} }}
"#
    );
    builder(&(config + routes))
        .file("server.pem", &server.cert)
        .file("server.key", &server.key)
        .file("clients.pem", clients.pem())
        .file("revoked.pem", clients.revoke(7))
        .start()
}

/// One request of a client with this certificate, or none; an error if it is refused, which with TLS 1.3 a client hears
/// of after its handshake.
pub(super) fn ask(tls: &Tls, gateway: &Gateway) -> io::Result<Response> {
    tls.try_connect(gateway.address(), "gateway.test").and_then(|mut client| client.try_send(Request::get("/")))
}

#[test]
fn where_a_certificate_is_required_only_those_are_served_who_show_a_good_one() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let gateway = verifying(&servers, &clients, r#"crls = ["revoked.pem"]"#);
    for version in VERSIONS {
        let served = |own: Option<&Issued>| ask(&Tls::with(&servers, &[], &[version], own), &gateway);
        assert_eq!(served(Some(&clients.issue_numbered(&["client"], 6))).expect("it is good").status, 200);
        assert!(served(None).is_err(), "none");
        assert!(served(Some(&strangers.issue(&["client"]))).is_err(), "of somebody else");
        assert!(served(Some(&clients.issue_numbered(&["client"], 7))).is_err(), "revoked");
        assert!(served(Some(&clients.issue_until(&["client"], 2020))).is_err(), "expired");
    }
}

#[test]
fn where_it_is_optional_those_without_one_are_served_and_those_with_a_bad_one_are_not() {
    let (servers, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let gateway = verifying(&servers, &clients, r#"certificate = "optional""#);
    for version in VERSIONS {
        let served = |own: Option<&Issued>| ask(&Tls::with(&servers, &[], &[version], own), &gateway);
        assert_eq!(served(Some(&clients.issue(&["client"]))).expect("it is good").status, 200);
        assert_eq!(served(None).expect("it need not have one").status, 200);
        assert!(served(Some(&strangers.issue(&["client"]))).is_err(), "of somebody else");
    }
}

#[test]
fn a_client_that_was_revoked_cannot_resume_its_session() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = verifying(&servers, &clients, r#"crls = ["revoked.pem"]"#);
    let own = clients.issue_numbered(&["client"], 8);
    let known = VERSIONS.map(|version| Tls::with(&servers, &[], &[version], Some(&own)));
    for tls in &known {
        // The second resumes the first one's session.
        for _ in 0..2 {
            assert_eq!(ask(tls, &gateway).expect("it is good").status, 200);
        }
    }
    gateway.folder().write("revoked.pem", clients.revoke(8));
    gateway.wait_for_generation(2.0);
    tests::wait_for("the new list", || ask(&known[0], &gateway).is_err().then_some(()));
    assert!(ask(&known[1], &gateway).is_err());
}

#[test]
fn a_client_that_is_refused_hears_why_although_it_sends_its_request_first() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = verifying(&servers, &clients, "");
    let tls = Tls::with(&servers, &[], &[&TLS13], None);
    let mut client = tls.try_connect(gateway.address(), "gateway.test").expect("hands are shaken before it is refused");
    gateway.wait_for_log("peer sent no certificates");
    // A connection that is closed is reset by the first of them, and takes no other.
    for _ in 0..10 {
        client.try_write("POST / HTTP/1.1\r\nhost: gateway.test\r\ncontent-length: 1000\r\n\r\n").expect("it is read");
    }
    let error = client.read_to_end().expect_err("it is refused").to_string();
    assert!(error.contains("CertificateRequired"), "{error}");
}

#[test]
fn revocation_lists_that_are_of_no_issuer_are_a_problem_for_they_would_let_nobody_in() {
    let (servers, clients, strangers) = (Authority::new(), Authority::named("one"), Authority::named("another"));
    let folder = Folder::new();
    let server = servers.issue(&["gateway.test"]);
    for (name, text) in [("server.pem", server.cert), ("server.key", server.key)] {
        folder.write(name, text);
    }
    folder.write("clients.pem", clients.pem());
    folder.write("revoked.pem", strangers.revoke(7));
    let listener = r#"[[listener]]
address = "127.0.0.1:0"
[listener.tls]
cert = "server.pem"
key = "server.key"
client = { certificate = "required", ca = "clients.pem", crls = ["revoked.pem"] }
"#;
    let upstream = r#"[[upstream]]
name = "own"
endpoints = ["https://127.0.0.1:1"]
tls = { ca = "clients.pem", crls = ["revoked.pem"] }
"#;
    let check = || folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]).stderr;
    folder.write("gateway.toml", format!("{listener}{upstream}{}", everything_to("internal:echo", "")));
    insta::assert_snapshot!(check(), @r"
    gateway.toml:6:66: no revocation list is of an issuer in `clients.pem`, so that no client's certificate is good
      help: with lists there has to be one of each issuer, those in `ca` included; or leave `crls` out
    gateway.toml:10:37: no revocation list is of an issuer in `clients.pem`, so that no endpoint's certificate is good
      help: with lists there has to be one of each issuer, those in `ca` included; or leave `crls` out
    2 problems
    ");
    folder.write("revoked.pem", clients.revoke(7));
    assert_eq!(check(), "");
}
