//! Certificates that are wrong, that change, and that change while clients come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use tests::tls::{Authority, Issued, Tls};
use tests::{Folder, Gateway, wait_for};

use crate::tls::{secured, shown};
use crate::{BINARY, builder, everything_to};

/// Puts another certificate into the place of the listener's. For a moment they do not belong together.
fn replace(gateway: &Gateway, issued: &Issued) {
    gateway.folder().write("server.key", &issued.key);
    gateway.folder().write("server.pem", &issued.cert);
}

/// Waits until clients are shown this certificate.
fn wait_until_shown(gateway: &Gateway, tls: &Tls, issued: &Issued) {
    let is_shown = || (shown(&tls.connect(gateway.address(), "gateway.test")) == issued.der()).then_some(());
    wait_for("the new certificate", is_shown);
}

/// Clients that come and go, of whom each is to be served.
struct Load {
    over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(gateway: &Gateway, authority: &Authority) -> Self {
        let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = |at: usize| {
            let (address, over, served) = (gateway.address(), Arc::clone(&over), Arc::clone(&served));
            // Half of them resume, the others shake hands anew each time.
            let (resumes, fresh) = (Tls::new(authority, &[]), Tls::new(authority, &[]).forgetful());
            let tls = if at.is_multiple_of(2) { resumes } else { fresh };
            thread::spawn(move || {
                while !over.load(Relaxed) {
                    let mut client = tls.connect(address, "gateway.test");
                    assert_eq!(client.get("/").status, 200);
                    served.fetch_add(1, Relaxed);
                }
            })
        };
        let clients = (0..4).map(client).collect();
        Self { over, served, clients }
    }

    /// Waits until some more have come and been served.
    fn wait_for_more(&self) {
        let before = self.served.load(Relaxed);
        wait_for("clients that came after", || (self.served.load(Relaxed) > before + 8).then_some(()));
    }

    fn end(self) {
        self.over.store(true, Relaxed);
        self.clients.into_iter().for_each(|client| client.join().expect("no failed handshake"));
    }
}

#[test]
fn a_certificate_is_rotated_under_load_and_no_handshake_fails() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    let mut keeping = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    let load = Load::start(&gateway, &authority);
    let tls = Tls::new(&authority, &[]).forgetful();
    for _ in 0..4 {
        let next = authority.issue(&["gateway.test"]);
        replace(&gateway, &next);
        wait_until_shown(&gateway, &tls, &next);
    }
    load.wait_for_more();
    load.end();
    // A connection from before goes on.
    assert_eq!(keeping.get("/").status, 200);
}

#[test]
fn a_certificate_that_breaks_under_load_harms_no_handshake() {
    let authority = Authority::new();
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &everything_to("internal:echo", ""));
    let load = Load::start(&gateway, &authority);
    let tls = Tls::new(&authority, &[]).forgetful();
    let expired = authority.issue_until(&["gateway.test"], 2020);
    for (text, message) in [
        (expired.cert.as_str(), "the certificate in `server.pem` expired on 2020-01-01"),
        ("half a file", "there is no certificate in `server.pem`"),
    ] {
        gateway.folder().write("server.pem", text);
        gateway.wait_for_log(message);
        load.wait_for_more();
        let mended = authority.issue(&["gateway.test"]);
        replace(&gateway, &mended);
        wait_until_shown(&gateway, &tls, &mended);
    }
    load.wait_for_more();
    load.end();
}

