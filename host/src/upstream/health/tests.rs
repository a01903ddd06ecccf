//! Probes over real sockets, and ejections by times that come in.

use std::cell::Cell;

use tokio::task::yield_now;

use super::*;
use crate::upstream::WorkerUpstreams;
use crate::upstream::definition::{Ejection, Protocol};
use crate::upstream::tests::harness::{Scripted, upstream, upstream_at, worker};

const SECOND: Duration = Duration::from_secs(1);

fn ejecting(endpoints: usize, most: u32) -> Upstream {
    let addresses: Vec<_> = (1..=endpoints).map(|port| ([127, 0, 0, 1], port as u16).into()).collect();
    let ejection = Ejection { failures: Some(2), time: SECOND, longest: 4 * SECOND, most, ..Ejection::never() };
    Upstream { ejection, ..upstream_at(&addresses) }
}

fn step(upstream: &Upstream, now: u64) -> Option<u64> {
    let endpoints: Vec<_> = once_each(&upstream.endpoints).map(|endpoint| Arc::clone(&endpoint.vitals)).collect();
    ejection::step(upstream, &endpoints, now)
}

fn ejected(upstream: &Upstream) -> Vec<bool> {
    upstream.endpoints.iter().map(|endpoint| endpoint.vitals.is_ejected()).collect()
}

/// As if so many tries of each endpoint failed, in a row.
fn fail(upstream: &Upstream, failures: &[u32], now: u64) {
    for (endpoint, failures) in upstream.endpoints.iter().zip(failures) {
        endpoint.vitals.readmit(*failures, now);
    }
}

#[test]
fn no_more_than_a_part_is_ejected_and_the_next_when_one_is_back() {
    let upstream = ejecting(3, 500);
    fail(&upstream, &[2, 1, 7], 1);
    assert_eq!(step(&upstream, 1), Some(1_001));
    assert_eq!(ejected(&upstream), [true, false, false]);
    assert_eq!(upstream.standing.out(), 1);
    // On probation it has failed once; the other has waited for its turn.
    assert_eq!(step(&upstream, 1_001), Some(2_001));
    assert_eq!(ejected(&upstream), [false, false, true]);
    assert_eq!(upstream.endpoints[0].vitals.failures(), 1);
}

#[test]
fn a_single_endpoint_is_never_ejected_unless_all_may_be() {
    for (most, expected) in [(500, false), (999, false), (1000, true)] {
        let upstream = ejecting(1, most);
        fail(&upstream, &[9], 1);
        step(&upstream, 1);
        assert_eq!(ejected(&upstream), [expected]);
    }
}

#[test]
fn an_address_that_is_there_twice_is_ejected_as_one() {
    let mut upstream = ejecting(3, 400);
    upstream.endpoints[1] = upstream.endpoints[0].clone();
    fail(&upstream, &[2, 2, 0], 1);
    // One of two is more than the part.
    step(&upstream, 1);
    assert_eq!(ejected(&upstream), [false; 3]);
    upstream.ejection.most = 500;
    step(&upstream, 1);
    assert_eq!((ejected(&upstream), upstream.standing.out()), (vec![true, true, false], 2));
}

