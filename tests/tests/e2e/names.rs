//! Endpoints with names: what they stand for, when it changes, and when nobody can say it.

use std::net::IpAddr;
use std::time::Duration;

use tests::dns::{Answer, NameServer};
use tests::tls::{Authority, Wants};
use tests::{Gateway, Reply, Request, Upstream, wait_for};

use crate::{builder, gateway, tollgate};

const NAME: &str = "users.test";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A gateway that asks this server, and again at once.
fn asking(server: &NameServer, endpoint: &str, more: &str) -> Gateway {
    gateway(&config(server, endpoint, more))
}

fn config(server: &NameServer, endpoint: &str, more: &str) -> String {
    format!(
        "[gateway]\nworkers = 1\n[gateway.dns]\nservers = [\"{}\"]\nmin-ttl = \"20ms\"\nmax-ttl = \"50ms\"\n\
         timeout = \"300ms\"\n[[upstream]]\nname = \"behind\"\nendpoints = [\"{endpoint}\"]\n{more}\n[[route]]\n\
         name = \"everything\"\nupstream = \"behind\"\npreserve-host = false\n",
        server.address()
    )
}

/// Two upstreams on one port of two addresses.
fn pair() -> [Upstream; 2] {
    let one = Upstream::saying_at("127.0.0.2:0", "one");
    let other = Upstream::saying_at(&format!("127.0.0.3:{}", one.address().port()), "other");
    [one, other]
}

fn addresses(upstreams: &[&Upstream]) -> Vec<IpAddr> {
    upstreams.iter().map(|upstream| upstream.address().ip()).collect()
}

fn url(upstream: &Upstream) -> String {
    format!("http://{NAME}:{}", upstream.address().port())
}

/// Waits until this is what a request is answered with.
fn wait_until_said(gateway: &Gateway, text: &str) {
    wait_for(&format!("an answer {text:?}"), || (gateway.get("/").text() == text).then_some(()));
}

#[test]
fn each_address_of_a_name_is_an_endpoint_with_connections_of_its_own() {
    let (server, [one, other]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one, &other]), DAY);
    let gateway = asking(&server, &url(&one), "");
    for _ in 0..6 {
        assert_eq!(gateway.get("/").status, 200);
    }
    for upstream in [&one, &other] {
        let received = upstream.received();
        assert_eq!((received.len(), upstream.connections()), (3, 1));
        assert_eq!(received[0].header("host"), Some(format!("{NAME}:{}", one.address().port()).as_str()));
    }
    let endpoints: Vec<_> = [&one, &other].map(|upstream| upstream.address().to_string()).into();
    gateway.get("/logged");
    let endpoint = gateway.wait_for_access("/logged")["endpoint"].as_str().map(str::to_owned);
    assert!(endpoint.as_ref().is_some_and(|endpoint| endpoints.contains(endpoint)), "{endpoint:?}");
}

#[test]
fn an_answer_that_changes_is_taken_up_and_what_stays_keeps_its_connections() {
    let (server, [one, other]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one]), Duration::ZERO);
    let gateway = asking(&server, &url(&one), "");
    assert_eq!(gateway.get("/").text(), "one");
    server.say_addresses(NAME, &addresses(&[&other, &one]), Duration::ZERO);
    wait_until_said(&gateway, "other");
    wait_until_said(&gateway, "one");
    assert_eq!(one.connections(), 1);
    server.say_addresses(NAME, &addresses(&[&other]), Duration::ZERO);
    one.wait_until_left();
    for _ in 0..4 {
        assert_eq!(gateway.get("/").text(), "other");
    }
    assert_eq!((other.connections(), gateway.metric("tollgate_config_generation")), (1, 1.0));
}

#[test]
fn a_lookup_that_fails_leaves_the_addresses_that_were_there() {
    let (server, [one, other]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one]), Duration::ZERO);
    let gateway = asking(&server, &url(&one), "");
    let mut was_one = true;
    for failure in [Answer::NoSuchName, Answer::Failure, Answer::Silence, Answer::Addresses(Vec::new(), DAY)] {
        let text = if was_one { "one" } else { "other" };
        let lines = || gateway.stderr().matches("the address that it had stays").count();
        let before = lines();
        server.say(NAME, failure.clone());
        wait_for(&format!("a line about {failure:?}"), || (lines() > before).then_some(()));
        assert_eq!(gateway.get("/").text(), text, "{failure:?}");
        // It returns elsewhere.
        was_one = !was_one;
        server.say_addresses(NAME, &addresses(&[if was_one { &one } else { &other }]), Duration::ZERO);
        wait_until_said(&gateway, if was_one { "one" } else { "other" });
    }
}

