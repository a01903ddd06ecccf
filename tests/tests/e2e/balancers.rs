//! Which endpoint a request goes to, from outside: hashing, sticky sessions, and unfinished requests of all workers.

use std::collections::BTreeMap;

use tests::tls::{Authority, Tls};
use tests::{Gate, Gateway, Reply, Request, Response, Upstream};

use crate::gateway;
use crate::tls::secured;

/// `more` is of the upstream.
fn config(endpoints: &[&Upstream], more: &str) -> String {
    let urls: Vec<_> = endpoints.iter().map(|endpoint| format!("\"{}\"", endpoint.url())).collect();
    let route = "[[route]]\nname = \"all\"\nupstream = \"all\"\n";
    format!("{route}[[upstream]]\nname = \"all\"\nendpoints = [{}]\n{more}", urls.join(", "))
}

fn three() -> [Upstream; 3] {
    ["a", "b", "c"].map(Upstream::saying)
}

#[test]
fn a_header_decides_and_every_worker_decides_alike() {
    let upstreams = three();
    let more = "balancer = \"consistent-hash\"\nhash = { header = \"x-user\" }\n";
    let config = format!("[gateway]\nworkers = 2\n{}", config(&upstreams.each_ref(), more));
    let gateway = gateway(&config);
    let ask = |user: &str| gateway.send(Request::get("/").header("x-user", user)).text();
    let mut places = BTreeMap::new();
    for user in 0..60 {
        let place = ask(&user.to_string());
        assert!((0..3).all(|_| ask(&user.to_string()) == place));
        *places.entry(place).or_insert(0) += 1;
    }
    assert!(places.len() == 3 && places.values().all(|users| *users > 8), "{places:?}");
}

#[test]
fn a_cookie_and_the_client_s_address_can_decide() {
    let upstreams = three();
    let endpoints = upstreams.each_ref();
    let by_cookie = gateway(&config(&endpoints, "balancer = \"consistent-hash\"\nhash = { cookie = \"session\" }\n"));
    let ask = |session: &str| {
        by_cookie.send(Request::get("/").header("cookie", &format!("other=1; session={session}"))).text()
    };
    let places: Vec<_> = (0..20).map(|session| ask(&session.to_string())).collect();
    assert_eq!(places, (0..20).map(|session| ask(&session.to_string())).collect::<Vec<_>>());
    assert!(places.iter().any(|place| *place != places[0]));
    // Behind a trusted proxy it is the client's, and not the proxy's.
    let by_address = gateway(&format!(
        "[gateway]\ntrusted-proxies = [\"127.0.0.1\"]\n{}",
        config(&endpoints, "balancer = \"consistent-hash\"\nhash = { client-address = true }\n")
    ));
    let ask = |client: &str| by_address.send(Request::get("/").header("x-forwarded-for", client)).text();
    let clients: Vec<_> = (1..20).map(|number| format!("192.0.2.{number}")).collect();
    let places: Vec<_> = clients.iter().map(|client| ask(client)).collect();
    assert_eq!(places, clients.iter().map(|client| ask(client)).collect::<Vec<_>>());
    assert!(places.iter().any(|place| *place != places[0]));
}

#[test]
fn without_what_is_hashed_endpoints_take_turns() {
    let upstreams = three();
    let more = "balancer = \"consistent-hash\"\nhash = { header = \"x-user\" }\n";
    let gateway = gateway(&config(&upstreams.each_ref(), more));
    let answers: String = (0..6).map(|_| gateway.get("/").text()).collect();
    assert_eq!(answers, "abcabc");
}

/// As a browser does it: the pair that was set.
fn cookie(response: &Response) -> String {
    let set = response.header("set-cookie").expect("a cookie");
    set.split(';').next().expect("a pair").to_owned()
}

fn with_cookie(gateway: &Gateway, cookie: &str) -> Response {
    gateway.send(Request::get("/").header("cookie", cookie))
}

