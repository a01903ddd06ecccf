//! HTTP/2, with prior knowledge or agreed on by ALPN: hyper's.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use hyper::rt::ReadBufCursor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::connection::Served;
use super::patience::{News, Patience};
use crate::http1::Socket;
use crate::proxy::ClientBody;

/// Streams that one connection may have open.
const MOST_STREAMS: u32 = 128;

pub(super) async fn serve(served: Served, stream: Socket, input: BytesMut) {
    let Served { open, settings, patience, client, proxy, peer } = served;
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let (proxy, client) = (Rc::clone(&proxy), Rc::clone(&client));
        let busy = Patience::busy(&patience);
        async move {
            let response = proxy.handle(request.map(ClientBody::Http2), &client).await;
            Ok::<_, Infallible>(response.map(|body| busy.until_end_of(body)))
        }
    });
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(settings.header_bytes).unwrap_or(u32::MAX));
    let stream = Begun { input, stream: TokioIo::new(stream) };
    let mut connection = pin!(builder.serve_connection(stream, service));
    let _open = open;
    let mut leaving = false;
    loop {
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!("connection of {peer}: {error}");
                }
                return;
            }
            news = patience.news() => match news {
                News::Drain | News::Idle if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
                News::Drain => {}
                // The first request takes too long, or the farewell does.
                News::Idle | News::Head => return,
            },
        }
    }
}

/// Runs hyper's tasks on the worker's own thread.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

/// A stream of which something was read already.
struct Begun {
    input: BytesMut,
    stream: TokioIo<Socket>,
}

impl hyper::rt::Read for Begun {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = buffer.remaining().min(self.input.len());
        buffer.put_slice(&self.input[..length]);
        self.input.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Begun {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }
}
