//! Endpoints that fail: taken out, put back, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tests::{Flapping, Gateway, Reply, Upstream, wait_for};

use crate::gateway;

fn config(urls: &[String], more: &str) -> String {
    let urls: Vec<_> = urls.iter().map(|url| format!("\"{url}\"")).collect();
    let route = "[[route]]\nname = \"all\"\nupstream = \"all\"\n";
    format!("{route}[[upstream]]\nname = \"all\"\nendpoints = [{}]\n{more}", urls.join(", "))
}

fn of_endpoint(gateway: &Gateway, metric: &str, endpoint: std::net::SocketAddr) -> f64 {
    gateway.metric(&format!("tollgate_upstream_endpoint_{metric}{{upstream=\"all\",endpoint=\"{endpoint}\"}}"))
}

fn wait_for_metric(gateway: &Gateway, metric: &str, endpoint: std::net::SocketAddr, value: f64) {
    wait_for(&format!("{metric} to be {value}"), || (of_endpoint(gateway, metric, endpoint) == value).then_some(()));
}

/// An upstream whose probes get a status that can be changed, and are counted.
fn probed() -> (Upstream, Arc<AtomicU16>, Arc<AtomicUsize>) {
    let (status, probes) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
    let (said, count) = (Arc::clone(&status), Arc::clone(&probes));
    let upstream = Upstream::start(move |request| {
        if request.target != "/healthz" {
            return Reply::ok("here");
        }
        count.fetch_add(1, SeqCst);
        Reply::raw(format!("HTTP/1.1 {} Status\r\ncontent-length: 0\r\n\r\n", said.load(SeqCst)))
    });
    (upstream, status, probes)
}

const PROBES: &str = "health = { path = \"/healthz\", interval = \"20ms\" }\n";

#[test]
fn an_endpoint_whose_probes_fail_gets_no_requests_until_they_do_not() {
    let (sick, status, _) = probed();
    let (well, ..) = probed();
    let gateway = gateway(&config(&[sick.url(), well.url()], PROBES));
    let requests = |upstream: &Upstream| upstream.received().iter().filter(|asked| asked.target == "/").count();
    status.store(503, SeqCst);
    wait_for_metric(&gateway, "healthy", sick.address(), 0.0);
    let before = requests(&sick);
    for _ in 0..10 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert_eq!((requests(&sick), requests(&well)), (before, 10));
    let line = gateway.wait_for_log("is unhealthy");
    let address = sick.address().to_string();
    assert_eq!(line["message"], format!("endpoint {address} is unhealthy: its status is 503"));
    assert_eq!(
        (&line["upstream"], &line["endpoint"], &line["level"]),
        (&"all".into(), &address.into(), &"warn".into())
    );
    status.store(204, SeqCst);
    wait_for_metric(&gateway, "healthy", sick.address(), 1.0);
    gateway.wait_for_log("is healthy");
    for _ in 0..4 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert_eq!(requests(&sick), before + 2);
}

#[test]
fn with_all_endpoints_out_it_is_a_503_at_once_and_with_one_back_a_200() {
    let endpoints = [Flapping::start("a"), Flapping::start("b"), Flapping::start("c")];
    let gateway = gateway(&config(&endpoints.each_ref().map(Flapping::url), "health = { tcp = true }\n"));
    endpoints.iter().for_each(Flapping::fall);
    // What is asked each 5 seconds is asked more often once it is out, and ejections end sooner still.
    wait_for("the endpoints to be out", || (gateway.metric("tollgate_upstream_endpoint_healthy") == 0.0).then_some(()));
    let answer = gateway.get("/");
    assert_eq!((answer.status, answer.problem().as_str()), (503, "upstream-no-endpoint"));
    endpoints.iter().for_each(Flapping::rise);
    let risen = Instant::now();
    wait_for("an answer", || (gateway.get("/").status == 200).then_some(()));
    assert!(risen.elapsed() < Duration::from_secs(1), "{:?}", risen.elapsed());
}

#[test]
fn below_the_panic_threshold_all_are_asked() {
    let upstreams = [probed(), probed()];
    let more = format!("panic-threshold = \"60%\"\n{PROBES}");
    let urls = upstreams.each_ref().map(|(upstream, ..)| upstream.url());
    let gateway = gateway(&config(&urls, &more));
    upstreams[0].1.store(500, SeqCst);
    wait_for_metric(&gateway, "healthy", upstreams[0].0.address(), 0.0);
    for _ in 0..4 {
        gateway.get("/");
    }
    let asked = upstreams.each_ref().map(|(upstream, ..)| upstream.received());
    assert_eq!(asked.map(|asked| asked.iter().filter(|asked| asked.target == "/").count()), [2, 2]);
}

