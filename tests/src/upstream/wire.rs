//! What an upstream is talked to through: TCP, a Unix socket, or TLS.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

/// A connection as the upstream has it.
pub(super) enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

/// How hands were shaken with an upstream.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// What the other side asked for (SNI).
    pub name: Option<String>,
    /// By ALPN.
    pub protocol: Option<String>,
    /// That the other side showed, in DER.
    pub certificate: Option<Vec<u8>>,
    pub resumed: bool,
}

impl Wire {
    /// Shakes hands as the server.
    pub(super) fn tls(config: &Arc<ServerConfig>, mut tcp: TcpStream) -> io::Result<Self> {
        let mut session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut tcp)?;
        }
        Ok(Self::Tls(Box::new(StreamOwned::new(session, tcp))))
    }

    pub(super) fn handshake(&self) -> Option<Handshake> {
        let Self::Tls(stream) = self else { return None };
        let session = &stream.conn;
        Some(Handshake {
            name: session.server_name().map(str::to_owned),
            protocol: session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned()),
            certificate: session.peer_certificates().and_then(<[_]>::first).map(|certificate| certificate.to_vec()),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
        })
    }

    /// Has the connection end with a reset when it is dropped, if it can be reset.
    pub(super) fn reset_at_end(&self) -> io::Result<()> {
        let tcp = match self {
            Self::Tcp(tcp) => tcp,
            Self::Unix(unix) => return unix.shutdown(Shutdown::Both),
            Self::Tls(tls) => tls.get_ref(),
        };
        socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO))
    }

    pub(super) fn shutdown(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(Shutdown::Both),
            Self::Unix(unix) => unix.shutdown(Shutdown::Both),
            Self::Tls(tls) => tls.get_ref().shutdown(Shutdown::Both),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(buffer),
            Self::Unix(unix) => unix.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
            Self::Unix(unix) => unix.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.flush(),
            Self::Unix(unix) => unix.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}
