//! The end of an exchange: metrics, the access log, and the log hooks of plugins.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::{Response, Version};
use tokio::sync::Notify;

use super::Proxy;
use super::admit::Refused;
use super::body::Body;
use super::came::Came;
use super::error::{ClientError, ProxyError};
use super::flight::allow;
use super::forwarded::{Connection, X_REQUEST_ID};
use super::grpc;
use super::view::View;
use crate::chain::Run;
use crate::exchange::Exchange;
use crate::http1::{HeadError, LastAnswer};
use crate::problem;
use crate::telemetry::access_log::AccessEntry;
use crate::upstream::UpstreamBody;
use crate::wire::authority;

/// Ended exchanges of one worker whose log hooks have yet to run.
///
/// They run after the response, on the worker, one at a time: a slow log hook delays others, not
/// the client that it logs.
pub(super) struct Endings {
    waiting: RefCell<VecDeque<(Run, Rc<View>)>>,
    arrived: Notify,
    running: Cell<bool>,
}

/// Exchanges that wait for their log hooks; more are dropped and counted.
const MOST_WAITING: usize = 1024;

impl Endings {
    pub(super) fn new() -> Self {
        Self { waiting: RefCell::default(), arrived: Notify::new(), running: Cell::new(false) }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.running.get() && self.waiting.borrow().is_empty()
    }

    fn push(&self, run: Run, view: Rc<View>) -> bool {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() >= MOST_WAITING {
            return false;
        }
        waiting.push_back((run, view));
        self.arrived.notify_one();
        true
    }

    /// Runs log hooks for ever; other tasks of the worker get a turn after each exchange.
    pub(super) async fn drain(&self) {
        loop {
            let next = self.waiting.borrow_mut().pop_front();
            let Some((mut run, view)) = next else {
                self.running.set(false);
                self.arrived.notified().await;
                continue;
            };
            self.running.set(true);
            let route = run.exchange().route;
            run.on_log(&view.route(route).chain);
            drop(run);
            tokio::task::yield_now().await;
        }
    }

    /// Runs the log hooks that wait until so much time has passed. Answers how many exchanges are left.
    pub(super) fn run_for(&self, most: Duration) -> usize {
        let until = Instant::now() + most;
        while Instant::now() < until {
            let Some((mut run, view)) = self.waiting.borrow_mut().pop_front() else { return 0 };
            let route = run.exchange().route;
            run.on_log(&view.route(route).chain);
        }
        self.waiting.borrow().len()
    }
}

impl Proxy {
    /// An exchange on a route has ended.
    pub(super) fn ended(&self, view: &Rc<View>, run: &mut Run, came: Option<&Came>) {
        let exchange = run.exchange();
        let route = view.route(exchange.route);
        let status = exchange.response.as_ref().map(|response| response.status.as_u16());
        let outcome = &exchange.outcome;
        route.metrics.record(
            self.worker,
            status.unwrap_or(CLIENT_CLOSED_REQUEST),
            // How long a tunnel was open says nothing of how fast it was opened.
            outcome.switched.unwrap_or(outcome.duration),
            outcome.request_bytes,
            outcome.response_bytes,
        );
        if let Some(problem) = outcome.problem {
            route.metrics.record_problem(self.worker, problem);
        }
        if let Some(came) = came {
            self.log(view, exchange, came, status);
        }
        if run.has_loggers(&route.chain) {
            let run = run.take();
            if !self.endings.push(run, Rc::clone(view)) {
                self.metrics.on_log_dropped.increment();
            }
        }
    }

    /// Answers what is no request.
    pub fn malformed(&self, error: HeadError, connection: &Connection) -> Response<Body> {
        let started = Instant::now();
        let client = connection.peer().address();
        let (id, came) = (self.ids.next(), Came::new(&http::HeaderMap::new(), connection));
        self.refuse(Refused { error: error.into(), id, line: None, host: None, came, is_call: false, client, started })
    }