#[test]
fn a_broken_or_expired_certificate_keeps_the_old_one_and_is_a_problem_with_its_place() {
    let authority = Authority::new();
    let (first, last) = (authority.issue(&["gateway.test"]), authority.issue(&["gateway.test"]));
    let gateway = secured(&first, "", &everything_to("internal:echo", ""));
    let tls = Tls::new(&authority, &[]).forgetful();
    let expired = authority.issue_until(&["gateway.test"], 2020);
    let broken =
        Issued { cert: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into(), ..first.clone() };
    for (wrong, message, column) in [
        (&expired, "the certificate in `server.pem` expired on 2020-01-01", 16),
        (&broken, "the certificate in `server.pem` cannot be read", 16),
        (&Issued { key: last.key.clone(), ..first.clone() }, "the key in `server.key` is not that of", 36),
        (&Issued { key: String::new(), ..first.clone() }, "there is no private key in `server.key`", 36),
    ] {
        replace(&gateway, wrong);
        let line = gateway.wait_for_log(message);
        let problems = line["problems"].as_array().expect("a list");
        let problem =
            problems.iter().find(|problem| problem["message"].as_str().is_some_and(|it| it.contains(message)));
        let problem = problem.expect("it is one of them");
        assert_eq!((&problem["file"], &problem["line"]), (&"gateway.toml".into(), &3.into()));
        assert_eq!(problem["column"], column, "{problem}");
        assert!(shown(&tls.connect(gateway.address(), "gateway.test")) == first.der());
    }
    assert_eq!(gateway.metric("tollgate_config_generation"), 1.0);
    replace(&gateway, &last);
    wait_until_shown(&gateway, &tls, &last);
}

