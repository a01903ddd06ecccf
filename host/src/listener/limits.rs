//! What clients are held to.

use std::num::NonZeroUsize;
use std::time::Duration;

/// What one client may take of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLimits {
    /// From the first byte of a request, or from the accept, to the end of its headers.
    pub header_timeout: Duration,
    /// From the accept to the end of the TLS handshake.
    pub handshake_timeout: Duration,
    /// Between two requests of one connection.
    pub idle_timeout: Duration,
    /// Between two pieces of a request's body.
    pub body_timeout: Duration,
    /// How long a client may not read what is written to it.
    pub write_timeout: Duration,
    /// Bytes a second below which a body does not come and a client does not read; 0: any byte counts.
    pub min_rate: u64,
    /// Between two pieces of a tunnel, whichever way they go.
    pub tunnel_idle_timeout: Duration,
    /// Requests of one connection; `None`: no limit.
    pub requests: Option<NonZeroUsize>,
    /// Bytes of a request's target.
    pub target_bytes: usize,
    /// Header fields of one request.
    pub headers: usize,
    /// Bytes of one request's line and headers, at least 8 KiB.
    pub header_bytes: usize,
    /// Requests that an HTTP/2 connection may have open at once.
    pub streams: usize,
}
