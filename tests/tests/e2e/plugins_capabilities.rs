//! `metrics` and `crypto`: what plugins count, and what they verify.

use tests::{Gateway, Ran, Response};

use crate::guests::{ask, faults, plugin, routes};
use crate::{gateway, tollgate};

/// The guest `capable` under this name; `config` is of its inline table.
fn capable(name: &str, keys: &str, config: &str) -> String {
    plugin(name, "capable", &format!("{keys}\nconfig = {{ {config} }}")) + &routes(&[("evil", &[name])])
}

const METRICS: &str = "metrics = [{ kind = \"counter\", name = \"seen\" }, { kind = \"gauge\", name = \"level\" }, \
    { kind = \"histogram\", name = \"size_bytes\", bounds = [1, 10.5] }]";

fn told(gateway: &Gateway, what: &str) -> Response {
    ask(gateway, "x-do", what)
}

fn own(gateway: &Gateway, series: &str) -> f64 {
    gateway.metric(&format!("tollgate_plugin_own_{series}"))
}

fn check(config: &str) -> Ran {
    tollgate(&format!("{config}[[listener]]\naddress = \"127.0.0.1:0\"\n"), &["check", "--config", "gateway.toml"])
}

#[test]
fn what_a_plugin_counts_is_among_the_metrics_also_of_fresh_instances() {
    for isolation in ["reuse", "request"] {
        let gateway = gateway(&capable("c", &format!("isolation = \"{isolation}\""), METRICS));
        assert_eq!(own(&gateway, "seen_total{plugin=\"c\",of=\"capable\"}"), 0.0);
        for what in ["add 0 3", "add 0 4", "set 1 0.5", "observe 2 1", "observe 2 7", "observe 2 NaN", "observe 2 70"] {
            assert_eq!(told(&gateway, what).status, 200, "{what}");
        }
        for (series, value) in [
            ("seen_total{plugin=\"c\",of=\"capable\"}", 7.0),
            ("level{plugin=\"c\",of=\"capable\"}", 0.5),
            ("size_bytes_bucket{plugin=\"c\",of=\"capable\",le=\"1\"}", 1.0),
            ("size_bytes_bucket{plugin=\"c\",of=\"capable\",le=\"10.5\"}", 2.0),
            ("size_bytes_count{plugin=\"c\",of=\"capable\"}", 3.0),
            ("size_bytes_sum{plugin=\"c\",of=\"capable\"}", 78.0),
        ] {
            assert_eq!(own(&gateway, series), value, "{isolation}: {series}");
        }
        assert!(!gateway.stderr().contains("runs again"), "{isolation}: a snapshot keeps handles");
    }
}

#[test]
fn counts_survive_a_reload_and_are_forgotten_when_they_are_declared_no_more() {
    let gateway = gateway(&capable("c", "", METRICS));
    told(&gateway, "add 0 3");
    told(&gateway, "set 1 2");
    // Another configuration, and so another plugin; what was a gauge is a counter now.
    let second = "metrics = [{ kind = \"counter\", name = \"seen\" }, { kind = \"counter\", name = \"level\" }]";
    gateway.reload(&capable("c", "", second));
    told(&gateway, "add 0 4");
    told(&gateway, "add 1 1");
    assert_eq!((own(&gateway, "seen_total"), own(&gateway, "level_total")), (7.0, 1.0));
    tests::wait_for("the histogram and the gauge to be forgotten", || {
        let text = gateway.admin_get("/metrics").text();
        (!text.contains("own_size_bytes") && !text.contains("own_level{")).then_some(())
    });
}

#[test]
fn a_plugin_that_counts_wrongly_harms_its_own_exchange() {
    let gateway = gateway(&capable("c", "", METRICS));
    let wrong = [
        "add 1 1",
        "add 2 1",
        "set 0 1",
        "observe 0 1",
        "add 3 1",
        "add 4294967295 1",
        "declare",
        "key",
        "verify 0 a 00",
    ];
    for what in wrong {
        assert_eq!(told(&gateway, what).status, 500, "{what}");
    }
    assert_eq!(faults(&gateway, "c", "trap"), wrong.len() as f64);
    assert_eq!(told(&gateway, "add 0 1").status, 200);
    assert_eq!(own(&gateway, "seen_total"), 1.0);
}