#[test]
fn a_session_stays_where_it_began() {
    let upstreams = three();
    let gateway = gateway(&config(&upstreams.each_ref(), "balancer = \"sticky\"\n"));
    let sessions: Vec<_> = (0..3).map(|_| gateway.get("/")).collect();
    assert_eq!(sessions.iter().map(Response::text).collect::<String>(), "abc");
    for session in &sessions {
        let set = session.header("set-cookie").expect("a cookie");
        assert!(set.starts_with("tollgate-endpoint=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
        assert!(!set.contains("127.0.0.1"), "{set}");
        for _ in 0..4 {
            let again = with_cookie(&gateway, &cookie(session));
            assert_eq!((again.text(), again.header("set-cookie")), (session.text(), None));
        }
    }
}

#[test]
fn a_session_survives_a_reload_and_begins_anew_when_its_endpoint_is_gone() {
    let upstreams = three();
    let [a, b, c] = upstreams.each_ref();
    let sticky = "balancer = \"sticky\"\nsticky = { cookie = \"stay\", max-age = \"1h\" }\n";
    let gateway = gateway(&config(&[a, b], sticky));
    let (first, second) = (gateway.get("/"), gateway.get("/"));
    assert!(first.header("set-cookie").expect("a cookie").contains("; Max-Age=3600"));
    gateway.reload(&config(&[c, b], sticky));
    assert_eq!(with_cookie(&gateway, &cookie(&second)).text(), "b");
    let moved = with_cookie(&gateway, &cookie(&first));
    assert_ne!(cookie(&moved), cookie(&first));
    assert_eq!(with_cookie(&gateway, &cookie(&moved)).text(), moved.text());
    assert!(with_cookie(&gateway, "stay=forged").header("set-cookie").is_some());
}

#[test]
fn gateways_with_the_same_secret_take_each_other_s_cookies() {
    let upstreams = three();
    let with_secret = "balancer = \"sticky\"\nsticky = { secret = \"0123456789abcdef0123\" }\n";
    let gateways = [with_secret, with_secret].map(|more| gateway(&config(&upstreams.each_ref(), more)));
    gateways[0].get("/");
    let session = gateways[0].get("/");
    let there = with_cookie(&gateways[1], &cookie(&session));
    assert_eq!((there.text(), there.header("set-cookie")), (session.text(), None));
}

#[test]
fn over_tls_the_cookie_is_secure() {
    let upstream = Upstream::saying("a");
    let other = Upstream::saying("b");
    let authority = Authority::new();
    let sticky = config(&[&upstream, &other], "balancer = \"sticky\"\n");
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &sticky);
    let mut client = Tls::new(&authority, &[]).connect(gateway.address(), "gateway.test");
    let answer = client.get("/");
    assert!(answer.header("set-cookie").expect("a cookie").ends_with("; SameSite=Lax; Secure"));
}

/// Each worker alone would know of half of them.
#[test]
fn unfinished_requests_of_all_workers_count() {
    let gate = Gate::closed();
    let held = gate.clone();
    let slow = Upstream::start(move |request| match request.target.as_str() {
        "/slow" => Reply::ok("slow").after(&held),
        _ => Reply::ok("slow"),
    });
    let quick = Upstream::saying("quick");
    let more = "balancer = \"least-requests\"\n";
    let gateway = gateway(&format!("[gateway]\nworkers = 2\n{}", config(&[&slow, &quick], more)));
    // Until one that is held is at the slow one.
    let mut holding = Vec::new();
    while slow.received().iter().filter(|request| request.target == "/slow").count() < 1 {
        let mut client = gateway.client();
        client.start(Request::get("/slow"));
        tests::wait_for("the request at an upstream", || {
            (slow.received().len() + quick.received().len() > holding.len()).then_some(())
        });
        holding.push(client);
    }
    // Connections find either worker.
    for _ in 0..30 {
        assert_eq!(gateway.get("/").text(), "quick");
    }
    gate.open();
}
