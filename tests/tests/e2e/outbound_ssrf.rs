//! Where a plugin's requests may not go, however they are written and whatever names stand for.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};
use tests::dns::NameServer;
use tests::tls::{Authority, Issued, Wants};
use tests::{Folder, Gateway, Reply, Upstream, wait_for};

use crate::guests::{plugin, routes};
use crate::outbound::{came, request};
use crate::{builder, gateway};

/// A config whose plugin may send to these origins, in these networks; names are looked up here, and again at once.
fn config(server: &NameServer, origins: &[String], networks: &[&str]) -> String {
    let own = format!(
        "grants = [\"outbound\", \"state\"]\nlimits = {{ memory = \"32MiB\" }}\n[plugin.outbound]\norigins = {origins:?}\n\
         networks = {networks:?}\n"
    );
    format!(
        "[gateway]\nworkers = 1\n[gateway.dns]\nservers = [\"{}\"]\nmin-ttl = \"20ms\"\nmax-ttl = \"50ms\"\ntimeout = \"2s\"\n",
        server.address()
    ) + &plugin("caller", "caller", &own)
        + &routes(&[("calls", &["caller"])])
}

/// What becomes of a request to this URL.
fn send(gateway: &Gateway, url: &str) -> Value {
    came(&gateway.send(request(&[json!({ "url": url })]))).remove(0)
}

/// Two servers on one port: the first is where a plugin may send, the second where it may not.
fn pair() -> (Upstream, Upstream) {
    let canary = Upstream::saying("a secret");
    let port = canary.address().port();
    (Upstream::saying_at(&format!("127.0.0.2:{port}"), "allowed"), canary)
}

/// The same, whose first one answers with a redirect to what it was sent.
fn leading_pair() -> (Upstream, Upstream) {
    let canary = Upstream::saying("a secret");
    let port = canary.address().port();
    let leading = Upstream::start_at(&format!("127.0.0.2:{port}"), |received| match &*received.body {
        b"" => Reply::ok("allowed"),
        location => {
            let parts = [b"HTTP/1.1 302 Found\r\nlocation: ", location, b"\r\ncontent-length: 0\r\n\r\n"];
            Reply::raw(parts.concat())
        }
    });
    (leading, canary)
}

/// What becomes of a request that is answered with a redirect, and follows it.
fn redirect(gateway: &Gateway, origin: &str, location: &str) -> Value {
    let asked = json!({ "url": origin, "method": "POST", "body": location, "redirects": 10 });
    came(&gateway.send(request(&[asked]))).remove(0)
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().expect("an address")).collect()
}

/// Names of these two: `api.test` of the one where a plugin may send.
fn name_pair(server: &NameServer) {
    server.say_addresses("api.test", &addresses(&["127.0.0.2"]), Duration::ZERO);
    for name in ["localhost.test", "evil.test", "api.test.evil.test", "127.0.0.1.nip.test"] {
        server.say_addresses(name, &addresses(&["127.0.0.1"]), Duration::ZERO);
    }
}

