//! What each path answers. No I/O but reading /proc for a scrape, one descriptor at a time.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::host_check::{self, Refusal};
use crate::problem::problem;
use crate::telemetry::metrics::Registry;

/// What the admin API shows.
pub struct AdminState {
    registry: Arc<Registry>,
    readiness: Readiness,
    names: Vec<String>,
    scrape: Mutex<Option<Scrape>>,
}

impl AdminState {
    /// `names` are the host names, besides loopback's, by which the admin listener may be called.
    pub fn new(registry: Arc<Registry>, readiness: Readiness, names: Vec<String>) -> Self {
        Self { registry, readiness, names, scrape: Mutex::new(None) }
    }

    fn metrics(&self) -> Bytes {
        let mut scrape = self.scrape.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scrape) = scrape.as_ref().filter(|scrape| scrape.is_fresh()) {
            return scrape.text.clone();
        }
        let begun = Instant::now();
        let text = Bytes::from(self.registry.render());
        *scrape = Some(Scrape { text: text.clone(), rendered: Instant::now(), cost: begun.elapsed() });
        text
    }
}

/// Whether the gateway wants traffic. Clones share the answer.
#[derive(Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// On when the listeners accept, off at SIGTERM.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    pub fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The text of the last scrape. A large one is good for nine times what it took to write: however often it is asked
/// for, rendering takes at most a tenth of the control thread. A small one is always written anew.
struct Scrape {
    text: Bytes,
    rendered: Instant,
    cost: Duration,
}

/// Bytes that take some milliseconds to render: a thousand routes or more.
const LARGE: usize = 1024 * 1024;

impl Scrape {
    fn is_fresh(&self) -> bool {
        // By its size and not by its cost: on a busy machine a small one may take long as well.
        self.text.len() > LARGE && self.rendered.elapsed() < self.cost * 9
    }
}

/// `bound` is the address of this end of the connection.
pub(super) fn answer<B>(state: &AdminState, bound: IpAddr, request: &Request<B>) -> Response<Bytes> {
    match host_check::check(request.uri(), request.headers(), bound, &state.names) {
        Ok(()) => {}
        Err(Refusal::Malformed) => {
            return problem(StatusCode::BAD_REQUEST, "bad-host", "The request needs one valid Host header", None, None);
        }
        Err(Refusal::Misdirected) => {
            let detail = "Use a loopback name or the address that the admin listener is bound to.";
            return problem(StatusCode::MISDIRECTED_REQUEST, "wrong-host", "Not this host", Some(detail), None);
        }
    }
    let respond = match request.uri().path() {
        "/healthz" => |_: &AdminState| plain(Bytes::from_static(b"ok\n")),
        "/readyz" => ready,
        "/metrics" => |state: &AdminState| typed(state.metrics(), "text/plain; version=0.0.4; charset=utf-8"),
        _ => {
            let detail = "There are /healthz, /readyz and /metrics.";
            return problem(StatusCode::NOT_FOUND, "no-such-page", "No such page", Some(detail), None);
        }
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let title = "Only GET and HEAD are answered here";
        let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", title, None, None);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    respond(state) // hyper keeps the body of an answer to HEAD to itself
}

fn ready(state: &AdminState) -> Response<Bytes> {
    if state.readiness.is_ready() {
        return plain(Bytes::from_static(b"ready\n"));
    }
    let detail = "The gateway is starting or draining.";
    problem(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready for traffic", Some(detail), None)
}

fn plain(body: Bytes) -> Response<Bytes> {
    typed(body, "text/plain; charset=utf-8")
}

fn typed(body: Bytes, content_type: &'static str) -> Response<Bytes> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