#[test]
fn check_says_of_each_certificate_what_is_wrong_with_it() {
    let authority = Authority::new();
    let config = r#"[[listener]]
address = "127.0.0.1:0"
[listener.tls]
certificates = [
    { cert = "missing.pem", key = "good.key" },
    { cert = "good.pem", key = "other.key" },
    { cert = "good.key", key = "good.pem" },
]
client = { ca = "good.key", crls = ["good.pem"] }
[gateway]
admin = "off"
"#;
    let folder = Folder::with_config(&format!("{config}{}", everything_to("internal:echo", "")));
    for (name, issued) in [("good", authority.issue(&["gateway.test"])), ("other", authority.issue(&["gateway.test"]))]
    {
        folder.write(&format!("{name}.pem"), issued.cert);
        folder.write(&format!("{name}.key"), issued.key);
    }
    let checked = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!(checked.code, Some(78));
    insta::assert_snapshot!(checked.stderr, @r"
    gateway.toml:5:14: cannot read `missing.pem`: No such file or directory (os error 2)
    gateway.toml:6:32: the key in `other.key` is not that of the certificate in `good.pem`
      help: a certificate that was renewed may have a new key; the server's own certificate comes first
    gateway.toml:7:14: there is no certificate in `good.key`
      help: PEM, as in `-----BEGIN CERTIFICATE-----`
    gateway.toml:7:32: there is no private key in `good.pem`
      help: PEM without a passphrase, as in `-----BEGIN PRIVATE KEY-----`
    gateway.toml:9:17: there is no certificate in `good.key`
      help: PEM, as in `-----BEGIN CERTIFICATE-----`
    gateway.toml:9:37: there is no revocation list in `good.pem`
      help: PEM, as in `-----BEGIN X509 CRL-----`
    6 problems
    ");
    let run = folder.tollgate(BINARY, &["run", "--config", "gateway.toml"]);
    assert_eq!(run.code, Some(78), "{}", run.stderr);
}

#[test]
fn a_certificate_without_a_name_is_a_problem_where_no_client_would_get_it() {
    let authority = Authority::new();
    let config = |certificates: &str| {
        let listener =
            format!("[[listener]]\naddress = \"127.0.0.1:0\"\ntls = {{ certificates = [{certificates}] }}\n");
        let folder = Folder::with_config(&(listener + &everything_to("internal:echo", "")));
        for (name, issued) in [("named", authority.issue(&["gateway.test"])), ("nameless", authority.issue(&[]))] {
            folder.write(&format!("{name}.pem"), issued.cert);
            folder.write(&format!("{name}.key"), issued.key);
        }
        folder.tollgate(BINARY, &["check", "--config", "gateway.toml"])
    };
    let (named, nameless) =
        ("{ cert = \"named.pem\", key = \"named.key\" }", "{ cert = \"nameless.pem\", key = \"nameless.key\" }");
    assert_eq!(config(&format!("{nameless}, {named}")).code, Some(0));
    insta::assert_snapshot!(config(&format!("{named}, {nameless}")).stderr, @r"
    gateway.toml:3:77: the certificate in `nameless.pem` is for no name, so that no client gets it
      help: only the first of a listener may have no DNS name in it
    1 problem
    ");
}

/// What `openssl x509 -req` makes without extensions.
const VERSION_1: &str = "-----BEGIN CERTIFICATE-----
MIIBKzCB0QIUU2URVTU8lSADC3fRCkuQ0yyWEbwwCgYIKoZIzj0EAwIwFzEVMBMG
A1UEAwwMZ2F0ZXdheS50ZXN0MCAXDTI2MTEyNzAyMzQzN1oYDzIxMjYxMTAzMDIz
NDM3WjAXMRUwEwYDVQQDDAxnYXRld2F5LnRlc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAREJUKrd9Y3irCUTyomfwXHAPpcUrS7ilJ6E61c8olEDBAN0jo/lGES
uQeiThUG2dTteBz9hVG+RduSVBSxpppTMAoGCCqGSM49BAMCA0kAMEYCIQCQSPM/
UhXNiNO/ljsZPPP6ruuwtXTxa2cqPsjODqVQMAIhAK8pMhOXU9Lra8n9y4wuFAKG
c7F64C/YNeFc/q1cCxFS
-----END CERTIFICATE-----
";

#[test]
fn a_certificate_that_does_not_do_what_it_is_for_is_a_problem() {
    let authority = Authority::new();
    let config = r#"[[listener]]
address = "127.0.0.1:0"
[listener.tls]
certificates = [
    { cert = "both.pem", key = "both.key" },
    { cert = "one.pem", key = "one.key" },
    { cert = "more.pem", key = "more.key" },
]
client = { ca = "one.pem" }
[[listener]]
address = "127.0.0.2:0"
tls = { cert = "version-1.pem", key = "one.key" }
[gateway]
admin = "off"
"#;
    let behind = everything_to("https://127.0.0.1:1", "").replace("[[route]]", "tls.ca = \"one.pem\"\n[[route]]");
    let folder = Folder::with_config(&(config.to_owned() + &behind));
    for (name, names) in [("both", &["a.test", "*.test"][..]), ("one", &["A.test"]), ("more", &["a.test", "b.example"])]
    {
        let issued = authority.issue(names);
        folder.write(&format!("{name}.pem"), issued.cert);
        folder.write(&format!("{name}.key"), issued.key);
    }
    folder.write("version-1.pem", VERSION_1);
    insta::assert_snapshot!(folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]).stderr, @r"
    gateway.toml:6:14: no client gets the certificate in `one.pem`: those before it are for each of its names
      help: several for one name have keys of different kinds, such as RSA and ECDSA
    gateway.toml:9:17: nothing is issued by who has the certificate in `one.pem`
      help: `ca` has the certificates of those who issue those that are shown; they say `CA:TRUE`
    gateway.toml:12:16: the certificate in `version-1.pem` is of version 1 of X.509, which nobody takes
      help: one of version 3, which has the names that it is for
    gateway.toml:20:10: nothing is issued by who has the certificate in `one.pem`
      help: `ca` has the certificates of those who issue those that are shown; they say `CA:TRUE`
    4 problems
    ");
}

#[test]
fn one_that_vouches_for_itself_alone_may_be_trusted() {
    let (server, client) = (Authority::new(), Issued::self_signed(&["client.test"]));
    let own = server.issue(&["gateway.test"]);
    let gateway = builder(
        &(String::from(
            "[[listener]]\naddress = \"127.0.0.1:0\"\n[listener.tls]\ncert = \"server.pem\"\nkey = \"server.key\"\n\
         client = { certificate = \"required\", ca = \"client.pem\" }\n",
        ) + &everything_to("internal:echo", "")),
    )
    .file("server.pem", &own.cert)
    .file("server.key", &own.key)
    .file("client.pem", &client.cert)
    .start();
    let mut shown =
        Tls::with(&server, &[], &tests::tls::VERSIONS, Some(&client)).connect(gateway.address(), "gateway.test");
    assert_eq!(shown.get("/").status, 200);
}
