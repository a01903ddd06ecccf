//! How requests spread over endpoints.

use super::harness::*;
use crate::upstream::*;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

#[test]
fn weights_are_shares() {
    worker(async {
        let (light, heavy) = (Scripted::always(HELLO).await, Scripted::always(HELLO).await);
        let mut settings = upstream(&[&light, &heavy]);
        settings.endpoints[1].weight = 3;
        let upstreams = WorkerUpstreams::new(&[settings]);
        let mut to_heavy = 0;
        for _ in 0..40 {
            let answer = upstreams.get("/").await.expect("an answer");
            to_heavy += usize::from(*answer.endpoint == *heavy.address.to_string());
            text(answer.response).await.expect("whole");
        }
        assert_eq!(to_heavy, 30);
    });
}

#[test]
fn a_request_goes_where_the_fewest_are_unfinished() {
    worker(async {
        let (one, other) = (Scripted::always(HELLO).await, Scripted::always(HELLO).await);
        let mut settings = upstream(&[&one, &other]);
        settings.balancer = Balancer::LeastRequests;
        let upstreams = WorkerUpstreams::new(&[settings]);
        let slow = upstreams.get("/").await.expect("an answer");
        for _ in 0..5 {
            let answer = upstreams.get("/").await.expect("an answer");
            assert_ne!(answer.endpoint, slow.endpoint);
            text(answer.response).await.expect("whole");
        }
        drop(slow);
        assert_eq!(upstreams.in_flight(), [0, 0]);
    });
}

#[test]
fn an_upstream_without_endpoints_says_so() {
    worker(async {
        let upstreams = WorkerUpstreams::new(&[upstream(&[])]);
        assert_eq!(upstreams.reason().await, "upstream-no-endpoint");
    });
}