#[test]
fn a_name_that_is_not_found_at_a_start_is_a_503_until_it_is() {
    let (server, [one, _]) = (NameServer::start(), pair());
    let gateway = asking(&server, &url(&one), "");
    let line = gateway.wait_for_log("the name users.test is not found, and there is no address to send to");
    assert_eq!(line["level"], "warn");
    let answer = gateway.get("/");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("urn:tollgate:problem:upstream-no-endpoint"), "{}", answer.text());
    server.say_addresses(NAME, &addresses(&[&one]), Duration::ZERO);
    wait_until_said(&gateway, "one");
    for result in ["ok", "failed"] {
        let series = format!("tollgate_dns_lookups_total{{result=\"{result}\"}}");
        assert!(gateway.metric(&series) > 0.0, "{series}");
    }
}

#[test]
fn a_server_that_says_nothing_does_not_stop_a_start() {
    let (server, [one, _]) = (NameServer::start(), pair());
    server.say(NAME, Answer::Silence);
    let gateway = asking(&server, &url(&one), "");
    assert_eq!(gateway.get("/").status, 503);
}

#[test]
fn a_name_that_a_reload_brings_is_found_before_it_is_needed() {
    let (server, [one, other]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one]), DAY);
    server.say_addresses("other.test", &addresses(&[&other]), DAY);
    let gateway = asking(&server, &url(&one), "");
    assert_eq!(gateway.get("/").text(), "one");
    let endpoint = format!("http://other.test:{}", other.address().port());
    gateway.reload(&config(&server, &endpoint, ""));
    assert_eq!(gateway.get("/").text(), "other");
    // Nobody needs the first any more.
    let asked = server.asked(NAME);
    let others = server.asked("other.test");
    wait_for("further lookups", || (server.asked("other.test") > others + 3).then_some(()));
    assert!(server.asked(NAME) <= asked + 1, "one may have been on its way");
}

#[test]
fn no_request_looks_a_name_up() {
    let (server, [one, _]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one]), DAY);
    let config = config(&server, &url(&one), "").replace("50ms", "1h").replace("300ms", "5s");
    let gateway = gateway(&config);
    let asked = server.asked(NAME);
    for _ in 0..20 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert_eq!(server.asked(NAME), asked);
}

#[test]
fn an_answer_that_is_good_for_a_day_is_asked_for_again_after_the_longest_time() {
    let (server, [one, other]) = (NameServer::start(), pair());
    server.say_addresses(NAME, &addresses(&[&one]), DAY);
    let gateway = asking(&server, &url(&one), "");
    assert_eq!(gateway.get("/").text(), "one");
    server.say_addresses(NAME, &addresses(&[&other]), DAY);
    wait_until_said(&gateway, "other");
}

#[test]
fn names_are_what_certificates_are_verified_for() {
    let (server, authority) = (NameServer::start(), Authority::new());
    let config = authority.issue(&[NAME]).server(&[], &Wants::Nothing);
    let upstream = Upstream::start_tls(&config, |_| Reply::ok("secret"));
    for name in [NAME, "other.test"] {
        server.say_addresses(name, &addresses(&[&upstream]), DAY);
    }
    for (name, status) in [(NAME, 200), ("other.test", 502)] {
        let endpoint = format!("https://{name}:{}", upstream.address().port());
        let config = self::config(&server, &endpoint, "tls = { ca = \"ca.pem\" }");
        let gateway = builder(&config).file("ca.pem", authority.pem()).start();
        assert_eq!(gateway.send(Request::get("/")).status, status, "{name}");
    }
    let handshake = upstream.only().handshake.expect("it is over TLS");
    assert_eq!(handshake.name.as_deref(), Some(NAME));
}

#[test]
fn hosts_of_the_system_are_known_without_a_server() {
    let server = NameServer::start();
    let upstream = Upstream::saying("here");
    let gateway = asking(&server, &format!("http://localhost:{}", upstream.address().port()), "");
    assert_eq!(gateway.get("/").text(), "here");
    assert_eq!(server.asked("localhost"), 0);
}

#[test]
fn check_says_what_is_wrong_with_the_lookup_of_names() {
    let checked = tollgate(
        "[gateway.dns]\nservers = [\"10.0.0.53\", \"[::1]:5353\", \"ns.example\"]\nmin-ttl = \"10s\"\nmax-ttl = \"5s\"\n",
        &["check", "--config", "gateway.toml"],
    );
    insta::assert_snapshot!(checked.stderr, @r"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:2:39: `ns.example` is not a name server's address
      help: such as `10.0.0.53` or `10.0.0.53:5353`
    gateway.toml:3:11: answers would be good for 10s at least and 5s at most
      help: `min-ttl` is not longer than `max-ttl`
    4 problems
    ");
}
