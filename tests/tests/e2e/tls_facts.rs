//! What plugins learn of clients' certificates.

use std::time::{Duration, SystemTime};

use rcgen::string::{BmpString, Ia5String};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, SanType, SerialNumber, date_time_ymd,
};
use rustls::HandshakeKind;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::tls::{Authority, Issued, Tls, VERSIONS};
use tests::{Gateway, Request, http2, wait_for};

use crate::guests::{routes, witness};
use crate::tls_clients::{ask, verifying_for};

/// A gateway whose route `/w/` is a witness's.
fn witnessed(servers: &Authority, clients: &Authority, client: &str) -> Gateway {
    verifying_for(servers, clients, client, &(witness("w") + &routes(&[("w", &["w"])])))
}

/// What the witness is told over HTTP/1, and how hands were shaken.
fn told(gateway: &Gateway, tls: &Tls) -> (Value, HandshakeKind) {
    let mut client = tls.connect(gateway.address(), "gateway.test");
    let answer = client.send(Request::get("/w/").header("x-certificate", "w"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    (answer.json(), client.tls().handshake_kind().expect("they are shaken"))
}

/// What it is told over HTTP/2.
fn told_over_http2(gateway: &Gateway, tls: &Tls) -> Value {
    let mut request = http2::get("https://gateway.test/w/");
    request.headers_mut().insert("x-certificate", "w".parse().expect("a value"));
    let answers = http2::send_over(tls, gateway.address(), "gateway.test", vec![request]);
    serde_json::from_slice(answers[0].body()).expect("it is JSON")
}

/// What is to be told of a certificate that says what [`alice`] does.
fn of_alice(issued: &Issued) -> Value {
    let der = issued.der();
    let fingerprint: String = Sha256::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "fingerprint": fingerprint,
        "subject": "CN=alice\\, the \\\"first\\\",OU=ops,O=Ex\u{e4}mple,C=DE",
        "issuer": "CN=a test authority",
        "serialNumber": "8f00aa",
        "notAfter": 64_060_588_800_000_u64,
        "dnsNames": ["alice.example"],
        "emailAddresses": ["Alice@Example.org"],
        "uris": ["spiffe://example.org/Alice"],
        "ipAddresses": ["192.0.2.7", "2001:db8::7"],
        "der": der,
    })
}

fn alice(params: &mut CertificateParams) {
    let name = &mut params.distinguished_name;
    *name = DistinguishedName::new();
    name.push(DnType::CountryName, "DE");
    name.push(DnType::OrganizationName, DnValue::BmpString(BmpString::try_from("Ex\u{e4}mple").expect("it fits")));
    name.push(DnType::OrganizationalUnitName, "ops");
    name.push(DnType::CommonName, "alice, the \"first\"");
    let text = |text: &str| Ia5String::try_from(text).expect("ASCII");
    params.subject_alt_names = vec![
        SanType::DnsName(text("Alice.Example")),
        SanType::Rfc822Name(text("Alice@Example.org")),
        SanType::URI(text("spiffe://example.org/Alice")),
        SanType::IpAddress("192.0.2.7".parse().expect("an address")),
        SanType::IpAddress("2001:db8::7".parse().expect("an address")),
    ];
    // The first bit would make it negative, so a zero goes before it on the wire.
    params.serial_number = Some(SerialNumber::from_slice(&[0x8f, 0x00, 0xaa]));
    params.not_after = date_time_ymd(4000, 1, 1);
}

#[test]
fn plugins_are_told_whose_certificate_it_is_also_when_the_session_is_resumed() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let own = clients.issue_as(alice);
    for presence in ["required", "optional"] {
        let gateway = witnessed(&servers, &clients, &format!("certificate = \"{presence}\""));
        for version in VERSIONS {
            let tls = |alpn: &[&str]| Tls::with(&servers, alpn, &[version], Some(&own));
            let http1 = tls(&[]);
            assert_eq!(told(&gateway, &http1), (of_alice(&own), HandshakeKind::Full));
            assert_eq!(told(&gateway, &http1), (of_alice(&own), HandshakeKind::Resumed));
            let http2 = tls(&["h2"]);
            for _ in 0..2 {
                assert_eq!(told_over_http2(&gateway, &http2), of_alice(&own));
            }
        }
        let resumed =
            gateway.metric("tollgate_tls_handshakes_total{listener=\"127.0.0.1:0\",version=\"1.3\",resumed=\"true\"}");
        assert_eq!(resumed, 2.0);
    }
}

#[test]
fn where_none_was_shown_plugins_are_told_nothing() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = witnessed(&servers, &clients, "certificate = \"optional\"");
    for version in VERSIONS {
        assert_eq!(told(&gateway, &Tls::with(&servers, &[], &[version], None)).0, Value::Null);
        assert_eq!(told_over_http2(&gateway, &Tls::with(&servers, &["h2"], &[version], None)), Value::Null);
    }
    let plain = crate::gateway(&(witness("w") + &routes(&[("w", &["w"])])));
    assert_eq!(plain.send(Request::get("/w/").header("x-certificate", "w")).json(), Value::Null);
}

#[test]
fn a_certificate_with_other_names_alone_has_an_empty_subject() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = witnessed(&servers, &clients, "");
    let own = clients.issue_as(|params| {
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(Ia5String::try_from("spiffe://example.org/x").expect("ASCII"))];
    });
    let (told, _) = told(&gateway, &Tls::with(&servers, &[], &VERSIONS, Some(&own)));
    assert_eq!((&told["subject"], &told["uris"]), (&json!(""), &json!(["spiffe://example.org/x"])));
}

#[test]
fn a_certificate_whose_names_cannot_be_read_is_refused_in_the_handshake() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = witnessed(&servers, &clients, "certificate = \"optional\"");
    // An address of three bytes.
    let own = clients.issue_as(|params| {
        let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 5, 0x87, 3, 192, 0, 2]);
        params.custom_extensions = vec![names];
    });
    for version in VERSIONS {
        assert!(ask(&Tls::with(&servers, &[], &[version], Some(&own)), &gateway).is_err());
    }
    let refused = "tollgate_tls_handshake_failures_total{listener=\"127.0.0.1:0\",reason=\"client-certificate\"}";
    wait_for("both to be counted", || (gateway.metric(refused) == 2.0).then_some(()));
}

#[test]
fn a_session_is_not_resumed_past_the_end_of_its_certificate() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let gateway = witnessed(&servers, &clients, "");
    for version in VERSIONS {
        let own = clients.issue_until_time(&["client"], SystemTime::now() + Duration::from_secs(3));
        let tls = Tls::with(&servers, &[], &[version], Some(&own));
        assert!(ask(&tls, &gateway).is_ok(), "it is good for three seconds");
        wait_for("the end of the certificate", || ask(&tls, &gateway).is_err().then_some(()));
    }
}
