//! One client connection, from the accept to its close.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;

use super::Settings;
use super::accept::Open;
use super::patience::{Patience, Watched};
use crate::proxy::Connection;

/// HTTP/2 streams that one connection may have open.
const MOST_STREAMS: u32 = 128;

pub(super) async fn serve(open: Open, stream: TcpStream, peer: SocketAddr, settings: Rc<Settings>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("{peer}: {error}");
    }
    let patience = Rc::new(Patience::new(settings.header_timeout, settings.idle_timeout));
    let client = Rc::new(Connection::new(peer));
    let proxy = Rc::clone(&open.shared.proxy);
    let service = service_fn(|request| {
        let (proxy, client) = (Rc::clone(&proxy), Rc::clone(&client));
        let busy = Patience::busy(&patience, request.version());
        async move {
            let response = proxy.handle(request, &client).await;
            Ok::<_, Infallible>(response.map(|body| busy.until_end_of(body)))
        }
    });

    let builder = protocols(&settings);
    let io = Watched::new(TokioIo::new(stream), Rc::clone(&patience));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut draining = open.shared.draining.clone();
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
            // The sender lives as long as the worker.
            _ = draining.wait_for(|draining| *draining), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            end = patience.run_out() => match end {
                super::patience::End::Idle if !leaving => {
                    leaving = true;
                    connection.as_mut().graceful_shutdown();
                }
                // The head of a request takes too long, or the farewell does.
                super::patience::End::Idle | super::patience::End::Head => return,
            },
        }
    }
}

fn protocols(settings: &Settings) -> auto::Builder<LocalExecutor> {
    let mut builder = auto::Builder::new(LocalExecutor);
    builder
        .http1()
        .timer(TokioTimer::new())
        // Ours tell an idle connection from a slow head.
        .header_read_timeout(None)
        .max_headers(settings.headers)
        .max_buf_size(settings.header_bytes)
        .half_close(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(settings.header_bytes).unwrap_or(u32::MAX));
    match (settings.http1, settings.http2) {
        (true, false) => builder.http1_only(),
        (false, true) => builder.http2_only(),
        _ => builder,
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
