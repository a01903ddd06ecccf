//! Opens connections to endpoints: to an address or a Unix socket, then the PROXY protocol, then TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::definition::{Address, Place, Protocol, Remote};
use super::tls::{HandshakeError, Handshaker};
use crate::http1::Socket;
use crate::wire::proxy_protocol::{self, Ends};

/// Connects to one endpoint, from one thread.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) remote: Arc<Remote>,
    tls: Option<Handshaker>,
}

/// A connection on which nothing was said yet.
#[derive(Debug)]
pub struct Opened {
    pub socket: Socket,
    /// Else it is HTTP/1.
    pub http2: bool,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the endpoint's certificate is not accepted")]
    Certificate(#[source] rustls::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("HTTP/2 was not agreed on")]
    NoHttp2,
    #[error("no connection within {0:?}")]
    Late(Duration),
}

/// Connects to an endpoint to which no request is sent, such as for a health probe. `None`: the gateway itself is the
/// endpoint.
///
/// # Errors
///
/// As a request would meet them; see [`ConnectError`].
pub async fn connect(address: &Address, within: Duration) -> Result<Option<Opened>, ConnectError> {
    let Address::Remote(remote) = address else { return Ok(None) };
    match timeout(within, Connector::new(remote).open(false, None)).await {
        Ok(opened) => opened.map(Some),
        Err(_) => Err(ConnectError::Late(within)),
    }
}

impl Connector {
    pub(super) fn new(remote: &Arc<Remote>) -> Self {
        let tls = remote.tls.as_ref().map(|tls| Handshaker::new(tls, remote.protocol));
        Self { remote: Arc::clone(remote), tls }
    }

    /// With `only_http1` an endpoint that may choose is not offered HTTP/2. `client` is whose requests come on it. Takes
    /// as long as it takes: the caller has the timeout.
    pub(super) async fn open(&self, only_http1: bool, client: Option<&Ends>) -> Result<Opened, ConnectError> {
        let header = self.remote.proxy_protocol.map(|version| proxy_protocol::header(version, client));
        let with_prior_knowledge = self.remote.protocol == Protocol::Http2;
        let mut tcp = match &self.remote.place {
            Place::Tcp(address) => tcp(*address).await?,
            Place::Unix(path) => {
                let mut socket = UnixStream::connect(path).await?;
                tell(header, &mut socket).await?;
                return Ok(Opened { socket: Socket::Unix(socket), http2: with_prior_knowledge });
            }
        };
        tell(header, &mut tcp).await?;
        match &self.tls {
            None => Ok(Opened { socket: Socket::Plain(tcp), http2: with_prior_knowledge }),
            Some(tls) => {
                // Boxed, so that requests over plain connections keep no room for it.
                let (socket, http2) = Box::pin(tls.greet(tcp, only_http1)).await?;
                Ok(Opened { socket, http2 })
            }
        }
    }
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // Heads and bodies are written whole; waiting for more only adds latency.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Before anything else is said. It fits what a new connection takes at once.
async fn tell(header: Option<Vec<u8>>, socket: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    match header {
        Some(header) => socket.write_all(&header).await,
        None => Ok(()),
    }
}

impl From<HandshakeError> for ConnectError {
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::Certificate(source) => Self::Certificate(source),
            HandshakeError::Failed(source) => Self::Tls(source),
            HandshakeError::NoHttp2 => Self::NoHttp2,
        }
    }
}
