//! Which endpoints are taken for what they say they are, and what becomes of files that change.

use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, SanType, date_time_ymd};
use tests::tls::{Authority, Issued, Wants};
use tests::{Folder, Gateway, Received, Reply, Upstream, wait_for};

use crate::upstream_tls::{secure, secured};
use crate::{BINARY, builder, everything_to};

const HERE: [&str; 1] = ["127.0.0.1"];

fn start(issued: &Issued) -> Upstream {
    Upstream::start_tls(&issued.server(&[], &Wants::Nothing), |_| Reply::ok("secret"))
}

/// Waits until an endpoint is answered with this status.
fn wait_until(gateway: &Gateway, status: u16) {
    wait_for(&format!("a {status}"), || (gateway.get("/").status == status).then_some(()));
}

#[test]
fn a_bad_certificate_is_a_502_with_a_reason_of_its_own_and_gets_no_request() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let saying = |say: &dyn Fn(&mut CertificateParams)| {
        authority.issue_as(|params| {
            *params = CertificateParams::new(HERE.map(str::to_owned)).expect("a valid name");
            params.not_after = date_time_ymd(4000, 1, 1);
            say(params);
        })
    };
    let for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let as_text = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![SanType::DnsName("127.0.0.1".try_into().expect("it is ASCII"))];
    };
    let bad = [
        ("expired", authority.issue_until(&HERE, 2020), "expired"),
        ("not-yet-valid", saying(&|params| params.not_before = date_time_ymd(3000, 1, 1)), "not valid yet"),
        ("wrong-name", authority.issue(&["other.test"]), "not valid for name"),
        ("self-signed", Issued::self_signed(&HERE), "UnknownIssuer"),
        // Its name is that of the one which is trusted.
        ("unknown-authority", stranger.issue(&HERE), "BadSignature"),
        ("revoked", authority.issue_numbered(&HERE, 77), "Revoked"),
        ("address-as-name", saying(&as_text), "not valid for name"),
        ("for-clients", saying(&for_clients), "extended key usage"),
    ];
    let good = ("good", authority.issue(&HERE), "");
    let all = bad.iter().chain([&good]);
    let upstreams: Vec<_> = all.map(|(name, issued, cause)| (*name, start(issued), *cause)).collect();
    let config = upstreams.iter().map(|(name, upstream, _)| {
        format!(
            "[[route]]\nname = \"{name}\"\nmatch = {{ path = \"/{name}\" }}\nupstream = \"{name}\"\n[[upstream]]\n\
             name = \"{name}\"\nendpoints = [\"https://{}\"]\ntls = {{ ca = \"ca.pem\", crls = [\"crl.pem\"] }}\n",
            upstream.address()
        )
    });
    let gateway = builder(&config.collect::<String>())
        .file("ca.pem", authority.pem())
        .file("crl.pem", authority.revoke(77))
        .start();
    let (good, bad) = upstreams.split_last().expect("it is the last");
    for (name, upstream, cause) in bad {
        let answer = gateway.get(&format!("/{name}"));
        assert_eq!((answer.status, upstream.received().len()), (502, 0), "{name}");
        assert!(answer.text().contains("urn:tollgate:problem:upstream-certificate"), "{name}: {}", answer.text());
        let line = gateway.wait_for_log(&format!("the certificate of {} is not accepted", upstream.address()));
        assert_eq!(line["reason"], "upstream-certificate");
        assert!(line["cause"].as_str().is_some_and(|text| text.contains(cause)), "{name}: {line}");
        assert_eq!(gateway.wait_for_access(&format!("/{name}"))["problem"], "upstream-certificate");
        let series = format!("tollgate_problems_total{{route=\"{name}\",problem=\"upstream-certificate\"}}");
        assert_eq!(gateway.metric(&series), 1.0);
    }
    assert_eq!(gateway.get("/good").text(), "secret");
    assert_eq!(good.1.received().len(), 1);
}

#[test]
fn whom_the_system_trusts_vouches_for_addresses_and_for_names() {
    let authority = Authority::new();
    let upstream = start(&authority.issue(&["127.0.0.1", "localhost"]));
    for host in ["127.0.0.1", "localhost"] {
        let folder = Folder::new();
        let roots = folder.write("roots.pem", authority.pem());
        let url = format!("https://{host}:{}", upstream.address().port());
        let gateway = builder(&everything_to(&url, ""))
            .variable("SSL_CERT_FILE", roots.to_str().expect("a path of letters"))
            .start();
        assert_eq!(gateway.get("/").text(), "secret", "{}", gateway.stderr());
    }
    let names: Vec<_> =
        upstream.received().iter().map(|request| request.handshake.clone().and_then(|it| it.name)).collect();
    assert_eq!(names, [None, Some("localhost".to_owned())]);
}

