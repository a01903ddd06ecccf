//! An exchange in flight: holds it until its end, and sees to it that every end is logged.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Version};
use http_body::Body as _;

use super::Proxy;
use super::body::Body;
use super::came::Came;
use super::chunks::{Chunks, Upload};
use super::compress;
use super::error::ProxyError;
use super::forwarded::{Connection, X_REQUEST_ID};
use super::grpc;
use super::gzip::{Content, Gzip};
use super::outbound;
use super::room::Room;
use super::view::View;
use crate::chain::{Cut, Run};
use crate::exchange::{Exchange, Origin, Reply, ResponseHead};
use crate::live::Route;
use crate::problem;
use crate::upstream::{AnswerBodyError, BodyMeter, RequestBody, UpstreamBody};
use crate::wire::trailers::TooMany;
use crate::wire::{encoding, headers};

/// An exchange in flight. However it ends (the response is sent, the client goes away in the middle
/// of anything) dropping it logs the exchange and runs its log hooks, once.
pub(super) struct Flight {
    pub(super) run: Run,
    view: Rc<View>,
    pub(super) proxy: Rc<Proxy>,
    request_body: Rc<BodyMeter>,
    /// For the access log, if there is one.
    came: Option<Came>,
    /// The client asked with HEAD, whatever a plugin made of the method.
    is_head: bool,
    /// The client takes gzip, on a route that compresses; whatever a plugin made of what it said.
    wants_gzip: bool,
    /// What went wrong, if the gateway itself answers.
    title: Option<&'static str>,
}

/// Counts the request's body up to the route's limit.
pub(super) fn meter(route: &Route) -> Rc<BodyMeter> {
    BodyMeter::new(route.max_body)
}

impl Flight {
    pub(super) fn new(
        proxy: Rc<Proxy>,
        view: Rc<View>,
        exchange: Box<Exchange>,
        body: &RequestBody,
        came: Option<Came>,
    ) -> Self {
        proxy.metrics.requests.increment();
        let outbound = outbound::of(&proxy, &view, exchange.route);
        let run = Run::new(exchange, proxy.worker).sending(outbound);
        let is_head = run.exchange().request.method == http::Method::HEAD;
        let route = view.route(run.exchange().route);
        let wants_gzip = route.compress.is_some() && encoding::wants_gzip(&run.exchange().request.headers);
        let request_body = Rc::clone(body.meter());
        Self { run, view, proxy, request_body, came, is_head, wants_gzip, title: None }
    }

    /// The upstream answered.
    pub(super) fn answer(&mut self, response: Response<UpstreamBody>) -> UpstreamBody {
        let (head, body) = response.into_parts();
        let mut fields = head.headers;
        let agreed = body.is_switched().then(|| fields.remove(header::UPGRADE)).flatten();
        headers::strip_hop_by_hop(&mut fields, |_| false);
        fields.extend(agreed.map(|agreed| (header::UPGRADE, agreed)));
        self.respond(ResponseHead { status: head.status, headers: fields, origin: Origin::Upstream }, body)
    }

    /// A plugin answers in place of the upstream, or anew.
    pub(super) fn reply(&mut self, place: usize, mut reply: Reply) -> UpstreamBody {
        let origin = Origin::Plugin(self.plugin_name(place));
        if problem::is_problem(&reply.headers) {
            reply.body = problem::with_request_id(reply.body, &self.run.exchange().id);
        }
        let head = ResponseHead { status: reply.status, headers: reply.headers, origin };
        self.respond(head, UpstreamBody::full(reply.body))
    }

    /// The gateway answers, because the exchange failed.
    pub(super) fn fail(&mut self, error: ProxyError) -> UpstreamBody {
        let told = error.told();
        let exchange = self.run.exchange_mut();
        error.log(&exchange.id, told.status);
        exchange.outcome.problem = Some(told.kind);
        let detail = error.detail();
        let response = problem::problem(told.status, told.kind, told.title, detail.as_deref(), Some(&exchange.id));
        let (head, body) = response.into_parts();
        let origin = Origin::Gateway(told.kind);
        let head = ResponseHead { status: head.status, headers: head.headers, origin };
        let body = self.respond(head, UpstreamBody::full(body));
        self.title = Some(told.title);
        body
    }

    pub(super) fn plugin_name(&self, place: usize) -> Arc<str> {
        let exchange = self.run.exchange();
        Arc::clone(self.view.route(exchange.route).chain.links()[place].plugin.name())
    }

    /// Whether the client gets no body of a response, whatever its status is.
    pub(super) fn is_head(&self) -> bool {
        self.is_head
    }

    /// The room of bodies that are kept, and how many bytes it has.
    pub(super) fn room(&self) -> (&Arc<Room>, usize) {
        (&self.proxy.room, self.view.live.max_bodies)
    }

