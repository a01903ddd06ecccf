//! HTTP/2 as the real `curl` speaks it.

use std::process::Command;

use serde_json::Value;
use tests::tls::Authority;

use crate::tls::secured;
use crate::{everything_to, gateway_to};

/// What curl prints.
///
/// # Panics
/// When there is no curl, or it fails.
fn curl(arguments: &[&str]) -> String {
    let ran = Command::new("curl").args(["--silent", "--show-error", "--max-time", "30"]).args(arguments).output();
    let ran = ran.unwrap_or_else(|error| panic!("this test runs curl ({error}): `apt-get install curl`"));
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{stderr}\nIs it a curl with HTTP/2? `curl --version` says; `apt-get install curl`");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Behind the body, the version that was spoken and the status.
const FORMAT: &str = "\n%{http_version} %{response_code}";

/// The echo, and the last line.
fn told(printed: &str) -> (Value, &str) {
    let (body, last) = printed.rsplit_once('\n').expect("a last line");
    (serde_json::from_str(body).expect("JSON"), last)
}

#[test]
fn curl_speaks_http2_with_prior_knowledge() {
    let gateway = gateway_to("internal:echo", "");
    let url = format!("http://{}/a?b=c", gateway.address());
    let printed = curl(&["--http2-prior-knowledge", "-w", FORMAT, "--data", "hello", &url]);
    let (echo, last) = told(&printed);
    assert_eq!(last, "2 200");
    assert_eq!((&echo["path"], &echo["query"], &echo["body"]), (&"/a".into(), &"b=c".into(), &"hello".into()));
}

#[test]
fn curl_agrees_on_http2_over_tls_and_on_http1_if_it_must() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    gateway.folder().write("ca.pem", authority.pem());
    let ca = gateway.folder().path().join("ca.pem");
    let (port, ca) = (gateway.address().port(), ca.to_str().expect("its name is text"));
    let (url, resolve) = (format!("https://gateway.test:{port}/"), format!("gateway.test:{port}:127.0.0.1"));
    for (flag, spoken) in [("--http2", "2 200"), ("--http1.1", "1.1 200")] {
        let printed = curl(&[flag, "--cacert", ca, "--resolve", &resolve, "-w", FORMAT, &url]);
        let (echo, last) = told(&printed);
        assert_eq!(last, spoken);
        assert_eq!(echo["headers"]["x-forwarded-proto"], "https");
    }
    // Two on one connection. Not with prior knowledge: curl 7.88 cannot (curl's pull request 10643).
    let long = format!("{url}bytes/5mb");
    let twice = ["-o", "/dev/null", long.as_str(), "-o", "/dev/null", long.as_str()];
    let sizes =
        curl(&[&["--http2", "--cacert", ca, "--resolve", &resolve, "-w", "%{size_download} "][..], &twice].concat());
    assert_eq!(sizes, "5000000 5000000 ");
    assert_eq!(gateway.metric("tollgate_connections_accepted_total"), 3.0);
}
