//! Requests that plugins make of their own: to upstreams as clients' requests go there, and to origins, for which hidden
//! upstreams stand whose addresses were looked at before.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use http::Response;
use tokio::time::timeout;

use super::Proxy;
use super::keep::{KeepError, Kept, keep};
use super::view::View;
use crate::chain::Keeping;
use crate::http1::client::{Fields, Request};
use crate::sandbox::{Answer, Incoming, Named, Outbound, Outgoing, SendError, Sending};
use crate::upstream::{AnswerBodyError, Caller, Overrides, RequestBody, Tries, Upstream, UpstreamBody, UpstreamError};
use crate::wire::headers;
use crate::wire::origin::Origin;

/// What is read of a redirect's body, so that its connection is kept for others: bytes, and how long. More of it, or more
/// slowly, costs more than another connection does.
const MOST_REDIRECT_BODY: usize = 16 * 1024;
const MOST_REDIRECT_WAIT: Duration = Duration::from_millis(100);

/// Sends for the plugins of one exchange.
struct Sender {
    proxy: Rc<Proxy>,
    view: Rc<View>,
}

/// Who sends for the plugins of a route, if one of them may have something to send.
pub(super) fn of(proxy: &Rc<Proxy>, view: &Rc<View>, route: usize) -> Option<Rc<dyn Outbound>> {
    view.route(route).chain.waits().then(|| {
        let sender: Rc<dyn Outbound> = Rc::new(Sender { proxy: Rc::clone(proxy), view: Rc::clone(view) });
        sender
    })
}

impl Outbound for Sender {
    fn send(&self, request: Outgoing) -> Sending<'_> {
        Box::pin(async move {
            let most = request.timeout;
            timeout(most, self.exchange(request)).await.unwrap_or(Err(SendError::Timeout))
        })
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// An upstream that was asked by its name.
struct Behind<'a>(&'a Upstream);

impl Named for Behind<'_> {
    fn stands_for(&self, origin: &Origin) -> bool {
        self.0.stands_for(origin)
    }

    fn is_secure(&self) -> bool {
        self.0.is_secure()
    }
}

impl Sender {
    async fn exchange(&self, mut outgoing: Outgoing) -> Answer {
        loop {
            // A reload in between may have taken the upstream away from a plugin that stayed.
            let upstream = self.view.upstream_named(&outgoing.upstream).ok_or(SendError::NoEndpoint)?;
            let (head, body) = self.once(upstream, &outgoing).await?.into_parts();
            let behind = Behind(&self.view.live.upstreams[upstream]);
            let redirected = outgoing.redirect(head.status, &head.headers, &behind);
            let (status, upstream) = (head.status.as_u16(), &*outgoing.upstream);
            match redirected {
                Ok(false) => return self.whole(Response::from_parts(head, body), outgoing.max_body).await,
                Ok(true) => tracing::debug!(status, upstream, "a plugin's request is redirected"),
                Err(error) => {
                    tracing::debug!(status, upstream, "a plugin's request is not redirected: {error}");
                    return Err(error);
                }
            }
            self.discard(body).await;
        }
    }

    /// One response, whatever it says.
    async fn once(&self, upstream: usize, outgoing: &Outgoing) -> Result<Response<UpstreamBody>, SendError> {
        let request = Request {
            method: &outgoing.method,
            target: &outgoing.target,
            fields: Fields { came: &outgoing.headers, edits: &[] },
            takes_trailers: false,
            upgrade: None,
        };
        let caller =
            Caller { headers: &outgoing.headers, address: outgoing.client, secure: outgoing.secure, ends: None };
        // An upstream has its own idea of how long a response takes; of an origin the plugin has one.
        let response = outgoing.origin.as_ref().map(|_| outgoing.timeout);
        let overrides = Overrides { response, ..Overrides::default() };
        let body = RequestBody::full(outgoing.body.clone());
        let sent = self.view.upstreams.send(upstream, request, body, &caller, overrides, &mut Tries::default()).await;
        sent.map_err(|error| self.failed(outgoing, &error))
    }

    async fn whole(&self, response: Response<UpstreamBody>, max_body: usize) -> Answer {
        let (mut head, mut body) = response.into_parts();
        headers::strip_hop_by_hop(&mut head.headers, |_| false);
        let share = self.proxy.room.share(self.view.live.max_bodies);
        let keeping = Keeping { reject: Some(max_body), most: max_body };
        match keep(&mut body, keeping, share, None).await {
            Ok(Kept::Whole(body) | Kept::Beginning(body)) => {
                Ok(Incoming { status: head.status, headers: head.headers, body })
            }
            Err(KeepError::TooLarge(_)) => Err(SendError::TooLarge),
            Err(KeepError::NoRoom) => Err(SendError::Busy),
            Err(KeepError::Silent(_)) => Err(SendError::Timeout),
            Err(KeepError::Body(AnswerBodyError::Idle { .. } | AnswerBodyError::Total)) => Err(SendError::Timeout),
            Err(KeepError::Body(_)) => Err(SendError::Broken),
        }
    }

    /// Whatever comes of it, the next request does not hang on it.
    async fn discard(&self, mut body: UpstreamBody) {
        let share = self.proxy.room.share(self.view.live.max_bodies);
        let keeping = Keeping { reject: Some(MOST_REDIRECT_BODY), most: MOST_REDIRECT_BODY };
        let _ = timeout(MOST_REDIRECT_WAIT, keep(&mut body, keeping, share, None)).await;
    }

    /// The plugin learns the kind of failure; the operator finds the cause in the log.
    fn failed(&self, outgoing: &Outgoing, error: &UpstreamError) -> SendError {
        let cause = std::error::Error::source(error).map(tracing::field::display);
        let (upstream, reason) = (&*outgoing.upstream, error.reason());
        tracing::debug!(upstream, reason, cause, "a plugin's request has no response: {error}");
        match error {
            UpstreamError::NoEndpoint { .. } => SendError::NoEndpoint,
            UpstreamError::Connect { .. }
            | UpstreamError::ConnectTimeout { .. }
            | UpstreamError::Certificate { .. }
            | UpstreamError::Tls { .. }
            | UpstreamError::NoHttp2 { .. } => SendError::Connect,
            UpstreamError::ResponseTimeout { .. } | UpstreamError::TotalTimeout { .. } => SendError::Timeout,
            UpstreamError::Closed { .. }
            | UpstreamError::Stale { .. }
            | UpstreamError::Reset { .. }
            | UpstreamError::Refused { .. }
            | UpstreamError::Malformed { .. }
            | UpstreamError::Broken { .. }
            | UpstreamError::RequestBody { .. } => SendError::Broken,
            UpstreamError::QueueFull { .. }
            | UpstreamError::QueueTimeout { .. }
            | UpstreamError::Exhausted { .. }
            | UpstreamError::Full { .. } => SendError::Busy,
        }
    }
}