/// URLs of what is not granted, and texts that some take for one.
fn forms(port: u16) -> Vec<String> {
    vec![
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://127.0.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://017700000001:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://0177.0.0.01:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://0x7f.0.0.1:{port}/"),
        format!("http://0x7F.0x0.0x0.0x1:{port}/"),
        format!("http://127.0.0.1.:{port}/"),
        format!("http://127.000.000.001:{port}/"),
        format!("http://0:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://LOCALHOST:{port}/"),
        format!("http://localhost.:{port}/"),
        format!("http://localhost.test:{port}/"),
        format!("http://127.0.0.1.nip.test:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[0:0:0:0:0:0:0:1]:{port}/"),
        format!("http://[::]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://[::127.0.0.1]:{port}/"),
        format!("http://[64:ff9b::7f00:1]:{port}/"),
        format!("http://[::1%25lo]:{port}/"),
        format!("http://[fe80::1%25lo]:{port}/"),
        format!("http://\u{2460}\u{2461}\u{2466}.0.0.1:{port}/"),
        format!("http://127\u{3002}0\u{3002}0\u{3002}1:{port}/"),
        format!("http://\u{ff4c}ocalhost:{port}/"),
        format!("http://api.test:{port}@127.0.0.1:{port}/"),
        format!("http://api.test@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}@api.test:{port}/"),
        format!("http://api.test:{port}\\@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@api.test:{port}/"),
        format!("http://127.0.0.1:{port}#@api.test:{port}/"),
        format!("http://127.0.0.1:{port}?@api.test:{port}/"),
        format!("http://127.0.0.1:{port}%23@api.test:{port}/"),
        format!("http://api.test.evil.test:{port}/"),
        format!("http://api.test%00.evil.test:{port}/"),
        format!("http://api.test%2eevil.test:{port}/"),
        format!("http://api.test\r\nhost: 127.0.0.1:{port}/"),
        format!("http://api.test:{port}:{port}/"),
        format!("http://api.test:0{port}/"),
        format!("http://api.test. :{port}/"),
        format!("http:// 127.0.0.1:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:///127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("127.0.0.1:{port}/"),
        format!("hTTp://127.0.0.1:{port}/"),
        format!("\thttp://127.0.0.1:{port}/"),
        format!("url:http://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/_GET"),
        format!("ftp://127.0.0.1:{port}/"),
        format!("file://127.0.0.1:{port}/etc/passwd"),
        format!("unix:http://127.0.0.1:{port}/"),
        format!("https://api.test:{port}/"),
        "http://api.test/".to_owned(),
        "internal:echo".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
    ]
}

#[test]
fn no_form_of_a_url_reaches_what_is_not_granted() {
    let (server, (allowed, canary)) = (NameServer::start(), pair());
    let port = canary.address().port();
    name_pair(&server);
    let origin = format!("http://api.test:{port}");
    let gateway = gateway(&config(&server, std::slice::from_ref(&origin), &["127.0.0.2"]));
    let forms = forms(port);
    assert!(forms.len() >= 40);
    for form in forms.iter().map(String::as_str).chain([""]) {
        let answer = send(&gateway, form);
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(error == "NotGranted" || error.starts_with("Invalid"), "{form:?}: {answer}");
    }
    assert_eq!((canary.connections(), allowed.connections()), (0, 0));
    for granted in [origin.clone(), format!("{origin}/x?y"), origin.to_uppercase().replace("HTTP", "http")] {
        let answer = send(&gateway, &granted);
        assert_eq!(answer["body"], "allowed", "{granted}: {answer}");
    }
    assert_eq!(canary.connections(), 0);
}

#[test]
fn no_special_address_is_dialled_whichever_name_stands_for_it() {
    let server = NameServer::start();
    // All addresses of this machine, of both families where there are two.
    let canary = Upstream::saying_everywhere("a secret");
    let port = canary.address().port();
    let special = [
        "0.0.0.0",
        "0.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.0.0.53",
        "127.1.2.3",
        "127.255.255.254",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.254",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::7f00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    assert!(special.len() >= 40);
    let name = |index: usize| format!("n{index}.test");
    for (index, address) in special.iter().enumerate() {
        server.say_addresses(&name(index), &addresses(&[address]), Duration::from_secs(3600));
    }
    let origins: Vec<String> = (0..special.len()).map(|index| format!("http://{}:{port}", name(index))).collect();
    let gateway = gateway(&config(&server, &origins, &["127.0.0.9"]));
    for (origin, address) in origins.iter().zip(special) {
        assert_eq!(send(&gateway, origin)["error"], "NoEndpoint", "{address}");
        assert!(gateway.stderr().contains(&format!("for caller:{origin}")), "{address}");
    }
    assert_eq!(canary.connections(), 0);
    // It would have answered.
    server.say_addresses(&name(0), &addresses(&["127.0.0.9"]), Duration::from_secs(3600));
    wait_for("what is granted", || (send(&gateway, &origins[0])["body"] == "a secret").then_some(()));
}

#[test]
fn a_name_that_changes_what_it_stands_for_leads_nowhere_else() {
    let (server, (allowed, canary)) = (NameServer::start(), pair());
    let origin = format!("http://api.test:{}", canary.address().port());
    server.say_addresses("api.test", &addresses(&["127.0.0.2"]), Duration::ZERO);
    let gateway = gateway(&config(&server, std::slice::from_ref(&origin), &["127.0.0.2"]));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Requests go on while the name changes.
        let (gateway, over, origin) = (&gateway, &over, &origin);
        let asking = scope.spawn(move || {
            let mut answers = (0, 0);
            while !over.load(SeqCst) {
                let answer = send(gateway, origin);
                match (answer["body"].as_str(), answer["error"].as_str()) {
                    (Some("allowed"), None) => answers.0 += 1,
                    (None, Some("NoEndpoint")) => answers.1 += 1,
                    _ => panic!("neither: {answer}"),
                }
            }
            answers
        });
        let said = |text: &str| {
            wait_for(text, || {
                let answer = send(gateway, origin);
                (answer["body"] == text || answer["error"] == text).then_some(())
            });
        };
        for _ in 0..5 {
            said("allowed");
            server.say_addresses("api.test", &addresses(&["127.0.0.1"]), Duration::ZERO);
            said("NoEndpoint");
            server.say_addresses("api.test", &addresses(&["127.0.0.1", "127.0.0.2"]), Duration::ZERO);
            said("allowed");
            server.say_addresses("api.test", &addresses(&["::ffff:127.0.0.1"]), Duration::ZERO);
            said("NoEndpoint");
            server.say_addresses("api.test", &addresses(&["127.0.0.2"]), Duration::ZERO);
        }
        over.store(true, SeqCst);
        let (answered, refused) = asking.join().expect("it says only what it may");
        assert!(answered > 0 && refused > 0, "{answered} {refused}");
    });
    assert!(allowed.connections() > 0);
    assert_eq!(canary.connections(), 0);
}

