//! Takes endpoints out of service for what became of requests to them, for a while.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::{now, once_each};
use crate::upstream::definition::Upstream;
use crate::upstream::vitals::Vitals;

/// Between two decisions: an upstream that fails altogether is suspected with every few requests.
const BREATH: Duration = Duration::from_millis(5);

/// Decides whenever an endpoint is suspected, and when an ejection is over.
pub(super) async fn decide(upstream: Rc<Upstream>) {
    let endpoints: Vec<_> = once_each(&upstream.endpoints).map(|endpoint| Arc::clone(&endpoint.vitals)).collect();
    loop {
        let next = step(&upstream, &endpoints, now());
        sleep(BREATH).await;
        match next {
            Some(next) => {
                let wait = sleep(Duration::from_millis(next.saturating_sub(now())));
                tokio::select! {
                    () = upstream.standing.suspicion.notified() => {}
                    () = wait => {}
                }
            }
            None => upstream.standing.suspicion.notified().await,
        }
    }
}

/// Puts back whose time is over, and takes out who failed too often, if there may be one more. Answers when the next
/// ejection ends.
pub(super) fn step(upstream: &Upstream, endpoints: &[Arc<Vitals>], now: u64) -> Option<u64> {
    let ejection = &upstream.ejection;
    let failures = ejection.failures?;
    for vitals in endpoints.iter().filter(|vitals| vitals.is_ejected() && vitals.ejected_until() <= now) {
        vitals.readmit(failures - 1, now);
        let (upstream, endpoint) = (&*vitals.upstream, &*vitals.endpoint);
        tracing::info!(upstream, endpoint, "endpoint {endpoint} is in service again, on probation");
    }
    let most = endpoints.len() * ejection.most as usize / 1000;
    let ejected = endpoints.iter().filter(|vitals| vitals.is_ejected()).count();
    let suspects = endpoints.iter().filter(|vitals| !vitals.is_ejected() && vitals.failures() >= failures);
    for vitals in suspects.take(most.saturating_sub(ejected)) {
        let time = vitals.eject(ejection.time, ejection.longest, now);
        say(vitals, time);
    }
    upstream.recount();
    endpoints.iter().filter(|vitals| vitals.is_ejected()).map(|vitals| vitals.ejected_until()).min()
}

fn say(vitals: &Arc<Vitals>, time: Duration) {
    let (upstream, endpoint, failures) = (&*vitals.upstream, &*vitals.endpoint, vitals.failures());
    tracing::warn!(upstream, endpoint, "endpoint {endpoint} is ejected for {time:?}: {failures} tries in a row failed");
}
