//! Copies of requests for a second upstream.
//!
//! A copy is sent when the request itself has its response, by a task of its own that nobody waits for, so it can neither
//! delay the exchange nor change it. Whatever comes back is read and dropped. What it may hold is bounded: the bytes of a body,
//! the copies that are under way, and their time.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use http_body::Body;
use tokio::time::timeout;

use super::Proxy;
use super::view::View;
use crate::config;
use crate::http1::client::{Fields, Request};
use crate::telemetry::metrics::WorkerMetrics;
use crate::upstream::{BodyMeter, Caller, Overrides, RequestBody, Tries, UpstreamBody};
use crate::wire::proxy_protocol::Ends;

/// What one worker counts of a route's copies.
#[derive(Default)]
pub(super) struct Counts {
    turn: Cell<u32>,
    under_way: Cell<u32>,
}

/// A request that is to be copied.
pub(super) struct Mirroring<'a> {
    mirror: &'a config::Mirror,
    /// From here on, for a body is kept from here on.
    under_way: UnderWay,
}

/// Decides whether a request is copied; then its body is kept as it goes by.
pub(super) fn begin<'a>(
    proxy: &Proxy,
    view: &'a Rc<View>,
    route: usize,
    request: Request<'_>,
    body: &RequestBody,
) -> Option<Mirroring<'a>> {
    let mirror = view.route(route).mirror.as_ref()?;
    let counts = &view.counts(route).mirror;
    let turn = counts.turn.replace(counts.turn.get().wrapping_add(1));
    // Spread over a hundred turns: 61 has no divisor in common with 100.
    if u64::from(turn) * 61 % 100 >= u64::from(mirror.percent) {
        return None;
    }
    let is_too_long = body.size_hint().lower() > mirror.max_body as u64;
    if counts.under_way.get() >= mirror.requests || is_too_long || request.upgrade.is_some() {
        proxy.metrics.mirror.skipped.increment();
        return None;
    }
    body.meter().copy_up_to(mirror.max_body, body.is_end_stream());
    Some(Mirroring { mirror, under_way: UnderWay::begin(view, route) })
}

impl Mirroring<'_> {
    /// Sends the copy, if all of the request's body has gone by.
    pub(super) fn start(self, proxy: &Proxy, request: Request<'_>, caller: &Caller<'_>, meter: &BodyMeter) {
        let Some(body) = meter.take_copy() else { return proxy.metrics.mirror.skipped.increment() };
        let copy = Copy {
            under_way: self.under_way,
            metrics: Arc::clone(&proxy.metrics),
            upstream: self.mirror.upstream,
            method: request.method.clone(),
            target: request.target.clone(),
            fields: request.fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            takes_trailers: request.takes_trailers,
            address: caller.address,
            secure: caller.secure,
            ends: caller.ends,
            body,
        };
        let most = self.mirror.timeout;
        tokio::task::spawn_local(async move {
            let metrics = Arc::clone(&copy.metrics);
            match timeout(most, copy.send()).await {
                Ok(true) => metrics.mirror.answered.increment(),
                Ok(false) | Err(_) => metrics.mirror.failed.increment(),
            }
        });
    }
}

/// A request of its own.
struct Copy {
    under_way: UnderWay,
    metrics: Arc<WorkerMetrics>,
    upstream: usize,
    method: Method,
    target: PathAndQuery,
    fields: HeaderMap,
    takes_trailers: bool,
    address: IpAddr,
    secure: bool,
    ends: Option<Ends>,
    body: Bytes,
}

impl Copy {
    /// Answers whether there was a response.
    async fn send(self) -> bool {
        let fields = Fields { came: &self.fields, edits: &[] };
        let takes_trailers = self.takes_trailers;
        let request = Request { method: &self.method, target: &self.target, fields, takes_trailers, upgrade: None };
        let upstreams = &self.under_way.view.upstreams;
        let body = RequestBody::full(self.body.clone());
        let caller = Caller { headers: &self.fields, address: self.address, secure: self.secure, ends: self.ends };
        let sent =
            upstreams.send(self.upstream, request, body, &caller, Overrides::default(), &mut Tries::default()).await;
        match sent {
            Ok(response) => {
                drain(response.into_body()).await;
                true
            }
            Err(_) => false,
        }
    }
}

/// Reads a body that nobody gets, so that its connection may serve again; what is too long for that is cut.
async fn drain(mut body: UpstreamBody) {
    let mut left = MOST_DRAINED;
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Bytes of a response.
const MOST_DRAINED: usize = 1024 * 1024;

/// Counted as long as it lives.
struct UnderWay {
    view: Rc<View>,
    route: usize,
}

impl UnderWay {
    fn begin(view: &Rc<View>, route: usize) -> Self {
        let counted = &view.counts(route).mirror.under_way;
        counted.set(counted.get() + 1);
        Self { view: Rc::clone(view), route }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let counted = &self.view.counts(self.route).mirror.under_way;
        counted.set(counted.get() - 1);
    }
}
