//! Lines of the log about clients that are turned away: before they have asked for anything, or for how they ask over
//! HTTP/2.

use std::fmt::Display;

use super::told::{KINDS, Told};
use crate::telemetry::metrics::HandshakeFailure;
use crate::wire::peer::Peer;

/// Why somebody is turned away.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    Handshake(HandshakeFailure),
    /// It is no load balancer that says whose connection it is.
    ProxyProtocol,
    /// The listener has as many connections as it may.
    Full,
    /// Its address has.
    FullAddress,
    /// It does over HTTP/2 what no client may, or too much of what each may.
    Http2,
}

impl Why {
    /// Tells why this peer is turned away, or counts it. Who just leaves is seen at the level `debug` only: so do those who
    /// look whether somebody listens.
    pub(super) fn tell(self, told: &Told, peer: Peer, error: &dyn Display) {
        let (reason, words) = (self.label(), self.words());
        if matches!(self, Self::Handshake(HandshakeFailure::Closed | HandshakeFailure::Shutdown)) {
            return tracing::debug!(reason, "{peer}: {words}: {error}");
        }
        if let Some(left_out) = told.line(self.kind()) {
            let listener = tracing::field::display(told.listener());
            if matches!(self, Self::Full) {
                // Nobody gets in any more: of all kinds the one that is the operator's matter.
                return tracing::warn!(listener, reason, left_out, "{peer}: {words}: {error}");
            }
            tracing::info!(listener, reason, left_out, "{peer}: {words}: {error}");
        }
    }

    fn kind(self) -> usize {
        match self {
            Self::Handshake(failure) => failure as usize,
            Self::ProxyProtocol => KINDS - 4,
            Self::Full => KINDS - 3,
            Self::FullAddress => KINDS - 2,
            Self::Http2 => KINDS - 1,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Handshake(failure) => failure.label(),
            Self::ProxyProtocol => "proxy-protocol",
            Self::Full => "connections",
            Self::FullAddress => "connections-per-address",
            Self::Http2 => "http2",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Handshake(_) => "no TLS handshake",
            Self::ProxyProtocol => "no PROXY header",
            Self::Full | Self::FullAddress => "no connection",
            Self::Http2 => "its connection is closed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_do_not_keep_each_other_from_being_told() {
        let all = HandshakeFailure::ALL.map(Why::Handshake).into_iter().chain([
            Why::ProxyProtocol,
            Why::Full,
            Why::FullAddress,
            Why::Http2,
        ]);
        assert_eq!(all.map(Why::kind).collect::<Vec<_>>(), (0..KINDS).collect::<Vec<_>>());
    }
}