    /// Hands the response over to the connection; the flight goes on until its last byte.
    pub(super) fn deliver(mut self, body: UpstreamBody, connection: &Connection) -> Response<Body> {
        let route = &self.view.live.routes[self.run.exchange().route];
        // Log hooks may still ask for the response's headers.
        let logs = self.run.has_loggers(&route.chain);
        let exchange = self.run.exchange_mut();
        let head = exchange.response.as_mut().expect("the proxy delivers after it responded");
        let mut response = Response::new(());
        *response.status_mut() = head.status;
        *response.headers_mut() = if logs { head.headers.clone() } else { std::mem::take(&mut head.headers) };
        response.headers_mut().insert(X_REQUEST_ID, exchange.id.value().clone());
        if matches!(head.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT) {
            // Of the response that a plugin gave this status to.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let switches = body.is_switched() && head.status == StatusCode::SWITCHING_PROTOCOLS;
        if body.is_switched() && !switches {
            // A plugin has made another response of it.
            response.headers_mut().remove(header::UPGRADE);
        }
        let mut without_body = !switches && (has_no_body(head.status) || self.is_head);
        if self.is_head && route.chain.changes_responses() {
            // A plugin may make another body of it: how long that is nobody knows.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        if let Some(title) = self.title
            && grpc::is_call(exchange.request.version, &exchange.request.headers)
        {
            grpc::answer(&mut response, title);
            without_body = true;
        }
        if !logs {
            // Nobody asks for these any more, and the response may take long.
            exchange.request.headers = HeaderMap::new();
        }
        let is_http2 = exchange.request.version == Version::HTTP_2;
        let chunks = (route.chain.response_chunks() && !without_body && !switches && !body.is_end_stream())
            .then(|| Box::new(Chunks::default()));
        if chunks.is_some() {
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        let compressed = route.compress.as_ref().filter(|_| !switches).is_some_and(|settings| {
            let length = if self.is_head { told_length(response.headers()) } else { body.size_hint().exact() };
            let wanted = self.wants_gzip && self.proxy.compressors.have_room(connection.compressed());
            compress::prepare(settings, wanted, &mut response, length)
        });
        let body = if without_body { UpstreamBody::empty() } else { body };
        if !without_body && is_http2 {
            drop_stale_length(response.headers_mut(), &body);
        }
        let body = match compressed && !without_body {
            true => Content::Gzip(Box::new(Gzip::of(body, &self.proxy.compressors, connection.compressed()))),
            false => Content::Plain(body),
        };
        response.map(|()| Body::new(body, chunks, self))
    }

    /// Has the plugins see a piece of the response's body. Answers what goes on in its place.
    pub(super) fn pass(&mut self, piece: Bytes, is_last: bool) -> Result<Bytes, AnswerBodyError> {
        let chain = &self.view.live.routes[self.run.exchange().route].chain;
        let passed = self.run.on_response_chunk(chain, piece, is_last);
        passed.map_err(|cut| match cut {
            Cut::Stopped => {
                self.cut("plugin-stop");
                AnswerBodyError::Stopped
            }
            Cut::Failed => {
                self.cut("plugin-fault");
                AnswerBodyError::Failed
            }
        })
    }

    /// The pieces of the request's body go through plugins from now on, if there are some.
    pub(super) fn upload(&mut self, body: RequestBody) -> RequestBody {
        let route = self.run.exchange().route;
        if !self.view.route(route).chain.request_chunks() || body.is_end_stream() {
            return body;
        }
        let run = self.run.twin();
        body.through(Box::new(Upload { run, view: Rc::clone(&self.view), route }))
    }

    /// The response's body went on by so many bytes.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.run.exchange_mut().outcome.response_bytes += bytes as u64;
    }

    /// So many bytes came from the client after the switch to another protocol.
    pub(super) fn received(&self, bytes: usize) {
        self.request_body.carried(bytes);
    }

    /// The upstream has switched to another protocol, and the client is told.
    pub(super) fn switched(&mut self) {
        let exchange = self.run.exchange_mut();
        exchange.outcome.switched = Some(exchange.started.elapsed());
    }

    /// The exchange does not come to its end, for this reason.
    pub(super) fn cut(&mut self, problem: &'static str) {
        self.run.exchange_mut().outcome.problem = Some(problem);
    }

    /// The response's body was sent to its end.
    pub(super) fn complete(&mut self) {
        self.run.exchange_mut().outcome.completed = true;
    }

    /// The trailers that the client gets, if it takes any.
    pub(super) fn trailers(&self, trailers: HeaderMap) -> Result<Option<HeaderMap>, TooMany> {
        let request = &self.run.exchange().request;
        match request.version == Version::HTTP_2 || request.takes_trailers {
            true => self.view.trailers.of_response(trailers),
            false => Ok(None),
        }
    }

    pub(super) fn respond(&mut self, head: ResponseHead, body: UpstreamBody) -> UpstreamBody {
        self.title = None;
        self.run.exchange_mut().response = Some(head);
        body
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.proxy.metrics.requests.decrement();
        self.run.gather();
        let exchange = self.run.exchange_mut();
        exchange.outcome.request_bytes = self.request_body.bytes();
        exchange.outcome.duration = exchange.started.elapsed();
        if let Some(cut) = self.proxy.cut.get()
            && !exchange.outcome.completed
        {
            self.proxy.cut.set(Some(cut + 1));
            exchange.outcome.problem = Some("shutdown");
        } else if !exchange.outcome.completed {
            let outcome = &mut exchange.outcome;
            outcome.problem = self.request_body.blamed(exchange.response.is_some()).or(outcome.problem);
        }
        self.proxy.ended(&self.view, &mut self.run, self.came.as_ref());
    }
}

/// RFC 9110, sections 6.4.1 and 15.3.6.
pub(super) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

/// A plugin may have asked with HEAD for who asked with GET, or have made a 200 of a 304: the length that the
/// upstream told is not that of the body. The codec of HTTP/1 writes the length itself.
fn drop_stale_length(headers: &mut HeaderMap, body: &UpstreamBody) {
    let told = told_length(headers);
    if told.is_none() || told != body.size_hint().exact() {
        headers.remove(header::CONTENT_LENGTH);
    }
}

fn told_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The header that a 405 has to carry (RFC 9110, section 15.5.6).
pub(super) fn allow(methods: &[http::Method]) -> HeaderMap {
    let list = methods.iter().map(http::Method::as_str).collect::<Vec<_>>().join(", ");
    HeaderValue::from_str(&list).map(|list| (header::ALLOW, list)).into_iter().collect()
}
