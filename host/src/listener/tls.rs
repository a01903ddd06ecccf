//! The TLS handshake of one connection, and what is agreed on in it.
//!
//! It must not know where certificates come from: `gateway/certificates.rs` does.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::http1::Socket;

/// The name of HTTP/2 in ALPN (RFC 9113, section 3.2).
pub const HTTP2: &[u8] = b"h2";
/// That of HTTP/1.1 (RFC 7301, section 6).
pub const HTTP1: &[u8] = b"http/1.1";

/// What the handshakes of one listener need. Workers share it, and so the keys of its tickets.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    digest: [u8; 32],
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
    /// By a handshake; whether HTTP/2 was agreed on.
    Secure { socket: Socket, http2: bool },
    /// By a request without TLS.
    Plain(TcpStream),
}

impl Tls {
    /// `digest` is of everything that `config` was made of.
    pub fn new(config: Arc<ServerConfig>, digest: [u8; 32]) -> Self {
        Self { config, digest }
    }

    /// Takes as long as the client does: the caller has the timer.
    pub(super) async fn greet(&self, stream: TcpStream) -> io::Result<Greeted> {
        let mut first = [0];
        stream.peek(&mut first).await?;
        // A method; the first byte of a handshake is 22 (RFC 8446, section 5.1).
        if first[0].is_ascii_uppercase() {
            return Ok(Greeted::Plain(stream));
        }
        let stream = TlsAcceptor::from(Arc::clone(&self.config)).accept(stream).await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        Ok(Greeted::Secure { socket: Socket::Tls(Box::new(stream)), http2 })
    }
}
