//! Requests of one route for several upstreams: by weight, by header, when one fails, and as copies.

use tests::{Gate, Gateway, Reply, Request, Upstream, wait_for};

use crate::{gateway, tollgate};

fn upstream(name: &str, endpoint: &str, more: &str) -> String {
    format!("[[upstream]]\nname = \"{name}\"\nendpoints = [\"{endpoint}\"]\n{more}\n")
}

/// Nothing listens on tcpmux.
const NOBODY: &str = "http://127.0.0.1:1";

#[test]
fn requests_are_split_by_weight() {
    let (old, new) = (Upstream::saying("old"), Upstream::saying("new"));
    let route =
        "[[route]]\nname = \"all\"\nupstream = [{ name = \"old\", weight = 9 }, { name = \"new\", weight = 1 }]\n";
    let gateway = gateway(&format!("{route}{}{}", upstream("old", &old.url(), ""), upstream("new", &new.url(), "")));
    for _ in 0..100 {
        gateway.get("/");
    }
    assert_eq!((old.received().len(), new.received().len()), (90, 10));
    gateway.get("/last");
    let name = gateway.wait_for_access("/last")["upstream"].clone();
    assert!(name == "old" || name == "new", "{name}");
}

#[test]
fn a_header_asks_for_the_canary_as_the_example_has_it() {
    let (old, new) = (Upstream::saying("old"), Upstream::saying("new"));
    let example = include_str!("../../../config/examples/canary.toml")
        .replace("http://127.0.0.1:9001\", \"http://127.0.0.1:9002", &old.url())
        .replace("http://127.0.0.1:9101", &new.url())
        .replace("127.0.0.1:8080", "127.0.0.1:0");
    let gateway = gateway(&example);
    for _ in 0..5 {
        assert_eq!(gateway.send(Request::get("/").header("x-canary", "yes")).text(), "new");
    }
    let texts: Vec<String> = (0..20).map(|_| gateway.get("/").text()).collect();
    assert_eq!(texts.iter().filter(|text| *text == "new").count(), 2, "{texts:?}");
    let ran = tollgate(&example, &["match", "--config", "gateway.toml", "GET", "/"]);
    assert!(ran.stdout.contains("upstream `shop` (9) or upstream `shop-next` (1)"), "{}", ran.stdout);
}

#[test]
fn another_upstream_stands_in_where_nothing_was_sent() {
    let standby = Upstream::saying("standby");
    let route = "[[route]]\nname = \"all\"\nupstream = \"first\"\n";
    let (first, second) = (upstream("first", NOBODY, "failover = \"second\""), upstream("second", &standby.url(), ""));
    let gateway = gateway(&format!("{route}{first}{second}"));
    assert_eq!(gateway.send(Request::post("/posted", "all of it")).text(), "standby");
    assert_eq!(standby.only().body, b"all of it");
    let line = gateway.wait_for_access("/posted");
    let endpoint = standby.address().to_string();
    assert_eq!(
        (&line["upstream"], &line["failover"], &line["endpoint"], &line["tries"]),
        (&"first".into(), &"second".into(), &endpoint.into(), &2.into()),
        "{line}"
    );
    assert_eq!(gateway.metric("tollgate_failovers_total"), 1.0);
}

#[test]
fn nobody_stands_in_for_what_may_have_been_acted_on_and_only_one_does() {
    let (bad, standby) = (Upstream::start(|_| Reply::close()), Upstream::saying("standby"));
    let route = "[[route]]\nname = \"all\"\nupstream = \"first\"\n";
    let config = |endpoint: &str| {
        format!(
            "{route}{}{}{}",
            upstream("first", endpoint, "failover = \"second\""),
            upstream("second", NOBODY, "failover = \"third\""),
            upstream("third", &standby.url(), "")
        )
    };
    let acted = gateway(&config(&bad.url()));
    assert_eq!(acted.get("/").problem(), "upstream-reset");
    assert_eq!(gateway(&config(NOBODY)).get("/").problem(), "upstream-connect");
    assert_eq!(standby.received().len(), 0);
}

