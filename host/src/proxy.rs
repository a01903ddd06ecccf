//! The life of one request, from its head to the last byte of its response.
//!
//! [`Proxy::handle`] shows the order; the files below it are its steps. It never fails: whatever
//! goes wrong becomes a [`ProxyError`], which says whose fault it is and so which status it makes.

#![cfg(feature = "gateway")]

mod admit;
mod bodies;
mod body;
mod came;
mod chunks;
mod compress;
mod decode;
mod error;
mod flight;
mod forward;
pub mod forwarded;
mod grpc;
mod gzip;
mod keep;
mod log;
mod mirror;
mod outbound;
mod own_answer;
mod request_id;
mod room;
mod tunnel;
mod view;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::{Request, Response};

pub use admit::seen;
pub use body::Body;
use came::Came;
use error::BodyProblem;
pub use error::{ClientError, ProxyError};
pub use forwarded::Connection;
pub use log::NotHttp2;
pub use room::Room;

use crate::chain::Halt;
use crate::config::Destination;
use crate::live::Live;
use crate::sandbox;
use crate::telemetry::access_log::AccessWriter;
use crate::telemetry::metrics::{RouteMetrics, WorkerMetrics};
pub use crate::upstream::{ClientBody, GivenUp, Invitation, Verdict};
use crate::upstream::{RequestBody, RequestBodyError};
use flight::Flight;
use request_id::RequestIds;
use view::Views;

/// What one worker handles requests with.
pub struct Proxy {
    worker: usize,
    views: Views,
    ids: RequestIds,
    access_log: AccessWriter,
    endings: log::Endings,
    metrics: Arc<WorkerMetrics>,
    /// Requests that no route took.
    unmatched: Arc<RouteMetrics>,
    compressors: Rc<gzip::Compressors>,
    room: Arc<Room>,
    /// Exchanges that were cut, once the worker has no more time for those in flight.
    cut: Cell<Option<usize>>,
}

/// What a worker's proxy is made of.
pub struct ProxyParts {
    pub worker: usize,
    pub live: Arc<ArcSwap<Live>>,
    pub access_log: AccessWriter,
    pub metrics: Arc<WorkerMetrics>,
    pub unmatched: Arc<RouteMetrics>,
    /// Of bodies that are kept.
    pub room: Arc<Room>,
}

impl Proxy {
    /// Call it on the worker's thread: what it keeps stays there.
    pub fn new(parts: ProxyParts) -> Rc<Self> {
        Rc::new(Self {
            worker: parts.worker,
            views: Views::new(parts.live),
            ids: RequestIds::new(),
            access_log: parts.access_log,
            endings: log::Endings::new(),
            metrics: parts.metrics,
            unmatched: parts.unmatched,
            compressors: Rc::default(),
            room: parts.room,
            cut: Cell::new(None),
        })
    }

    /// Answers one request.
    pub async fn handle(self: &Rc<Self>, request: Request<ClientBody>, connection: &Connection) -> Response<Body> {
        let started = Instant::now();
        let view = self.views.current();
        let (head, body) = request.into_parts();

        let exchange = match admit::admit(&view, &self.ids, head, connection, started) {
            Ok(exchange) => exchange,
            Err(refused) => return self.refuse(*refused),
        };
        let route = view.route(exchange.route);
        let body = RequestBody::incoming(body, flight::meter(route));
        let came = self.access_log.is_on().then(|| Came::new(&exchange.request.headers, connection));
        let mut flight = Flight::new(Rc::clone(self), view.clone(), exchange, &body, came);

        let mut answer = if body.meter().over_limit() {
            flight.fail(ClientError::BodyTooLarge.into())
        } else {
            match flight.run.on_request(&route.chain).await {
                None => match flight.meet_request(route, body).await {
                    Ok(body) => match &route.destination {
                        Destination::Upstream(_) => {
                            match forward::send(self, &view, &mut flight.run, body, connection).await {
                                Ok(response) => flight.answer(response),
                                Err(error) => flight.fail(error),
                            }
                        }
                        Destination::Redirect(redirect) => flight.redirect(redirect),
                        Destination::Respond(respond) => flight.respond_with(respond),
                    },
                    Err(response) => response,
                },
                Some(halt) => flight.halt(halt),
            }
        };
        while let Some(halt) = flight.run.on_response(&route.chain).await {
            answer = flight.halt(halt);
        }
        let answer = flight.meet_response(route, answer).await;
        flight.deliver(answer, connection)
    }

    /// Runs beside the requests of the worker, for as long as it lives: calls log hooks, closes upstream connections
    /// that idle, and gives turns to plugins that waited.
    pub async fn attend(self: Rc<Self>) {
        tokio::join!(self.endings.drain(), self.views.sweep(), sandbox::attend());
    }

    /// What the worker counts.
    pub fn metrics(&self) -> &WorkerMetrics {
        &self.metrics
    }

    /// A client connected.
    pub fn opened(&self) {
        self.metrics.connections_accepted.increment();
        self.metrics.connections.increment();
    }

    /// A client's connection closed.
    pub fn closed(&self) {
        self.metrics.connections.decrement();
    }

    /// An HTTP/2 client was told to be calm.
    pub fn flooded(&self) {
        self.metrics.http2_floods.increment();
    }

    /// So many HTTP/2 requests were given up, because their client did not take the response, or send the body.
    pub fn stalled(&self, requests: usize) {
        (0..requests).for_each(|_| self.metrics.http2_stalled.increment());
    }

    /// Exchanges that end from now on are cut: the gateway stops, and does not wait for them.
    pub fn cut(&self) {
        self.cut.set(Some(0));
    }

    /// Runs the log hooks that are left, for so long; those that are left then are counted as dropped. Answers how
    /// many exchanges were cut.
    pub fn conclude(&self, most: Duration) -> usize {
        let left = self.endings.run_for(most);
        if left > 0 {
            tracing::warn!("the log hooks of {left} exchanges did not run before the end");
            (0..left).for_each(|_| self.metrics.on_log_dropped.increment());
        }
        self.cut.get().unwrap_or_default()
    }

    /// Whether log hooks of ended exchanges have yet to run.
    pub fn has_endings(&self) -> bool {
        !self.endings.is_empty()
    }
}

impl Flight {
    /// A plugin ends the request's way, or makes the response anew.
    fn halt(&mut self, halt: Halt) -> crate::upstream::UpstreamBody {
        match halt {
            Halt::Reply(place, reply) => self.reply(place, reply),
            Halt::Fault(place, fault) => {
                let plugin = self.plugin_name(place);
                self.fail(ProxyError::Plugin { plugin, fault })
            }
            Halt::TooLarge(_) if self.run.exchange().response.is_none() => self.fail(ClientError::BodyTooLarge.into()),
            Halt::TooLarge(most) => self.fail(BodyProblem::ResponseTooLarge(most).into()),
            // Of pieces only, which are told of where they are read.
            Halt::Stop => self.fail(BodyProblem::Request(RequestBodyError::Stopped).into()),
        }
    }
}