#[test]
fn a_server_name_is_asked_for_and_looked_for_in_the_certificate() {
    let authority = Authority::new();
    let upstream = start(&authority.issue(&["users.test"]));
    let gateway = secured(&upstream, &authority, "server-name = \"users.test\"");
    assert_eq!(gateway.get("/").text(), "secret");
    let handshake = upstream.only().handshake.expect("it is over TLS");
    assert_eq!(handshake.name.as_deref(), Some("users.test"));
    assert_eq!(secured(&upstream, &authority, "").get("/").status, 502);
}

#[test]
fn without_verification_any_certificate_will_do_and_check_warns() {
    let (authority, upstream) = (Authority::new(), start(&Issued::self_signed(&["other.test"])));
    let config = secure(&upstream, "verify = false");
    let folder = Folder::with_config(&(config.clone() + "\n[[listener]]\naddress = \"127.0.0.1:0\"\n"));
    let checked = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let warning = "gateway.toml:5:18: warning: whoever answers is taken for an endpoint of upstream `behind`\n";
    assert_eq!(checked.stderr, warning);
    let gateway = builder(&config).file("ca.pem", authority.pem()).start();
    assert_eq!(gateway.wait_for_log("whoever answers is taken for")["level"], "warn");
    assert_eq!(gateway.get("/").text(), "secret");
}

#[test]
fn a_certificate_is_shown_to_an_endpoint_that_asks_and_taken_up_when_it_is_renewed() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let server = authority.issue(&HERE).server(&[], &Wants::CertificateOf(&clients));
    let upstream = Upstream::start_tls(&server, |_| Reply::ok("secret"));
    let (first, second) = (clients.issue(&["gateway.test"]), clients.issue(&["gateway.test"]));
    let own = "ca = \"ca.pem\", cert = \"own.pem\", key = \"own.key\"";
    let gateway = builder(&secure(&upstream, own))
        .file("ca.pem", authority.pem())
        .file("own.pem", &first.cert)
        .file("own.key", &first.key)
        .start();
    let shown =
        |received: &[Received]| received.last().and_then(|it| it.handshake.clone()).and_then(|it| it.certificate);
    assert_eq!(gateway.get("/").text(), "secret");
    assert_eq!(shown(&upstream.received()), Some(first.der()));
    // Not the key of the certificate: the old pair stays.
    gateway.folder().write("own.key", &second.key);
    let line = gateway.wait_for_log("the key in `own.key` is not that of the certificate in `own.pem`");
    assert_eq!(line["problems"][0]["line"], 5, "{line}");
    assert_eq!(gateway.get("/").text(), "secret");
    assert_eq!(shown(&upstream.received()), Some(first.der()));
    gateway.folder().write("own.pem", &second.cert);
    wait_for("the renewed certificate", || {
        assert_eq!(gateway.get("/").status, 200);
        (shown(&upstream.received()) == Some(second.der())).then_some(())
    });
    // Who has none is refused, and the reason is not the endpoint's certificate.
    let without = secured(&upstream, &authority, "");
    let answer = without.get("/");
    assert_eq!(answer.status, 502);
    assert!(!answer.text().contains("upstream-certificate"), "{}", answer.text());
}

#[test]
fn authorities_and_revocations_are_taken_up_when_their_files_change() {
    let (authority, next) = (Authority::new(), Authority::new());
    let upstream = start(&authority.issue_numbered(&HERE, 7));
    let gateway = builder(&secure(&upstream, "ca = \"ca.pem\", crls = [\"crl.pem\"]"))
        .file("ca.pem", authority.pem())
        .file("crl.pem", authority.revoke(8))
        .start();
    assert_eq!(gateway.get("/").status, 200);
    gateway.folder().write("crl.pem", authority.revoke(7));
    wait_until(&gateway, 502);
    gateway.folder().write("crl.pem", authority.revoke(8));
    wait_until(&gateway, 200);
    gateway.folder().write("ca.pem", "half a file");
    gateway.wait_for_log("there is no certificate in `ca.pem`");
    assert_eq!(gateway.get("/").status, 200);
    gateway.folder().write("ca.pem", next.pem());
    gateway.folder().write("crl.pem", next.revoke(7));
    wait_until(&gateway, 502);
}

#[test]
fn an_endpoint_changes_its_certificate_and_no_request_is_lost() {
    let authority = Authority::new();
    let (old, new) = (start(&authority.issue(&HERE)), start(&authority.issue(&HERE)));
    let gateway = secured(&old, &authority, "");
    assert_eq!(gateway.get("/").status, 200);
    let url = |upstream: &Arc<Upstream>| upstream.address();
    let (old, new) = (Arc::new(old), Arc::new(new));
    assert_ne!(url(&old), url(&new));
    gateway.reload(&secure(&new, "ca = \"ca.pem\""));
    for _ in 0..4 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert_eq!((old.received().len(), new.received().len()), (1, 4));
    old.wait_until_left();
}