#[test]
fn a_metric_that_cannot_be_shown_is_a_problem_of_the_configuration() {
    let one = |name: &str| format!("metrics = [{{ kind = \"counter\", name = \"{name}\" }}]");
    let twice = "metrics = [{ kind = \"counter\", name = \"a\" }, { kind = \"counter\", name = \"a\" }]".to_owned();
    let kinds = "metrics = [{ kind = \"counter\", name = \"a\" }, { kind = \"gauge\", name = \"a\" }]".to_owned();
    let many = |count: usize| {
        let metrics = (0..count).map(|index| format!("{{ kind = \"counter\", name = \"a{index}\" }}"));
        format!("metrics = [{}]", metrics.collect::<Vec<_>>().join(", "))
    };
    for (config, says) in [
        (one("Upper"), "`Upper` is not a name"),
        (one("a_total"), "leave the suffix away"),
        (twice, "`a` is declared twice"),
        (kinds, "`a` is declared"),
        (many(257), "declares more than 256 metrics"),
    ] {
        let ran = check(&capable("c", "", &config));
        assert_eq!(ran.code, Some(78), "{says}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
    }
    assert_eq!(check(&capable("c", "", &many(256))).code, Some(0));
}

#[test]
fn two_plugins_cannot_call_two_kinds_by_one_name() {
    let metric = |kind: &str| format!("config = {{ metrics = [{{ kind = \"{kind}\", name = \"level\" }}] }}");
    let both = |second: &str| {
        let plugins = plugin("first", "capable", &metric("gauge")) + &plugin("second", "capable", &metric(second));
        check(&(plugins + &routes(&[("x", &["first", "second"])])))
    };
    let refused = both("histogram");
    assert_eq!(refused.code, Some(78));
    let says = "plugin `second`: its metric `level` is a histogram, that of plugin `first` a gauge";
    assert!(refused.stderr.contains(says), "{}", refused.stderr);
    assert_eq!(both("gauge").code, Some(0));
}

const RSA: &str = "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAryihBIyJpjfizG2lr6Y3\\nhIFkjKyxzL0R6n1HgxelcOgBh9s8zZqd2VGVpcCm1GFvLh5E4zE5ZH7npiN3HjnH\\nCgEpjdoyhQEqz52L7u6uUD0gqoGhU/ibzdTo1W3RPFZ5IQKQWZJaGBIPuH8Hx+fK\\nJM1CMgjPJWhDJ1C/8jssMV3qTANNuhlz1yqFsBgciyLO6sG29fOrJOB3qhCaLaZt\\nTLiNlaAjzeZjVHDNgcvnJkNT1WfKbzB2Rtn3M67YCvNhOWH0YVlgikwyI8jG6/wL\\n6mfEH0G+jL9wmjUCP3m/5llvn4n8hAcB9fDe+USZQ1DdLdYx+JZDEy78VpchuNiJ\\nDwIDAQAB\\n-----END PUBLIC KEY-----";
const P256: &str = "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE2zEcrAkWC0C/w7qscif6xcLIj0uO\\nNPmJSdlwBO8qF5IA34qWGAudAYEidm5IAfUGDTXd0tuk4KN+mz9WQ++hEg==\\n-----END PUBLIC KEY-----";
/// Signatures of `signed`, by HMAC with a secret of 32 times `k`, and by the owners of the keys, made by OpenSSL.
const HS256: &str = "3784c12631932d6042d9ba1d28732295a8939731f3fe326e76c62176dbf50a8d";
const RS256: &str = "80df149b25de1b26d1d652a4ec465e27a11c3e8240461ee16a2f310b26d9935cede2355b239b19383ba7f5d26faefa9dcccdbe9faf0307f554d928c6e0ebe13ee49853dab076c5066b8404ac848699127668ed7edc1a98f705d337de73d1d76cb7a3bcfa9ed2ad1c3824db1c55e10d0e5e139778d6cd8df5d670305eb7a7b64d5bec290f016e659e58ca3a7264b45370789f7a76aa67cde55996885f586aae6e62801303be143dcd05a771260f70a0768470b3a0b0cc2a340025147c8aab1a099c4740c995693fc647ca9d4b7549a35b14a4f78748a953d38d2c5a5898ca5603eedb1ec0e2094089220e6278c1f2331632700b778c242de451b455924c1a80fc";
const ES256: &str = "095592120d3d4f4a48b64bc2e74745407f93dcc82f8936dd1485670edecbc87857364462fa13a976e6ee81ca38369dcb7c736867ee00dc65c4cc54276e6c6380";

fn keys() -> String {
    let secret = "k".repeat(32);
    format!(
        "keys = [{{ algorithm = \"HS256\", secret = \"{secret}\" }}, {{ algorithm = \"RS256\", pem = \"{RSA}\" }}, \
         {{ algorithm = \"ES256\", pem = \"{P256}\" }}]"
    )
}

#[test]
fn a_plugin_verifies_signatures_also_in_fresh_instances() {
    for isolation in ["reuse", "request"] {
        let gateway = gateway(&capable("c", &format!("isolation = \"{isolation}\""), &keys()));
        let signatures = [HS256, RS256, ES256];
        for key in 0..3 {
            for (of, signature) in signatures.iter().enumerate() {
                let said = told(&gateway, &format!("verify {key} signed {signature}")).text();
                assert_eq!(said, (key == of).to_string(), "{isolation}: key {key}, signature {of}");
            }
            assert_eq!(told(&gateway, &format!("verify {key} other {}", signatures[key])).text(), "false");
        }
        assert!(!gateway.stderr().contains("runs again"), "{isolation}: a snapshot keeps handles");
        assert!(!gateway.stderr().contains(&"k".repeat(32)), "a secret stands in no log");
    }
}

#[test]
fn a_key_that_is_none_is_a_problem_at_its_place_and_says_nothing_of_the_key() {
    let key = |algorithm: &str, form: &str| format!("keys = [{{ algorithm = \"{algorithm}\", {form} }}]");
    let rsa = format!("pem = \"{RSA}\"");
    let private = "pem = \"-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----\"";
    for (config, says) in [
        (key("HS256", "secret = \"short-and-secret\""), "the secret is shorter than the algorithm's digest"),
        (key("ES256", &rsa), "another type than the algorithm's"),
        (key("HS256", &rsa), "another type than the algorithm's"),
        (key("RS256", private), "this is a private key"),
        (key("RS256", "pem = \"short-and-secret\""), "no public key in PEM"),
        (key("RS256", "jwk = '{\"kty\":\"oct\",\"k\":\"short-and-secret\"}'"), "another type than the algorithm's"),
    ] {
        let ran = check(&capable("c", "", &config));
        assert_eq!(ran.code, Some(78), "{says}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
        assert!(!ran.stderr.contains("short-and-secret"), "{}", ran.stderr);
    }
}

#[test]
fn a_message_that_is_too_long_to_verify_is_a_fault() {
    let gateway = gateway(&capable("c", "limits = { deadline = \"500ms\" }", &keys()));
    assert_eq!(told(&gateway, "long 1048576").text(), "false");
    assert_eq!(told(&gateway, "long 1048577").status, 500);
    assert_eq!(faults(&gateway, "c", "trap"), 1.0);
}
