//! What a connection is read from and written to, of a client or to an endpoint: TCP, a Unix socket, or TLS over TCP.
//! Chosen once per connection.
//!
//! It must not know HTTP. A handshake is over before there is one of these.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;

/// What is read of a connection that is being closed.
pub(super) const MOST_LINGERING: usize = 1024 * 1024;
/// Of that at once.
const READ: usize = 16 * 1024;

#[derive(Debug)]
pub enum Socket {
    Plain(TcpStream),
    Unix(UnixStream),
    /// Boxed, for a session is large, and plain connections would be copied with room for one.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Socket {
    /// Whether the other side is told that what it got is not all, however the socket is closed: also by a process that
    /// ends. Unix sockets cannot tell it.
    pub fn reset_on_close(&self, resets: bool) {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Unix(_) => return,
            Self::Tls(tls) => tls.get_ref().0,
        };
        // A connection that is gone cannot be reset, and need not be.
        let _ = SockRef::from(tcp).set_linger(resets.then_some(Duration::ZERO));
    }

    /// Closes the connection so that what was written arrives: reads on, because a socket that is closed with unread bytes
    /// resets the connection. The caller has the timer.
    pub async fn linger(&mut self) {
        if self.shutdown().await.is_err() {
            return;
        }
        let (mut left, mut waste) = (MOST_LINGERING, BytesMut::new());
        loop {
            waste.clear();
            waste.reserve(READ);
            match self.read_buf(&mut waste).await {
                Ok(read @ 1..) if read < left => left -= read,
                _ => return,
            }
        }
    }

    /// Ready when a read would bring something, which with TLS is a whole record: who waits needs no buffer of its own.
    pub fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(tcp) => tcp.poll_read_ready(context),
            Self::Unix(unix) => unix.poll_read_ready(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_fill_buf(context).map_ok(|_| ()),
        }
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Self::Unix(unix) => Pin::new(unix).poll_read(context, buffer),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(context, buffer),
        }
    }
}

/// What was written to TLS may wait in the session: it is on its way when it was flushed.
impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Unix(unix) => Pin::new(unix).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(context, bytes),
        }
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, buffers),
            Self::Unix(unix) => Pin::new(unix).poll_write_vectored(context, buffers),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(context, buffers),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    #[inline]
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(tls) => poll_flush_tls(tls, context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Unix(unix) => Pin::new(unix).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(context),
        }
    }
}

/// Apart, so that the rest of flushing is small enough to have no call where there is nothing to do.
#[inline(never)]
fn poll_flush_tls(tls: &mut TlsStream<TcpStream>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
    Pin::new(tls).poll_flush(context)
}