/// A circuit breaker keeps its record by the upstream that it is told.
#[test]
fn plugins_see_the_upstream_that_was_chosen() {
    let (good, bad) = (Upstream::saying("good"), Upstream::start(|_| Reply::close()));
    let gateway = gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = [{{ name = \"good\" }}, {{ name = \"bad\" }}]\n\
         plugins = [{{ source = \"circuit-breaker\", config = {{ failures = 1, recovery = \"60s\" }} }}]\n{}{}",
        upstream("good", &good.url(), ""),
        upstream("bad", &bad.url(), "")
    ));
    let mut statuses = [(); 20].map(|()| gateway.get("/").status);
    statuses.sort_unstable();
    assert_eq!((&statuses[..10], statuses[10], &statuses[11..]), (&[200; 10][..], 502, &[503; 9][..]));
    assert_eq!(bad.received().len(), 1);
}

fn mirrored(real: &Upstream, shadow: &str, mirror: &str) -> Gateway {
    gateway(&format!(
        "[[route]]\nname = \"all\"\nupstream = \"real\"\nmirror = {{ upstream = \"shadow\"{mirror} }}\n{}{}",
        upstream("real", &real.url(), ""),
        upstream("shadow", shadow, "")
    ))
}

fn copies(gateway: &Gateway, result: &str) -> f64 {
    gateway.metric(&format!("tollgate_mirrored_total{{result=\"{result}\"}}"))
}

#[test]
fn a_copy_is_the_request_and_its_response_is_nobodys() {
    let (real, shadow) = (
        Upstream::saying("real"),
        Upstream::start(|_| Reply::raw("HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\nshadow")),
    );
    let gateway = mirrored(&real, &shadow.url(), "");
    let posted = Request::post("/path?query=1", "the body").header("x-mine", "1");
    assert_eq!(gateway.send(posted).text(), "real");
    // Nobody says in which order copies arrive that are under way together.
    wait_for("a copy", || (copies(&gateway, "answered") == 1.0).then_some(()));
    assert_eq!(gateway.get("/empty").text(), "real");
    wait_for("another copy", || (copies(&gateway, "answered") == 2.0).then_some(()));
    for (copied, sent) in shadow.received().iter().zip(real.received()) {
        let same = (&copied.method, &copied.target, &copied.body) == (&sent.method, &sent.target, &sent.body);
        assert!(same, "{copied:?}");
        assert_eq!(
            (copied.header("x-mine"), copied.header("x-request-id")),
            (sent.header("x-mine"), sent.header("x-request-id"))
        );
        assert_eq!(copied.header("content-length"), sent.header("content-length"));
    }
    gateway.wait_for_access("/empty");
    assert_eq!(gateway.access_log().len(), 2);
}

#[test]
fn a_part_of_the_requests_is_copied() {
    let (real, shadow) = (Upstream::saying("real"), Upstream::saying("shadow"));
    let gateway = mirrored(&real, &shadow.url(), ", percent = 10");
    let mut client = gateway.client();
    for _ in 0..200 {
        assert_eq!(client.get("/").text(), "real");
    }
    wait_for("the copies", || (copies(&gateway, "answered") == 20.0).then_some(()));
    assert_eq!(shadow.received().len(), 20);
}

#[test]
fn a_shadow_that_fails_or_hangs_is_not_felt() {
    let gate = Gate::closed();
    let held = gate.clone();
    let real = Upstream::saying("real");
    let hanging = Upstream::start(move |_| Reply::ok("late").after(&held));
    let gateway = mirrored(&real, &hanging.url(), ", requests = 3");
    let mut client = gateway.client();
    for _ in 0..10 {
        assert_eq!(client.get("/").text(), "real");
    }
    assert_eq!(copies(&gateway, "skipped"), 7.0);
    hanging.wait_for_requests(3);
    gate.open();
    wait_for("the copies", || (copies(&gateway, "answered") == 3.0).then_some(()));

    let gateway = mirrored(&real, NOBODY, "");
    assert_eq!(gateway.get("/").text(), "real");
    wait_for("the failure", || (copies(&gateway, "failed") == 1.0).then_some(()));
    assert!(!gateway.stderr().contains("127.0.0.1:1\""), "{}", gateway.stderr());

    let silent = Upstream::start(|_| Reply::hang());
    let gateway = mirrored(&real, &silent.url(), ", timeout = \"50ms\"");
    assert_eq!(gateway.get("/").text(), "real");
    wait_for("the failure", || (copies(&gateway, "failed") == 1.0).then_some(()));
    silent.wait_until_left();
}

#[test]
fn a_long_body_flows_on_and_is_not_copied() {
    let (real, shadow) = (Upstream::saying("real"), Upstream::saying("shadow"));
    let gateway = mirrored(&real, &shadow.url(), ", max-body = \"1KiB\"");
    assert_eq!(gateway.send(Request::post("/told", vec![b'x'; 1025])).text(), "real");
    let mut client = gateway.client();
    client.write("POST /chunks HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n401\r\n");
    client.write([b'x'; 1025]);
    client.write("\r\n0\r\n\r\n");
    assert_eq!(client.receive().text(), "real");
    assert_eq!(gateway.send(Request::post("/fits", vec![b'x'; 1024])).text(), "real");
    wait_for("the copy", || (copies(&gateway, "answered") == 1.0).then_some(()));
    assert_eq!((copies(&gateway, "skipped"), shadow.only().body.len()), (2.0, 1024));
    assert!(real.received().iter().all(|request| request.body.len() >= 1024));
}
