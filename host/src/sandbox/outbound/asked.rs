//! What a guest asks to be sent, looked at: names and values as on the wire, and where it goes as granted.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{MOST_REDIRECTS, OutboundPolicy, Outgoing, Redirects, SendError};
use crate::exchange::{Exchange, append_header, method};
use crate::sandbox::bindings::outbound::Target;
use crate::wire::origin::{self, Origin};
use crate::wire::path;

/// What goes on from the exchange's request, unless the plugin says it. The second belongs to the first.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A request in a guest's words.
pub(in crate::sandbox) struct Asked<'a, F> {
    pub(in crate::sandbox) target: Target,
    pub(in crate::sandbox) method: &'a str,
    pub(in crate::sandbox) fields: F,
    pub(in crate::sandbox) body: Bytes,
    pub(in crate::sandbox) timeout: Option<Duration>,
    /// How many are followed at most.
    pub(in crate::sandbox) redirects: u8,
}

/// What the exchange says of itself with each request.
pub(in crate::sandbox) struct Said {
    trace: HeaderMap,
    id: HeaderValue,
    client: IpAddr,
    secure: bool,
}

impl Said {
    pub(in crate::sandbox) fn of(exchange: &Exchange) -> Self {
        let headers = &exchange.request.headers;
        let all = |name: HeaderName| headers.get_all(&name).into_iter().map(move |value| (name.clone(), value.clone()));
        let trace = all(TRACEPARENT).chain(all(TRACESTATE)).collect();
        Self {
            trace,
            id: exchange.id.value().clone(),
            client: exchange.client,
            secure: exchange.request.scheme == "https",
        }
    }
}

impl<'a, F: Iterator<Item = (&'a str, &'a [u8])>> Asked<'a, F> {
    /// The request as it may be sent, with an answer within what is left of the time.
    pub(in crate::sandbox) fn check(
        self,
        policy: &Arc<OutboundPolicy>,
        said: &Said,
        left: Duration,
    ) -> Result<Outgoing, SendError> {
        let (upstream, origin, target) = destination(policy, self.target)?;
        let invalid = |why: &str| SendError::Invalid(why.to_owned());
        let method = method(self.method).map_err(|_| invalid("it has no method that may be sent"))?;
        let mut headers = HeaderMap::with_capacity(8);
        for (name, value) in self.fields {
            append_header(&mut headers, name, value)
                .map_err(|error| SendError::Invalid(format!("header `{}`: {error}", name.escape_debug())))?;
        }
        if !headers.contains_key(TRACEPARENT) && !headers.contains_key(TRACESTATE) {
            headers.extend(said.trace.clone());
        }
        headers.entry(X_REQUEST_ID).or_insert_with(|| said.id.clone());
        if self.body.len() > policy.max_body {
            return Err(SendError::Invalid(format!("its body has more than {} bytes", policy.max_body)));
        }
        if self.redirects > MOST_REDIRECTS {
            return Err(SendError::Invalid(format!("more than {MOST_REDIRECTS} redirects are not followed")));
        }
        if left.is_zero() {
            return Err(SendError::Timeout);
        }
        Ok(Outgoing {
            upstream,
            origin,
            method,
            target,
            headers,
            body: self.body,
            timeout: self.timeout.map_or(left, |asked| asked.min(left)),
            max_body: policy.max_body,
            client: said.client,
            secure: said.secure,
            redirects: Redirects::new(self.redirects, policy),
        })
    }
}

/// Where a request goes, if it is granted: the upstream's name, the origin that it stands for if it does, and what is asked
/// for.
fn destination(policy: &OutboundPolicy, target: Target) -> Result<(Arc<str>, Option<Origin>, PathAndQuery), SendError> {
    match target {
        Target::Upstream((name, target)) => {
            let granted = policy.upstreams.iter().find(|granted| ***granted == *name).ok_or(SendError::NotGranted)?;
            Ok((Arc::clone(granted), None, of_upstream(&target).map_err(SendError::Invalid)?))
        }
        Target::Url(url) => {
            let (origin, target) = origin::url(&url).map_err(|error| SendError::Invalid(error.to_string()))?;
            let upstream = policy.upstream_of(&origin).ok_or(SendError::NotGranted)?;
            Ok((upstream, Some(origin), target))
        }
    }
}

/// What an upstream is asked for by its name: the path in normal form, with the query. Else why there is none.
pub(super) fn of_upstream(target: &str) -> Result<PathAndQuery, String> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = path::joined(path).map_err(|error| error.to_string())?;
    let target = query.map_or_else(|| path.to_string(), |query| format!("{path}?{query}"));
    origin::target(&target).map_err(|error| error.to_string())
}

impl OutboundPolicy {
    /// Who stands for an origin, if that is granted.
    pub(super) fn upstream_of(&self, origin: &Origin) -> Option<Arc<str>> {
        self.origins.iter().find(|(granted, _)| granted == origin).map(|(_, upstream)| Arc::clone(upstream))
    }
}
