//! TLS handshakes of one listener, and until when its certificates are good.

use std::sync::Arc;

use super::exposition::Exposition;
use super::{Cell, locked};

/// Handshakes of one listener.
#[derive(Debug)]
pub struct HandshakeMetrics {
    cells: Box<[Cell<Counts>]>,
}

/// The version that was agreed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    Tls12,
    Tls13,
}

/// Why there was no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeFailure {
    /// The client took too long.
    Timeout,
    /// The client left in its middle.
    Closed,
    /// A request without TLS.
    PlainHttp,
    /// The client would not go on: mostly because it does not trust the certificate that it was shown.
    Alert,
    /// The client showed none where one is required, or one that is not good.
    ClientCertificate,
    /// There is no version, suite or protocol that both speak.
    Incompatible,
    /// What the client said is not TLS, or breaks its rules.
    Malformed,
    /// The gateway stops.
    Shutdown,
}

impl TlsVersion {
    const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    fn label(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

impl HandshakeFailure {
    /// In the order in which they are declared.
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::Closed,
        Self::PlainHttp,
        Self::Alert,
        Self::ClientCertificate,
        Self::Incompatible,
        Self::Malformed,
        Self::Shutdown,
    ];

    /// In one word.
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::PlainHttp => "plain-http",
            Self::Alert => "alert",
            Self::ClientCertificate => "client-certificate",
            Self::Incompatible => "incompatible",
            Self::Malformed => "malformed",
            Self::Shutdown => "shutdown",
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// By version, in full and resumed.
    shaken: [[u64; 2]; TlsVersion::ALL.len()],
    failed: [u64; HandshakeFailure::ALL.len()],
}

impl HandshakeMetrics {
    pub(super) fn new(workers: usize) -> Self {
        Self { cells: Cell::per_worker(workers) }
    }

    /// Hands were shaken. `resumed`: by a ticket of an earlier session.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn shaken(&self, worker: usize, version: TlsVersion, resumed: bool) {
        locked(&self.cells[worker].0).shaken[version as usize][usize::from(resumed)] += 1;
    }

    /// They were not.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn failed(&self, worker: usize, why: HandshakeFailure) {
        locked(&self.cells[worker].0).failed[why as usize] += 1;
    }

    fn sum(&self, of: impl Fn(&Counts) -> u64) -> u64 {
        self.cells.iter().map(|cell| of(&locked(&cell.0))).sum()
    }
}

/// Until when a certificate of a listener is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateEnd {
    /// Its address in the configuration.
    pub listener: String,
    /// The certificate's file, as the configuration names it.
    pub file: String,
    /// Its first DNS name, or nothing.
    pub name: String,
    /// Seconds since 1970 in UTC.
    pub not_after: i64,
}

pub(super) fn render(listeners: &[(String, Arc<HandshakeMetrics>)], ends: &[CertificateEnd], out: &mut Exposition) {
    if listeners.is_empty() {
        return;
    }
    out.family("tollgate_tls_handshakes_total", "counter", "TLS handshakes that ended in a connection.");
    for (listener, metrics) in listeners {
        for version in TlsVersion::ALL {
            for (resumed, label) in [(0, "false"), (1, "true")] {
                let labels = [("listener", listener.as_str()), ("version", version.label()), ("resumed", label)];
                out.sample("", &labels, metrics.sum(|counts| counts.shaken[version as usize][resumed]));
            }
        }
    }
    out.family("tollgate_tls_handshake_failures_total", "counter", "TLS handshakes that ended in none, and why.");
    for (listener, metrics) in listeners {
        for why in HandshakeFailure::ALL {
            let labels = [("listener", listener.as_str()), ("reason", why.label())];
            out.sample("", &labels, metrics.sum(|counts| counts.failed[why as usize]));
        }
    }
    out.family("tollgate_certificate_not_after_seconds", "gauge", "When a certificate ends, since 1970.");
    for CertificateEnd { listener, file, name, not_after } in ends {
        out.sample("", &[("listener", listener), ("file", file), ("name", name)], not_after);
    }
}