#[test]
fn failures_in_a_row_eject_and_a_success_between_them_does_not() {
    worker(async {
        let answers = Rc::new(Cell::new(0));
        let count = Rc::clone(&answers);
        // Every third request is answered, and then none is.
        let bad = Scripted::start(move |mut peer, _| {
            let count = Rc::clone(&count);
            async move {
                while peer.head().await.is_some() {
                    count.set(count.get() + 1);
                    if count.get() % 3 != 0 || count.get() > 9 {
                        return;
                    }
                    peer.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                }
            }
        })
        .await;
        let good = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let ejection = Ejection { failures: Some(3), ..ejecting(1, 500).ejection };
        let upstream = Upstream { ejection, ..upstream(&[&bad, &good]) };
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        let upstreams = WorkerUpstreams::new(std::slice::from_ref(&upstream));
        let vitals = &upstream.endpoints[0].vitals;
        while !vitals.is_ejected() {
            let _ = upstreams.get("/").await;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(answers.get() >= 12, "{}", answers.get());
        let before = answers.get();
        for _ in 0..10 {
            upstreams.get("/").await.expect("the other answers");
        }
        assert_eq!(answers.get(), before);
        let (tries, failures) = vitals.tries_and_failures();
        assert_eq!((tries, failures), (before as u64, before as u64 - 3));
    });
}

fn probed(endpoints: &[&Scripted], question: Question) -> Upstream {
    let probing = Probing { question, interval: Duration::from_millis(5), timeout: SECOND, healthy: 2, unhealthy: 2 };
    Upstream { health: Some(probing), ..upstream(endpoints) }
}

fn question(statuses: &[u16]) -> Question {
    let statuses = statuses.iter().map(|status| StatusCode::from_u16(*status).expect("a status")).collect();
    Question::http(PathAndQuery::from_static("/healthz?deep=1"), None, statuses)
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Answers with whatever status is set, and keeps the heads of requests.
async fn with_status(status: &Rc<Cell<u16>>, heads: &Rc<std::cell::RefCell<Vec<String>>>) -> Scripted {
    let (status, heads) = (Rc::clone(status), Rc::clone(heads));
    Scripted::start(move |mut peer, _| {
        let (status, heads) = (Rc::clone(&status), Rc::clone(&heads));
        async move {
            while let Some(head) = peer.head().await {
                heads.borrow_mut().push(head);
                peer.write(&format!("HTTP/1.1 {} OK\r\ncontent-length: 0\r\n\r\n", status.get())).await;
            }
        }
    })
    .await
}

#[test]
fn probes_take_an_endpoint_out_and_put_it_back() {
    worker(async {
        let (status, heads) = (Rc::new(Cell::new(302)), Rc::default());
        let endpoint = with_status(&status, &heads).await;
        let upstream = probed(&[&endpoint], question(&[]));
        let upstreams = WorkerUpstreams::new(std::slice::from_ref(&upstream));
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        let vitals = &upstream.endpoints[0].vitals;
        until(|| heads.borrow().len() >= 3).await;
        assert!(vitals.is_healthy());
        status.set(503);
        until(|| !vitals.is_healthy()).await;
        assert_eq!(upstreams.reason().await, "upstream-no-endpoint");
        status.set(200);
        until(|| vitals.is_healthy()).await;
        upstreams.get("/").await.expect("it is back");
        // What probes see is not what requests saw.
        assert_eq!(vitals.tries_and_failures(), (1, 0));
        let head = heads.borrow()[0].to_ascii_lowercase();
        assert!(head.starts_with("get /healthz?deep=1 http/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("\r\nhost: {}\r\n", endpoint.address)), "{head}");
        assert!(head.contains("\r\nuser-agent: tollgate-health\r\n"), "{head}");
    });
}

#[test]
fn statuses_say_what_is_good() {
    worker(async {
        let (status, heads) = (Rc::new(Cell::new(200)), Rc::default());
        let endpoint = with_status(&status, &heads).await;
        let upstream = probed(&[&endpoint], question(&[204]));
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        until(|| !upstream.endpoints[0].vitals.is_healthy()).await;
        status.set(204);
        until(|| upstream.endpoints[0].vitals.is_healthy()).await;
    });
}

#[test]
fn a_probe_that_hangs_is_over_in_its_time_and_keeps_no_other_from_running() {
    worker(async {
        let mute = Scripted::start(|mut peer, _| async move { drop(peer.rest().await) }).await;
        let good = Scripted::always("HTTP/1.1 204 No Content\r\n\r\n").await;
        let mut upstream = probed(&[&mute, &good], question(&[]));
        upstream.health.as_mut().expect("probes").timeout = Duration::from_millis(50);
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        until(|| !upstream.endpoints[0].vitals.is_healthy() && good.connections() > 3).await;
        assert!(upstream.endpoints[1].vitals.is_healthy());
    });
}

#[test]
fn a_tcp_probe_is_content_with_a_connection() {
    worker(async {
        let mute = Scripted::start(|mut peer, _| async move { drop(peer.rest().await) }).await;
        let mut upstream = probed(&[&mute], Question::Tcp);
        let refused = upstream_at(&[([127, 0, 0, 1], 1).into()]).endpoints.remove(0);
        upstream.endpoints.push(refused);
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        until(|| !upstream.endpoints[1].vitals.is_healthy()).await;
        assert!(upstream.endpoints[0].vitals.is_healthy());
    });
}

#[test]
fn an_endpoint_over_http_2_is_asked_in_http_2() {
    worker(async {
        // It speaks HTTP/1 only.
        let endpoint = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let mut upstream = probed(&[&endpoint], question(&[]));
        upstream.endpoints[0].address = Address::tcp(Protocol::Http2, endpoint.address);
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&upstream));
        until(|| !upstream.endpoints[0].vitals.is_healthy()).await;
    });
}

#[test]
fn the_next_config_inherits_health_and_goes_on_with_what_did_not_change() {
    worker(async {
        let (status, heads) = (Rc::new(Cell::new(500)), Rc::default());
        let endpoint = with_status(&status, &heads).await;
        let first = probed(&[&endpoint], question(&[]));
        let mut health = Health::new();
        health.follow(std::slice::from_ref(&first));
        until(|| !first.endpoints[0].vitals.is_healthy()).await;
        let mut next = probed(&[&endpoint], question(&[]));
        next.inherit(std::slice::from_ref(&first), Instant::now());
        assert!(is_same(&first, &next));
        assert!(!next.endpoints[0].vitals.is_healthy());
        // A config that does not ask takes everybody to be healthy, or nobody would come back.
        let mut last = upstream(&[&endpoint]);
        last.inherit(std::slice::from_ref(&next), Instant::now());
        health.follow(std::slice::from_ref(&last));
        assert!(last.endpoints[0].vitals.is_healthy());
        assert_eq!(last.standing.out(), 0);
        let asked = heads.borrow().len();
        for _ in 0..50 {
            yield_now().await;
        }
        assert!(heads.borrow().len() <= asked + 1);
    });
}
