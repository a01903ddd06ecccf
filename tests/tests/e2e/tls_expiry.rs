//! Certificates that end soon.

use std::time::{Duration, SystemTime};

use tests::Folder;
use tests::tls::{Authority, Issued};

use crate::tls::secured;
use crate::{BINARY, everything_to};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One that ends in so many days and an hour.
fn ending_in(days: u32) -> Issued {
    Authority::new().issue_until_time(&["gateway.test"], SystemTime::now() + days * DAY + DAY / 24)
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning_of_check() {
    let folder = Folder::with_config(&format!(
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = {{ cert = \"server.pem\", key = \"server.key\" }}\n{}",
        everything_to("internal:echo", "")
    ));
    let check = |days| {
        let issued = ending_in(days);
        folder.write("server.pem", &issued.cert);
        folder.write("server.key", &issued.key);
        let checked = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
        assert_eq!(checked.code, Some(0), "{}", checked.stderr);
        checked.stdout + &checked.stderr
    };
    let said = check(5);
    let warning = "gateway.toml:3:16: warning: the certificate in `server.pem` expires in 5 days, on 20";
    assert!(said.contains(warning), "{said}");
    let said = check(15);
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn one_that_endpoints_are_shown_is_a_warning_too() {
    let issued = ending_in(3);
    let folder = Folder::with_config(
        "[[upstream]]\nname = \"u\"\nendpoints = [\"https://127.0.0.1:1\"]\n\
         tls = { ca = \"ca.pem\", cert = \"own.pem\", key = \"own.key\" }\n\
         [[route]]\nname = \"r\"\nupstream = \"u\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n",
    );
    folder.write("own.pem", &issued.cert);
    folder.write("own.key", &issued.key);
    folder.write("ca.pem", Authority::new().pem());
    let checked = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    let warning = "gateway.toml:4:31: warning: the certificate in `own.pem` expires in 3 days, on 20";
    assert!(checked.code == Some(0) && checked.stderr.contains(warning), "{}", checked.stderr);
}

#[test]
fn a_certificate_that_ends_soon_is_said_in_the_log() {
    let gateway = secured(&ending_in(0), "", &everything_to("internal:echo", ""));
    let line = gateway.wait_for_log("the certificate in `server.pem` expires within a day, on 20");
    assert_eq!(line["level"], "warn");
}

#[test]
fn one_that_has_ended_stops_neither_a_start_nor_a_change() {
    let authority = Authority::new();
    let ended = authority.issue_until(&["gateway.test"], 2020);
    let gateway = secured(&ended, "", &everything_to("internal:echo", ""));
    let line = gateway.wait_for_log("the certificate in `server.pem` expired on 2020-01-01");
    assert_eq!(line["level"], "warn");
    let config = std::fs::read_to_string(gateway.folder().path().join("gateway.toml")).expect("it is there");
    gateway.folder().write("gateway.toml", config.replace("[[route]]", "[[route]]\nmax-body = \"1KiB\""));
    tests::wait_for("the change", || (gateway.metric("tollgate_config_generation") == 2.0).then_some(()));
    let other = authority.issue_until(&["gateway.test"], 2021);
    gateway.folder().write("server.key", &other.key);
    gateway.folder().write("server.pem", &other.cert);
    gateway.wait_for_log("the certificate in `server.pem` expired on 2021-01-01");
    assert_eq!(gateway.metric("tollgate_config_generation"), 2.0, "another that has ended is no mending");
}
