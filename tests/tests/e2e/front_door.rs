//! The example of a front door to the internet, as it stands in the repository.

use std::net::SocketAddr;

use tests::tls::{Authority, Issued, Tls, VERSIONS};
use tests::{Builder, Client, Gateway, Request, http2};

use crate::BINARY;
use crate::tls::shown;

const EXAMPLE: &str = include_str!("../../../config/examples/front-door.toml");

/// Who has certificates.
struct Town {
    servers: Authority,
    partners: Authority,
    www: Issued,
    api: Issued,
}

impl Town {
    fn new() -> Self {
        let (servers, partners) = (Authority::new(), Authority::new());
        let (www, api) = (servers.issue(&["www.example.com"]), servers.issue(&["api.example.com"]));
        Self { servers, partners, www, api }
    }

    /// The example on free ports, with the gateway's own echo behind it.
    fn gateway(&self) -> Gateway {
        let mut text = EXAMPLE.to_owned();
        for (from, to) in [
            ("0.0.0.0:80\"", "127.0.0.1:0\""),
            ("0.0.0.0:443\"", "127.0.0.2:0\""),
            ("0.0.0.0:8443\"", "127.0.0.3:0\""),
            ("127.0.0.1:9901", "127.0.0.1:0"),
            ("\"http://127.0.0.1:9001\", \"http://127.0.0.1:9002\"", "\"internal:echo\""),
            ("http://127.0.0.1:9011", "internal:echo"),
        ] {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        Builder::new(BINARY, &text)
            .file("tls/www.pem", &self.www.cert)
            .file("tls/www.key", &self.www.key)
            .file("tls/api.pem", &self.api.cert)
            .file("tls/api.key", &self.api.key)
            .file("tls/partners.pem", self.partners.pem())
            .file("tls/partners-revoked.pem", self.partners.revoke(7))
            .start()
    }

    fn visitor(&self) -> Tls {
        Tls::new(&self.servers, &["http/1.1"])
    }

    /// The status that a partner with this certificate is answered, if it is answered.
    fn partner(&self, address: SocketAddr, own: Option<&Issued>) -> Option<u16> {
        let tls = Tls::with(&self.servers, &["http/1.1"], &VERSIONS, own);
        let mut client = tls.try_connect(address, "api.example.com").ok()?;
        let order = Request::post("/v1/orders", "one").header("host", "api.example.com");
        Some(client.try_send(order).ok()?.status)
    }
}

fn to(host: &str, target: &str) -> Request {
    Request::get(target).header("host", host)
}

#[test]
fn the_example_has_no_problem_and_no_warning() {
    let gateway = Town::new().gateway();
    let checked = gateway.folder().tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
}

#[test]
fn everybody_is_sent_from_http_to_https() {
    let gateway = Town::new().gateway();
    for host in ["www.example.com", "api.example.com"] {
        let answer = Client::connect(gateway.addresses()[0]).send(to(host, "/v1/x?a=b"));
        let location = format!("https://{host}/v1/x?a=b");
        assert_eq!((answer.status, answer.header("location")), (308, Some(location.as_str())));
    }
}

#[test]
fn each_name_has_its_certificate_and_its_routes() {
    let town = Town::new();
    let gateway = town.gateway();
    let https = gateway.addresses()[1];
    let mut www = town.visitor().connect(https, "www.example.com");
    assert!(shown(&www) == town.www.der());
    let answer = www.send(to("www.example.com", "/cart"));
    assert_eq!((answer.status, answer.header("strict-transport-security")), (200, Some("max-age=31536000")));
    assert_eq!(www.send(to("www.example.com", "/assets/bytes/1mb").header("accept-encoding", "gzip")).status, 200);
    assert_eq!(www.send(to("unknown.example", "/")).status, 404);

    let mut api = town.visitor().connect(https, "api.example.com");
    assert!(shown(&api) == town.api.der());
    assert_eq!(api.send(to("api.example.com", "/v1/orders")).status, 200);
    assert_eq!(api.send(Request::post("/v1/orders", "one").header("host", "api.example.com")).status, 405);

    let both = Tls::new(&town.servers, &["h2", "http/1.1"]);
    let asked = vec![http2::get("https://www.example.com/")];
    assert_eq!(http2::send_over(&both, https, "www.example.com", asked)[0].status(), 200);
}

#[test]
fn partners_are_known_by_their_certificates() {
    let town = Town::new();
    let gateway = town.gateway();
    let partners = gateway.addresses()[2];
    let (good, revoked) = (town.partners.issue(&["partner.example"]), town.partners.issue_numbered(&["p.example"], 7));
    assert_eq!(town.partner(partners, Some(&good)), Some(200));
    assert_eq!(town.partner(partners, Some(&revoked)), None);
    assert_eq!(town.partner(partners, Some(&town.servers.issue(&["partner.example"]))), None);
    assert_eq!(town.partner(partners, None), None);
}

#[test]
fn who_connects_too_often_is_turned_away_and_the_admin_listener_answers() {
    let gateway = Town::new().gateway();
    let clients: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = Client::connect(gateway.addresses()[0]);
            assert_eq!(client.send(to("www.example.com", "/")).status, 308);
            client
        })
        .collect();
    Client::connect(gateway.addresses()[0]).wait_for_close();
    assert_eq!(gateway.metric("tollgate_connections_refused_total{reason=\"connections-per-address\"}"), 1.0);
    assert_eq!(gateway.admin_get("/readyz").status, 200);
    drop(clients);
}