    /// Answers a request that no route takes.
    pub(super) fn refuse(&self, refused: Refused) -> Response<Body> {
        let methods = match &refused.error {
            ClientError::MethodNotAllowed(methods) => allow(methods),
            _ => http::HeaderMap::new(),
        };
        let ends_connection = refused.error.ends_connection();
        let resets = is_not_http2(&refused.error);
        let error = ProxyError::from(refused.error);
        let told = error.told();
        error.log(&refused.id, told.status);
        let answer = problem::problem(told.status, told.kind, told.title, error.detail().as_deref(), Some(&refused.id));
        let (mut head, body) = answer.into_parts();
        head.headers.extend(methods);
        let mut response = Response::from_parts(head, ());
        if refused.is_call {
            grpc::answer(&mut response, told.title);
        }
        let (mut head, ()) = response.into_parts();
        head.headers.insert(X_REQUEST_ID, refused.id.value().clone());
        if ends_connection {
            head.extensions.insert(LastAnswer);
        }
        // An answer to HEAD has none, whoever makes it: over HTTP/2 each byte of one would be an error.
        let is_head = refused.line.as_ref().is_some_and(|(method, ..)| method == http::Method::HEAD);
        let is_answer = told.status == http::StatusCode::NO_CONTENT;
        let body = if is_head || is_answer || refused.is_call { bytes::Bytes::new() } else { body };
        if is_answer {
            head.headers.clear();
        }
        let is_http2 = refused.line.as_ref().is_some_and(|(.., version)| *version == Version::HTTP_2);
        let bytes = body.len() as u64;
        let duration = refused.started.elapsed();
        self.unmatched.record(self.worker, told.status.as_u16(), duration, 0, bytes);
        if !is_answer {
            self.unmatched.record_problem(self.worker, told.kind);
        }
        if self.access_log.is_on() {
            let user_agent = refused.came.user_agent();
            let entry = AccessEntry {
                id: &refused.id,
                client: refused.client,
                listener: refused.came.listener(),
                host: refused.host.as_deref(),
                user_agent: user_agent.as_deref(),
                method: refused.line.as_ref().map_or("-", |(method, ..)| method.as_str()),
                path: refused.line.as_ref().map_or("-", |(_, target, _)| target.path()),
                protocol: refused.line.as_ref().map_or("HTTP/1.1", |(.., version)| protocol(*version)),
                status: Some(told.status.as_u16()),
                request_bytes: 0,
                response_bytes: bytes,
                duration,
                route: None,
                upstream: None,
                endpoint: None,
                tries: 0,
                failover: None,
                consumer: None,
                completed: true,
                problem: (!is_answer).then_some(told.kind),
            };
            self.access_log.write(&entry, std::iter::empty());
        }
        if is_http2 && resets {
            head.extensions.insert(NotHttp2);
        }
        Response::from_parts(head, Body::detached(UpstreamBody::full(body)))
    }

    fn log(&self, view: &View, exchange: &Exchange, came: &Came, status: Option<u16>) {
        let route = &view.directory.routes[exchange.route];
        let user_agent = came.user_agent();
        let entry = AccessEntry {
            id: &exchange.id,
            client: exchange.client,
            listener: came.listener(),
            host: Some(authority::host(&exchange.request.authority)).filter(|host| !host.is_empty()),
            user_agent: user_agent.as_deref(),
            method: exchange.request.method.as_str(),
            path: exchange.routed.path(),
            protocol: protocol(exchange.request.version),
            status,
            request_bytes: exchange.outcome.request_bytes,
            response_bytes: exchange.outcome.response_bytes,
            duration: exchange.outcome.duration,
            route: Some(&route.name),
            upstream: exchange.upstream.map(|upstream| &*view.directory.upstreams[upstream]),
            endpoint: exchange.outcome.endpoint.as_deref(),
            tries: exchange.outcome.tries,
            failover: exchange.outcome.failover.map(|upstream| &*view.directory.upstreams[upstream]),
            consumer: exchange.caller().map(|consumer| &*consumer.name),
            completed: exchange.outcome.completed,
            problem: exchange.outcome.problem,
        };
        // One figure for each plugin: its request hook and its response hook together.
        let plugins = route.plugins.iter().enumerate().filter_map(|(place, name)| {
            let calls = exchange.timings.iter().filter(|timing| timing.plugin == place);
            let nanos = calls.map(|timing| timing.took.as_nanos()).reduce(|a, b| a + b)?;
            Some((&**name, u64::try_from(nanos).unwrap_or(u64::MAX)))
        });
        self.access_log.write(&entry, plugins);
    }
}

/// With a response to a request that HTTP/2 wants to have reset and not answered (RFC 9113, section 8.1.1).
#[derive(Debug, Clone, Copy)]
pub struct NotHttp2;

fn is_not_http2(error: &ClientError) -> bool {
    use ClientError::{ConnectToNobody, HostMismatch, Lengths, Whitespace};
    matches!(error, HostMismatch | Whitespace | ConnectToNobody | Lengths)
}

/// What nginx counts a request as whose client went away before there was a response.
const CLIENT_CLOSED_REQUEST: u16 = 499;

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_11 => "HTTP/1.1",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP",
    }
}
