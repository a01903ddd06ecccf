//! What goes wrong with an exchange: whose fault it is, and what the client is told.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use thiserror::Error;

use crate::http1::HeadError;
use crate::sandbox::Fault;
use crate::upstream::{AnswerBodyError, RequestBodyError, UpstreamError};
use crate::wire::authority::AuthorityError;
use crate::wire::coding::{DecodeError, UnknownCoding};
use crate::wire::path::PathError;

/// Why the gateway answers in place of the upstream.
#[derive(Debug, Error)]
pub enum ProxyError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("plugin `{plugin}` {fault}")]
    Plugin { plugin: Arc<str>, fault: Fault },
    #[error(transparent)]
    Body(#[from] BodyProblem),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Of the path only, and not all of a long one: the query may hold a key.
    #[error("the path that the route makes for the upstream is not a path: {0}")]
    Rewrite(String),
    #[error("the target that the route makes for the upstream is longer than {0} bytes")]
    RewriteTooLong(usize),
}

/// A body that plugins want whole, and that they cannot be given.
#[derive(Debug, Error)]
pub enum BodyProblem {
    #[error("the request has no complete body")]
    Request(#[source] RequestBodyError),
    #[error("the response has no complete body")]
    Response(#[source] AnswerBodyError),
    #[error("nothing of the body came for {0:?}")]
    Silent(Duration),
    #[error("the response's body is longer than the {0} bytes that a plugin takes")]
    ResponseTooLarge(usize),
    #[error("the bodies that are kept leave no room for another one")]
    NoRoom,
    #[error("a plugin has to see the request's body decoded: {0}")]
    RequestCoding(UnknownCoding),
    #[error("a plugin has to see the response's body decoded: {0}")]
    ResponseCoding(UnknownCoding),
    #[error("a gRPC call has no whole body, which a plugin has to see")]
    RequestStream,
    #[error("the response is a stream, and a plugin has to see it whole")]
    ResponseStream,
}

/// A request that cannot be served as it is.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error("{0}")]
    Malformed(#[from] HeadError),
    #[error("a request has exactly one Host header")]
    HostCount,
    #[error("{0}")]
    HostInvalid(#[from] AuthorityError),
    /// Of HTTP/2 (RFC 9113, section 8.2.1).
    #[error("a header field begins or ends with whitespace")]
    Whitespace,
    /// Of HTTP/2 (RFC 9113, section 8.5).
    #[error("CONNECT names no authority")]
    ConnectToNobody,
    /// Of HTTP/2: the codec of HTTP/1 has looked already.
    #[error("a request has at most one Content-Length header")]
    Lengths,
    #[error("the request target and the Host header name different hosts")]
    HostMismatch,
    #[error("a header that has one value has several")]
    Repeated,
    #[error("the request target is not a path")]
    Target,
    #[error("{0}")]
    Path(#[from] PathError),
    /// It asks about the gateway and not about a resource, or goes no further, and needs no route (RFC 9110, sections 9.3.7
    /// and 7.6.2).
    #[error("the gateway itself answers this")]
    Options,
    #[error("Max-Forwards is not one number")]
    MaxForwards,
    /// CONNECT, and TRACE, which would show what stands between the client and the upstream.
    #[error("this method is not served here")]
    Method,
    #[error("no route takes this request")]
    NoRoute,
    #[error("the route takes other methods")]
    MethodNotAllowed(Vec<Method>),
    #[error("the body is larger than the route takes")]
    BodyTooLarge,
}

impl ClientError {
    /// Whether a request is so far from what HTTP says that nothing more is read from who sent it: what it was meant to be
    /// is not known, nor whether what follows it was meant to be a request. What a route or a policy refuses is none of
    /// this.
    pub(super) fn ends_connection(&self) -> bool {
        match self {
            Self::Malformed(_)
            | Self::HostCount
            | Self::HostInvalid(_)
            | Self::HostMismatch
            | Self::Whitespace
            | Self::ConnectToNobody
            | Self::Lengths
            | Self::Repeated
            | Self::Target
            | Self::Path(PathError::NotAbsolute)
            // After CONNECT comes what would go through the tunnel.
            | Self::Method => true,
            Self::Path(_)
            | Self::Options
            | Self::MaxForwards
            | Self::NoRoute
            | Self::MethodNotAllowed(_)
            | Self::BodyTooLarge => false,
        }
    }
}

/// What a client is told: the status and the problem's kind and title. Details are for the log.
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) title: &'static str,
}

impl ProxyError {
    /// What the client is answered.
    pub fn status(&self) -> StatusCode {
        self.told().status
    }

    /// One match, no `_` arm: a new error has to say here what it is to the client.
    pub(super) fn told(&self) -> Told {
        let (status, kind, title) = match self {
            Self::Client(error) => match error {
                ClientError::Malformed(error) => match error {
                    HeadError::TargetTooLong(_) => (414, "target-too-long", "The request target is too long"),
                    HeadError::TooLong(_) => (431, "head-too-large", "The header fields are too large"),
                    HeadError::TooManyFields(_) => (431, "head-too-large", "There are too many header fields"),
                    HeadError::Late => (408, "head-timeout", "The request did not arrive in time"),
                    HeadError::Expectation => (417, "expectation", "The request expects what cannot be promised"),
                    HeadError::UnknownCoding => (501, "unknown-coding", "The transfer coding is not known here"),
                    HeadError::Version => (505, "http-version", "The version of HTTP is not served here"),
                    _ => (400, "bad-request", "The request is not valid HTTP"),
                },
                ClientError::HostCount => (400, "bad-host", "A request needs exactly one Host header"),
                ClientError::HostInvalid(_) => (400, "bad-host", "The host is not valid"),
                ClientError::Whitespace
                | ClientError::ConnectToNobody
                | ClientError::Lengths
                | ClientError::MaxForwards => (400, "bad-request", "The request is not valid HTTP"),
                ClientError::HostMismatch => (400, "bad-host", "The request names two different hosts"),
                ClientError::Repeated => (400, "bad-request", "A header that has one value has several"),
                ClientError::Target => (400, "bad-target", "The request target is not a path"),
                ClientError::Path(_) => (400, "bad-path", "The path is not valid"),
                ClientError::Options => (204, "options", "The gateway is there"),
                ClientError::Method => (501, "method-not-implemented", "The method is not served here"),
                ClientError::NoRoute => (404, "no-route", "No route takes this request"),
                ClientError::MethodNotAllowed(_) => (405, "method-not-allowed", "The route takes other methods"),
                ClientError::BodyTooLarge => (413, "body-too-large", "The body is too large"),
            },
            Self::Plugin { fault: Fault::Busy(_), .. } => (503, "plugin-busy", "A policy is overloaded"),
            Self::Plugin { .. } => (500, "plugin-fault", "A policy failed"),
            Self::Upstream(error) => match error {
                UpstreamError::NoEndpoint { .. } => (503, error.reason(), "There is no endpoint to send to"),
                UpstreamError::Connect { .. } => (502, error.reason(), "The upstream cannot be reached"),
                UpstreamError::Closed { .. } | UpstreamError::Stale { .. } | UpstreamError::Reset { .. } => {
                    (502, error.reason(), "The upstream closed the connection")
                }
                UpstreamError::Certificate { .. } => {
                    (502, error.reason(), "The upstream's certificate is not accepted")
                }
                UpstreamError::Tls { .. } => (502, error.reason(), "The upstream does not agree to TLS"),
                UpstreamError::NoHttp2 { .. } => (502, error.reason(), "The upstream does not speak HTTP/2"),
                UpstreamError::QueueFull { .. } | UpstreamError::QueueTimeout { .. } | UpstreamError::Full { .. } => {
                    (503, error.reason(), "The upstream has no room for another request")
                }
                UpstreamError::Refused { .. } => (502, error.reason(), "The upstream refused the request"),
                UpstreamError::Exhausted { .. } => (503, error.reason(), "The gateway is out of resources"),
                UpstreamError::Malformed { .. } | UpstreamError::Broken { .. } => {
                    (502, error.reason(), "The upstream's response is not valid")
                }
                UpstreamError::ConnectTimeout { .. }
                | UpstreamError::ResponseTimeout { .. }
                | UpstreamError::TotalTimeout { .. } => (504, error.reason(), "The upstream did not answer in time"),
                UpstreamError::RequestBody { source, .. } => of_request_body(source),
            },
            Self::Body(error) => match error {
                BodyProblem::Request(error) => of_request_body(error),
                BodyProblem::Response(AnswerBodyError::Coding(error)) => (502, error.kind(), of_coding(*error)),
                BodyProblem::Response(_) => (502, "upstream-reset", "The upstream closed the connection"),
                BodyProblem::Silent(_) => (504, "upstream-timeout", "The upstream did not answer in time"),
                BodyProblem::ResponseTooLarge(_) => (502, "response-too-large", "The response is too large"),
                BodyProblem::NoRoom => (503, "gateway-full", "The gateway has no room for the body"),
                BodyProblem::RequestCoding(_) => (415, "content-coding-unknown", UNKNOWN_CODING),
                BodyProblem::ResponseCoding(_) => (502, "content-coding-unknown", UNKNOWN_CODING),
                BodyProblem::RequestStream => (415, "stream-refused", "A policy wants whole bodies, not streams"),
                BodyProblem::ResponseStream => (502, "stream-refused", "A policy wants whole bodies, not streams"),
            },
            Self::Rewrite(_) => (500, "rewrite", "The route cannot make a path of this one"),
            Self::RewriteTooLong(_) => (414, "target-too-long", "The request target is too long"),
        };
        let status = StatusCode::from_u16(status).expect("the statuses above are valid");
        Told { status, kind, title }
    }

    /// What the client may know besides the title: only what it did itself.
    pub(super) fn detail(&self) -> Option<String> {
        match self {
            Self::Client(ClientError::Path(error)) => Some(error.to_string()),
            Self::Client(ClientError::Malformed(error)) => Some(error.to_string()),
            // Whose title is that of many.
            Self::Client(
                error @ (ClientError::Whitespace
                | ClientError::ConnectToNobody
                | ClientError::Lengths
                | ClientError::MaxForwards),
            ) => Some(error.to_string()),
            Self::Upstream(UpstreamError::RequestBody { source, .. }) => source.misframed(),
            Self::Body(BodyProblem::Request(error)) => error.misframed(),
            Self::Client(_)
            | Self::Plugin { .. }
            | Self::Body(_)
            | Self::Upstream(_)
            | Self::Rewrite(_)
            | Self::RewriteTooLong(_) => None,
        }
    }

    /// The operator's side of it: who failed and why, as loud as it is the operator's to do something about it. What a
    /// client does wrong any client can do a thousand times a second. Faults of plugins are logged where they happen.
    pub(super) fn log(&self, id: &str, status: StatusCode) {
        let status = status.as_u16();
        let cause = self.source().map(tracing::field::display);
        match self {
            Self::Upstream(UpstreamError::RequestBody { source, .. }) | Self::Body(BodyProblem::Request(source)) => {
                tracing::info!(id, status, reason = source.reason(), cause, "{self}");
            }
            Self::Upstream(error) => tracing::warn!(id, status, reason = error.reason(), cause, "{self}"),
            Self::Body(_) => tracing::warn!(id, status, cause, "{self}"),
            Self::Rewrite(_) => tracing::error!(id, status, "{self}"),
            Self::Client(ClientError::BodyTooLarge) => tracing::info!(id, status, "{self}"),
            Self::Client(_) | Self::RewriteTooLong(_) => tracing::debug!(id, status, "{self}"),
            Self::Plugin { .. } => {}
        }
    }
}

const UNKNOWN_CODING: &str = "The content coding is not known here";

fn of_coding(error: DecodeError) -> &'static str {
    match error {
        DecodeError::Malformed | DecodeError::Truncated => "The body is not what its content coding says",
        DecodeError::Ratio(_) => "The body is too large when it is decoded",
    }
}

fn of_request_body(error: &RequestBodyError) -> (u16, &'static str, &'static str) {
    match error {
        RequestBodyError::OverLimit { .. } => (413, "body-too-large", "The body is too large"),
        RequestBodyError::Client(_) => (400, error.reason(), "The body ended early"),
        RequestBodyError::Coding(coding @ (DecodeError::Malformed | DecodeError::Truncated)) => {
            (400, error.reason(), of_coding(*coding))
        }
        RequestBodyError::Coding(coding @ DecodeError::Ratio(_)) => (413, error.reason(), of_coding(*coding)),
        RequestBodyError::Stalled { .. } | RequestBodyError::Late => {
            (408, error.reason(), "The body did not arrive in time")
        }
        RequestBodyError::Stopped => (403, error.reason(), "A policy stopped the body"),
        RequestBodyError::Failed => (500, error.reason(), "A policy failed"),
    }
}
