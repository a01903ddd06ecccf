//! The TLS handshake of one connection, and what is agreed on in it.
//!
//! It must not know where certificates come from: `gateway/certificates.rs` does.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::{CertificateError, HandshakeKind, PeerIncompatible, ProtocolVersion, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::exchange::ClientCertificate;
use crate::http1::Socket;
use crate::telemetry::metrics::{HandshakeFailure, HandshakeMetrics, TlsVersion};
use crate::wire::alpn::HTTP2;

/// What the handshakes of one listener need. Workers share it, and so the keys of its tickets.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    digest: [u8; 32],
    pub(super) metrics: Arc<HandshakeMetrics>,
}

/// The digest tells two of them apart: it is of everything that one was made of.
impl PartialEq for Tls {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// How a connection began.
pub(super) enum Greeted {
    /// By a handshake.
    Secure(Secure),
    /// By a request without TLS.
    Plain(TcpStream),
}

/// What was agreed on.
pub(super) struct Secure {
    pub(super) socket: Socket,
    /// By ALPN.
    pub(super) http2: bool,
    pub(super) version: TlsVersion,
    pub(super) resumed: bool,
    /// Of the client: one that was verified, now or when the session began that is resumed.
    pub(super) certificate: Option<Arc<ClientCertificate>>,
}

impl Tls {
    /// `digest` is of everything that `config` was made of.
    pub fn new(config: Arc<ServerConfig>, digest: [u8; 32], metrics: Arc<HandshakeMetrics>) -> Self {
        Self { config, digest, metrics }
    }

    /// Takes as long as the client does: the caller has the timer. With the error comes the connection, if the client
    /// is yet to hear the alert.
    pub(super) async fn greet(&self, stream: TcpStream) -> Result<Greeted, (io::Error, Option<TcpStream>)> {
        let mut first = [0];
        stream.peek(&mut first).await.map_err(|error| (error, None))?;
        // A method; the first byte of a handshake is 22 (RFC 8446, section 5.1).
        if first[0].is_ascii_uppercase() {
            return Ok(Greeted::Plain(stream));
        }
        let accept = TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).into_fallible();
        let stream = accept.await.map_err(|(error, stream)| (error, Some(stream)))?;
        let session = stream.get_ref().1;
        let http2 = session.alpn_protocol() == Some(HTTP2);
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        };
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        let shown = session.peer_certificates().and_then(<[_]>::first);
        let certificate = shown.map(|der| certificate(der)).transpose();
        let certificate = certificate.map_err(|error| (io::Error::other(error), None))?;
        Ok(Greeted::Secure(Secure {
            socket: Socket::Tls(Box::new(stream.into())),
            http2,
            version,
            resumed,
            certificate,
        }))
    }
}

/// A certificate that was verified. A session that is resumed does so without another look at the date.
fn certificate(der: &[u8]) -> Result<Arc<ClientCertificate>, rustls::Error> {
    let refused = rustls::Error::InvalidCertificate;
    let certificate = ClientCertificate::read(der).ok_or(refused(CertificateError::BadEncoding))?;
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(now) if now.as_secs() <= certificate.not_after => Ok(Arc::new(certificate)),
        _ => Err(refused(CertificateError::Expired)),
    }
}

/// What the log says of a handshake that failed. Old clients are told apart by rustls in words of its own alone.
pub(super) fn told(error: &io::Error) -> String {
    use PeerIncompatible as P;
    match of_rustls(error) {
        Some(rustls::Error::PeerIncompatible(
            P::Tls12NotOffered | P::Tls12NotOfferedOrEnabled | P::SupportedVersionsExtensionRequired,
        )) => "the client offers neither TLS 1.2 nor 1.3".to_owned(),
        Some(rustls::Error::PeerIncompatible(P::SignatureAlgorithmsExtensionRequired)) => {
            "the client names no signature algorithms, as those older than TLS 1.2".to_owned()
        }
        _ => error.to_string(),
    }
}

fn of_rustls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Whose fault a handshake is that failed.
pub(super) fn failure(error: &io::Error) -> HandshakeFailure {
    use rustls::Error as E;
    match of_rustls(error) {
        None => HandshakeFailure::Closed,
        Some(E::AlertReceived(_)) => HandshakeFailure::Alert,
        Some(E::NoCertificatesPresented | E::InvalidCertificate(_) | E::InvalidCertRevocationList(_)) => {
            HandshakeFailure::ClientCertificate
        }
        Some(E::PeerIncompatible(_) | E::NoApplicationProtocol) => HandshakeFailure::Incompatible,
        Some(_) => HandshakeFailure::Malformed,
    }
}
