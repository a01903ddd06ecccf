//! Why an upstream gave no response. Whose fault that is and which status it makes is decided by
//! the proxy; nothing of this text goes to a client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::request_body::RequestBodyError;
use crate::http1::HeadError;

/// Why there is no response to a request.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("upstream `{upstream}` has no endpoint to choose")]
    NoEndpoint { upstream: Arc<str> },
    /// As many requests run as the config lets, and as many wait.
    #[error("upstream `{upstream}` has no room for another request, and none to wait")]
    QueueFull { upstream: Arc<str> },
    #[error("upstream `{upstream}` had no room for another request within {after:?}")]
    QueueTimeout { upstream: Arc<str>, after: Duration },
    /// All tries together, and what was waited for between them.
    #[error("no response from upstream `{upstream}` within {after:?} in all")]
    TotalTimeout { upstream: Arc<str>, after: Duration },
    #[error("cannot connect to {endpoint}")]
    Connect { endpoint: Arc<str>, source: io::Error },
    /// The gateway itself has no descriptor, port or memory for one more connection.
    #[error("no resources to connect to {endpoint}")]
    Exhausted { endpoint: Arc<str>, source: io::Error },
    #[error("no connection to {endpoint} within {after:?}")]
    ConnectTimeout { endpoint: Arc<str>, after: Duration },
    #[error("no response from {endpoint} within {after:?}")]
    ResponseTimeout { endpoint: Arc<str>, after: Duration },
    /// The connection ended before the head of a response was complete.
    #[error("{endpoint} closed the connection before it responded")]
    Closed { endpoint: Arc<str>, source: io::Error },
    /// So did one that had waited for its next request: perhaps it was closed before that came.
    #[error("{endpoint} closed an idle connection before it responded")]
    Stale { endpoint: Arc<str>, source: io::Error },
    #[error("{endpoint} sent a malformed response")]
    Malformed { endpoint: Arc<str>, source: HeadError },
    /// It may be another one, or nobody vouches for it: nothing was sent.
    #[error("the certificate of {endpoint} is not accepted")]
    Certificate { endpoint: Arc<str>, source: rustls::Error },
    #[error("no TLS handshake with {endpoint}")]
    Tls { endpoint: Arc<str>, source: io::Error },
    #[error("{endpoint} does not speak HTTP/2")]
    NoHttp2 { endpoint: Arc<str>, source: Option<h2::Error> },
    /// As many requests run as its connections take.
    #[error("{endpoint} had no room for another request within {after:?}")]
    Full { endpoint: Arc<str>, after: Duration },
    /// It did nothing with the request, it says, twice.
    #[error("{endpoint} refused the request")]
    Refused { endpoint: Arc<str>, source: h2::Error },
    /// The stream or its connection ended before the head of a response.
    #[error("{endpoint} reset the request")]
    Reset { endpoint: Arc<str>, source: h2::Error },
    #[error("{endpoint} does not keep to HTTP/2")]
    Broken { endpoint: Arc<str>, source: h2::Error },
    /// The request's body could not be read to its end; the upstream saw no complete request.
    #[error("the request to {endpoint} has no complete body")]
    RequestBody { endpoint: Arc<str>, source: RequestBodyError },
}

impl UpstreamError {
    /// The kind of failure in one word, for the access log, metrics and plugins (`origin`).
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NoEndpoint { .. } => "upstream-no-endpoint",
            Self::QueueFull { .. } => "upstream-queue-full",
            Self::QueueTimeout { .. } => "upstream-queue-timeout",
            Self::TotalTimeout { .. } => "upstream-total-timeout",
            Self::Connect { .. } => "upstream-connect",
            Self::Exhausted { .. } => "gateway-exhausted",
            Self::ConnectTimeout { .. } => "upstream-connect-timeout",
            Self::ResponseTimeout { .. } => "upstream-timeout",
            Self::Closed { .. } | Self::Stale { .. } | Self::Reset { .. } => "upstream-reset",
            Self::Malformed { .. } | Self::Broken { .. } => "upstream-malformed",
            Self::Certificate { .. } => "upstream-certificate",
            Self::Tls { .. } => "upstream-tls",
            Self::NoHttp2 { .. } => "upstream-no-http2",
            Self::Full { .. } => "upstream-full",
            Self::Refused { .. } => "upstream-refused",
            Self::RequestBody { source, .. } => source.reason(),
        }
    }

    /// Whether it is for want of an endpoint that answers, and another upstream may do better.
    pub(super) fn is_of_endpoints(&self) -> bool {
        match self {
            Self::NoEndpoint { .. }
            | Self::Connect { .. }
            | Self::ConnectTimeout { .. }
            | Self::ResponseTimeout { .. }
            | Self::Closed { .. }
            | Self::Stale { .. }
            | Self::Reset { .. }
            | Self::Malformed { .. }
            | Self::Broken { .. }
            | Self::Certificate { .. }
            | Self::Tls { .. }
            | Self::NoHttp2 { .. }
            | Self::Full { .. }
            | Self::Refused { .. } => true,
            Self::QueueFull { .. }
            | Self::QueueTimeout { .. }
            | Self::TotalTimeout { .. }
            | Self::Exhausted { .. }
            | Self::RequestBody { .. } => false,
        }
    }

    /// The endpoint that was chosen, if it came that far.
    pub fn endpoint(&self) -> Option<&Arc<str>> {
        match self {
            Self::NoEndpoint { .. }
            | Self::QueueFull { .. }
            | Self::QueueTimeout { .. }
            | Self::TotalTimeout { .. } => None,
            Self::Connect { endpoint, .. }
            | Self::Exhausted { endpoint, .. }
            | Self::ConnectTimeout { endpoint, .. }
            | Self::ResponseTimeout { endpoint, .. }
            | Self::Closed { endpoint, .. }
            | Self::Stale { endpoint, .. }
            | Self::Malformed { endpoint, .. }
            | Self::Certificate { endpoint, .. }
            | Self::Tls { endpoint, .. }
            | Self::NoHttp2 { endpoint, .. }
            | Self::Full { endpoint, .. }
            | Self::Refused { endpoint, .. }
            | Self::Reset { endpoint, .. }
            | Self::Broken { endpoint, .. }
            | Self::RequestBody { endpoint, .. } => Some(endpoint),
        }
    }
}