#[test]
fn a_redirect_leads_nowhere_unless_it_is_to_be_followed() {
    let canary = Upstream::saying("a secret");
    let to = canary.url();
    let server = NameServer::start();
    let behind = Upstream::start(move |received| {
        let status = &received.target[1..];
        Reply::raw(format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {to}/\r\ncontent-length: 0\r\n\r\n"))
    });
    let gateway = gateway(&config(&server, &[behind.url()], &[&behind.address().ip().to_string()]));
    for status in [301, 302, 303, 307, 308] {
        assert_eq!(send(&gateway, &format!("{}/{status}", behind.url()))["status"], status);
    }
    assert_eq!(canary.connections(), 0);
}

#[test]
fn no_redirect_that_is_followed_reaches_what_is_not_granted() {
    let (server, (leading, canary)) = (NameServer::start(), leading_pair());
    let port = canary.address().port();
    name_pair(&server);
    let origin = format!("http://api.test:{port}");
    let gateway = gateway(&config(&server, std::slice::from_ref(&origin), &["127.0.0.2"]));
    // By `//` with the scheme of what was asked for, too.
    let short = |form: &String| form.strip_prefix("http:").filter(|rest| rest.starts_with("//")).map(str::to_owned);
    let forms: Vec<String> = forms(port).into_iter().flat_map(|form| [short(&form), Some(form)]).flatten().collect();
    assert!(forms.len() >= 80);
    for form in &forms {
        let before = leading.received().len();
        let answer = redirect(&gateway, &origin, form);
        let error = answer["error"].as_str().unwrap_or_default();
        // A field or a head that is none is no response.
        assert!(error.starts_with("Redirect(") || error == "Broken", "{form:?}: {answer}");
        assert_eq!(leading.received().len(), before + 1, "{form:?}");
    }
    assert_eq!(canary.connections(), 0);
    for granted in [format!("{origin}/x"), "/x".to_owned(), "x".to_owned(), format!("//API.test:{port}/")] {
        assert_eq!(redirect(&gateway, &origin, &granted)["body"], "allowed", "{granted}");
    }
}

#[test]
fn no_name_leads_a_redirect_to_an_address_that_is_not_granted() {
    let (server, (leading, canary)) = (NameServer::start(), leading_pair());
    let port = canary.address().port();
    let [first, second] = ["first.test", "second.test"].map(|name| format!("http://{name}:{port}"));
    for name in ["first.test", "second.test"] {
        server.say_addresses(name, &addresses(&["127.0.0.2"]), Duration::ZERO);
    }
    // Both origins are granted by name.
    let gateway = gateway(&config(&server, &[first.clone(), second.clone()], &["127.0.0.2"]));
    let said = |text: &str| {
        wait_for(text, || {
            let answer = redirect(&gateway, &first, &second);
            assert!(answer["body"] == "allowed" || answer["error"] == "NoEndpoint", "{answer}");
            (answer["body"] == text || answer["error"] == text).then_some(())
        });
    };
    said("allowed");
    for address in ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.1"] {
        server.say_addresses("second.test", &addresses(&[address]), Duration::ZERO);
        said("NoEndpoint");
        server.say_addresses("second.test", &addresses(&["127.0.0.2"]), Duration::ZERO);
        said("allowed");
    }
    assert!(leading.connections() > 0);
    assert_eq!(canary.connections(), 0);
}

#[test]
fn an_origin_shows_a_certificate_of_its_name_or_gets_no_request() {
    let (server, authority, folder) = (NameServer::start(), Authority::new(), Folder::new());
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).expect("it is our folder");
    let start = |issued: &Issued| Upstream::start_tls(&issued.server(&[], &Wants::Nothing), |_| Reply::ok("secret"));
    let good = start(&authority.issue(&["good.test"]));
    let bad = [
        ("wrong-name", start(&authority.issue(&["good.test"]))),
        ("self-signed", start(&Issued::self_signed(&["self-signed.test"]))),
        ("expired", start(&authority.issue_until(&["expired.test"], 2020))),
        ("unknown", start(&Authority::new().issue(&["unknown.test"]))),
    ];
    let url = |name: &str, upstream: &Upstream| {
        server.say_addresses(&format!("{name}.test"), &addresses(&["127.0.0.1"]), Duration::from_secs(3600));
        format!("https://{name}.test:{}", upstream.address().port())
    };
    let origins: Vec<String> = [("good", &good)]
        .into_iter()
        .chain(bad.iter().map(|(name, it)| (*name, it)))
        .map(|(name, it)| url(name, it))
        .collect();
    let gateway = builder(&config(&server, &origins, &["127.0.0.1"]))
        .variable("SSL_CERT_FILE", roots.to_str().expect("a path of letters"))
        .start();
    assert_eq!(send(&gateway, &origins[0])["body"], "secret");
    for ((name, upstream), origin) in bad.iter().zip(&origins[1..]) {
        assert_eq!(send(&gateway, origin)["error"], "Connect", "{name}");
        assert!(upstream.received().is_empty(), "{name}");
    }
}