#[test]
fn an_endpoint_whose_requests_fail_is_ejected_and_comes_back() {
    let (bad, good) = (Flapping::start("bad"), Flapping::start("good"));
    let gateway = gateway(&config(&[bad.url(), good.url()], "ejection = { failures = 3, time = \"100ms\" }\n"));
    bad.fall();
    wait_for("an ejection", || {
        gateway.get("/");
        (of_endpoint(&gateway, "ejected", bad.address()) == 1.0).then_some(())
    });
    let line = gateway.wait_for_log("is ejected");
    let message = line["message"].as_str().expect("text");
    assert!(message.starts_with(&format!("endpoint {} is ejected for 100ms: ", bad.address())), "{message}");
    bad.rise();
    wait_for("the endpoint to serve", || (gateway.get("/").text() == "bad").then_some(()));
    gateway.wait_for_log("is in service again, on probation");
    assert_eq!(of_endpoint(&gateway, "ejected", bad.address()), 0.0);
    assert!(of_endpoint(&gateway, "failures_total", bad.address()) >= 3.0);
    assert_eq!(of_endpoint(&gateway, "failures_total", good.address()), 0.0);
    assert_eq!(of_endpoint(&gateway, "requests_total", good.address()), good.answered() as f64);
}

#[test]
fn statuses_count_as_failures_if_the_config_says_so() {
    let bad = Upstream::start(|_| Reply::raw("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"));
    let good = Upstream::saying("good");
    let gateway = gateway(&config(
        &[bad.url(), good.url()],
        "ejection = { failures = 2, status = [503], time = \"1m\", longest = \"1m\" }\n",
    ));
    wait_for("an ejection", || {
        gateway.get("/");
        (of_endpoint(&gateway, "ejected", bad.address()) == 1.0).then_some(())
    });
    assert!((0..6).all(|_| gateway.get("/").text() == "good"));
}

#[test]
fn half_of_the_endpoints_are_ejected_at_most() {
    let endpoints = [Flapping::start("a"), Flapping::start("b")];
    let gateway = gateway(&config(
        &endpoints.each_ref().map(Flapping::url),
        "ejection = { failures = 1, time = \"1m\", longest = \"1m\" }\n",
    ));
    endpoints.iter().for_each(Flapping::fall);
    for _ in 0..20 {
        assert_eq!(gateway.get("/").status, 502);
    }
    wait_for("an ejection", || (gateway.metric("tollgate_upstream_endpoint_ejected") == 1.0).then_some(()));
    // The one that is left has all the requests, and serves as soon as it can.
    endpoints.iter().for_each(Flapping::rise);
    assert_eq!(gateway.get("/").status, 200);
}

#[test]
fn health_goes_on_over_a_reload() {
    let (sick, status, probes) = probed();
    let (well, ..) = probed();
    let config = |more: &str| config(&[sick.url(), well.url()], &format!("{PROBES}{more}"));
    let gateway = gateway(&config(""));
    status.store(500, SeqCst);
    wait_for_metric(&gateway, "healthy", sick.address(), 0.0);
    gateway.reload(&config("timeout = { connect = \"2s\" }\n"));
    assert_eq!(of_endpoint(&gateway, "healthy", sick.address()), 0.0);
    let before = probes.load(SeqCst);
    wait_for("further probes", || (probes.load(SeqCst) > before + 1).then_some(()));
    // Without probes nobody would put it back.
    gateway.reload(&format!("{}# no probes\n", self::config(&[sick.url(), well.url()], "")));
    wait_for_metric(&gateway, "healthy", sick.address(), 1.0);
    let ended = probes.load(SeqCst);
    for _ in 0..4 {
        assert_eq!(gateway.get("/").status, 200);
    }
    assert!(probes.load(SeqCst) <= ended + 1);
}

#[test]
fn a_gateway_stops_while_probes_run() {
    let mute = Upstream::start(|_| Reply::hang());
    let mut gateway =
        gateway(&config(&[mute.url()], "health = { path = \"/healthz\", interval = \"10ms\", timeout = \"1h\" }\n"));
    mute.wait_for_requests(1);
    gateway.signal(tests::Signal::TERM);
    assert_eq!(gateway.wait_exit().code(), Some(0));
}
