//! TLS to endpoints: what a handshake needs, and what is agreed on in it.
//!
//! It must not know where certificates come from: `gateway/certificates/endpoints.rs` does.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, Error};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::definition::Protocol;
use crate::http1::Socket;
use crate::wire::alpn::{HTTP1, HTTP2};

/// Tickets that one worker keeps for one endpoint: with TLS 1.3 each is good for one handshake.
const TICKETS: usize = 8;

/// What handshakes with the endpoints of an upstream need.
#[derive(Clone)]
pub struct Handshakes {
    config: Arc<ClientConfig>,
    digest: [u8; 32],
}

/// What handshakes with one endpoint need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    pub handshakes: Handshakes,
    /// Whose certificate it must be; a DNS name is also what the endpoint is told (SNI).
    pub name: ServerName<'static>,
}

/// The digest tells two of them apart: it is of everything that a configuration was made of.
impl PartialEq for Handshakes {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Handshakes {}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshakes").finish_non_exhaustive()
    }
}

/// Shakes hands with one endpoint, and keeps its tickets: those of one worker, which so share no lock with others.
#[derive(Debug)]
pub(super) struct Handshaker {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
    /// Offers HTTP/1 alone, where `config` leaves the choice to the endpoint.
    http1: Option<Arc<ClientConfig>>,
}

/// Why no hands were shaken.
#[derive(Debug)]
pub(super) enum HandshakeError {
    /// The endpoint's certificate is not to be trusted.
    Certificate(Error),
    /// One of the two sides refused the other for another reason, or left.
    Failed(io::Error),
    /// The endpoint does not speak HTTP/2.
    NoHttp2,
}

impl Handshakes {
    /// `digest` is of everything that `config` was made of.
    pub fn new(config: Arc<ClientConfig>, digest: [u8; 32]) -> Self {
        Self { config, digest }
    }
}

impl Handshaker {
    pub(super) fn new(tls: &Tls, protocol: Protocol) -> Self {
        let resumption = Resumption::in_memory_sessions(TICKETS);
        let offering = |protocols: &[&[u8]]| {
            let mut config = ClientConfig::clone(&tls.handshakes.config);
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            config.resumption = resumption.clone();
            Arc::new(config)
        };
        let (config, http1) = match protocol {
            Protocol::Http1 => (offering(&[HTTP1]), None),
            Protocol::Http2 => (offering(&[HTTP2]), None),
            Protocol::Auto => (offering(&[HTTP2, HTTP1]), Some(offering(&[HTTP1]))),
        };
        Self { name: tls.name.clone(), config, http1 }
    }

    /// Answers whether HTTP/2 was agreed on; with `only_http1` it is not offered. Takes as long as the endpoint does: the
    /// caller has the timer.
    pub(super) async fn greet(&self, stream: TcpStream, only_http1: bool) -> Result<(Socket, bool), HandshakeError> {
        let config = self.http1.as_ref().filter(|_| only_http1).unwrap_or(&self.config);
        let only_http2 = config.alpn_protocols == [HTTP2];
        let greeted = TlsConnector::from(Arc::clone(config)).connect(self.name.clone(), stream).await;
        let stream = greeted.map_err(|error| match HandshakeError::from(error) {
            HandshakeError::Failed(error) if only_http2 && disagrees(&error) => HandshakeError::NoHttp2,
            error => error,
        })?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        // An endpoint that knows nothing of ALPN speaks HTTP/1.
        if only_http2 && !http2 {
            return Err(HandshakeError::NoHttp2);
        }
        Ok((Socket::Tls(Box::new(stream.into())), http2))
    }
}

impl From<io::Error> for HandshakeError {
    fn from(error: io::Error) -> Self {
        match of_tls(&error) {
            Some(why @ Error::InvalidCertificate(_)) => Self::Certificate(why.clone()),
            _ => Self::Failed(error),
        }
    }
}

/// Whether the endpoint says that it speaks none of what it was offered.
fn disagrees(error: &io::Error) -> bool {
    matches!(of_tls(error), Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol)))
}

fn of_tls(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}
