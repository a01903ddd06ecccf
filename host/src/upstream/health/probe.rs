//! Asks one endpoint how it is, again and again.

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use http::{Method, Response};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::{Probing, Question, now};
use crate::http1::client::{Fields, Request};
use crate::upstream::answer_body::UpstreamBody;
use crate::upstream::attempt::{self, Timeouts};
use crate::upstream::connection;
use crate::upstream::definition::{Address, Endpoint, Upstream};
use crate::upstream::endpoint::EndpointState;
use crate::upstream::request_body::RequestBody;

/// The longest time between two probes of an endpoint that is out: so it is back soon after it can be.
const SOON: Duration = Duration::from_millis(400);
/// And between good ones that are to put it back.
const SOONER: Duration = Duration::from_millis(100);

/// One probe at a time, until it is dropped.
pub(super) async fn repeat(upstream: Rc<Upstream>, endpoint: Endpoint, probing: Probing, room: Rc<Semaphore>) {
    let vitals = &endpoint.vitals;
    let mut against = 0;
    // Not all at once, when a gateway starts.
    sleep(probing.interval.min(SOON).mul_f64(random())).await;
    loop {
        let answer = {
            let _place = room.acquire().await;
            ask(&endpoint.address, &probing).await
        };
        let is_healthy = vitals.is_healthy();
        against = if answer.is_ok() == is_healthy { 0 } else { against + 1 };
        if against >= if is_healthy { probing.unhealthy } else { probing.healthy } {
            against = 0;
            vitals.set_healthy(!is_healthy, now());
            upstream.recount();
            let (upstream, endpoint) = (&*vitals.upstream, &*vitals.endpoint);
            match answer {
                Ok(()) => tracing::info!(upstream, endpoint, "endpoint {endpoint} is healthy"),
                Err(why) => tracing::warn!(upstream, endpoint, "endpoint {endpoint} is unhealthy: {why}"),
            }
        }
        let pause = match (vitals.is_healthy(), against) {
            (true, _) => probing.interval,
            (false, 0) => probing.interval.min(SOON),
            (false, _) => probing.interval.min(SOONER),
        };
        // A tenth more or less, so that gateways that started together do not go on so.
        sleep(pause.mul_f64(0.9 + 0.2 * random())).await;
    }
}

/// Asks once; or says what is wrong.
async fn ask(address: &Address, probing: &Probing) -> Result<(), String> {
    let asking = async {
        match &probing.question {
            Question::Tcp => open(address, probing.timeout).await,
            Question::Http { path, headers, statuses } => {
                let fields = Fields { came: headers, edits: &[] };
                let request =
                    Request { method: &Method::GET, target: path, fields, takes_trailers: false, upgrade: None };
                let status = http(address, request, probing.timeout).await?.status();
                let is_good = match statuses.is_empty() {
                    true => (200..400).contains(&status.as_u16()),
                    false => statuses.contains(&status),
                };
                if is_good { Ok(()) } else { Err(format!("its status is {}", status.as_u16())) }
            }
        }
    };
    let late = |_| Err(format!("no answer within {:?}", probing.timeout));
    timeout(probing.timeout, asking).await.unwrap_or_else(late)
}

async fn open(address: &Address, most: Duration) -> Result<(), String> {
    connection::connect(address, most).await.map(drop).map_err(|error| with_source(&error))
}

/// As a request would be sent, but on a connection of its own, which is closed: what idles says little of what is new.
async fn http(address: &Address, request: Request<'_>, most: Duration) -> Result<Response<UpstreamBody>, String> {
    let endpoint = EndpointState::new(address);
    let timeouts = Timeouts { connect: most, response: most };
    let body = RequestBody::empty();
    let sent = attempt::run(&endpoint, timeouts, request, None, &mut Some(body)).await;
    sent.map_err(|error| with_source(&error))
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// From 0 to 1. A hasher's keys are random, which is enough for a jitter.
fn random() -> f64 {
    f64::from(RandomState::new().hash_one(0) as u32) / f64::from(u32::MAX)
}
