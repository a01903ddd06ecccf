//! HTTP/2, with prior knowledge or agreed on by ALPN: hyper's, behind a watch of our own.

mod asked;
mod bell;
mod block;
pub(crate) mod breach;
mod budget;
mod fields;
mod frames;
mod heads;
mod invited;
mod outbox;
pub(crate) mod streams;
pub(crate) mod watch;
mod wire;

use std::cell::Cell;
use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::BytesMut;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;

use super::connection::{FAREWELL, Served};
use super::patience::{News, Patience};
use super::refusals::Why;
use crate::http1::Socket;
use crate::proxy::{ClientBody, NotHttp2, Verdict};
use crate::wire::expect::Expects;
use breach::Breach;
use heads::Heads;
use outbox::Held;
use streams::{ROOM, Timeouts};
use watch::{Limits, Watch};
use wire::{Hearing, Wire};

pub(super) async fn serve(served: Served, socket: Socket, input: BytesMut) {
    let limits = Limits {
        streams: served.settings.limits.streams,
        lines: served.settings.limits.headers,
        header_timeout: served.settings.limits.header_timeout,
        timeouts: Timeouts {
            rate: served.settings.limits.min_rate,
            write: served.settings.limits.write_timeout,
            body: served.settings.limits.body_timeout,
        },
    };
    let watch = Watch::new(limits, served.patience.now());
    let wire = Rc::new(Wire::new(socket, input, watch, Rc::clone(&served.patience)));
    let end = requests(&served, &wire).await;
    let told = |error: &dyn Display| Why::Http2.tell(served.open.told(), served.peer, error);
    match &end {
        End::Breach(breach) => told(breach),
        End::Over | End::Error if wire.calmed() => told(&"resets or empty frames without end"),
        End::Over | End::Error => {}
    }
    if wire.calmed() || matches!(end, End::Breach(breach) if breach.code() == breach::CALM) {
        served.proxy.flooded();
    }
    let Some(wire) = Rc::into_inner(wire) else { return };
    let farewell = async {
        match end {
            End::Breach(breach) => wire.close(breach).await,
            End::Error => wire.linger().await,
            End::Over => {}
        }
    };
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

/// How a connection ends.
enum End {
    /// Both sides have said all.
    Over,
    /// h2 has said what is wrong.
    Error,
    /// The watch has found something, and nothing is said yet.
    Breach(Breach),
}

/// Serves requests until one side has enough.
async fn requests(served: &Served, wire: &Rc<Wire>) -> End {
    let Served { settings, patience, client, proxy, peer, .. } = served;
    let asked = Cell::new(0_usize);
    // Requests of a client that heeds a GOAWAY: with the streams that it may have open, those that can be on their way to
    // meet it. h2 serves on until its PING is answered, which a client need not do.
    let most = Cell::new(usize::MAX);
    let heads = Rc::new(Heads::new());
    let service = service_fn(|request: http::Request<Incoming>| {
        asked.set(asked.get() + 1);
        let (proxy, client) = (Rc::clone(proxy), Rc::clone(client));
        let busy = Patience::busy(patience);
        let (heads, outbox) = (Rc::clone(&heads), wire.outbox());
        let (length, received) = (heads::Length::of(&request), wire.received());
        let refused = match wire.refuses() || asked.get() > most.get() {
            true => Some(h2::Reason::REFUSED_STREAM),
            false => (!heads.are_sent(length, received)).then_some(h2::Reason::ENHANCE_YOUR_CALM),
        };
        let verdict = wire.asks(refused.is_some());
        // The head of one that is refused goes now: its task begins when all requests of the turn have been read.
        let request = refused.map_or_else(|| Ok(of_client(request, verdict, wire)), Err);
        async move {
            let request = request?;
            let busy = busy.holding(heads.enter(length, received).await);
            // Boxed: it is large, and the task keeps its room for as long as the response goes out.
            let response = Box::pin(async move { proxy.handle(request, &client).await }).await;
            if response.extensions().get::<NotHttp2>().is_some() {
                return Err(h2::Error::from(h2::Reason::PROTOCOL_ERROR));
            }
            Ok(response.map(|body| busy.until_end_of(Held::new(body, outbox))))
        }
    });
    let mut builder = http2::Builder::new(LocalExecutor);
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(ROOM)
        .max_concurrent_streams(u32::try_from(settings.limits.streams).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(settings.limits.header_bytes).unwrap_or(u32::MAX));
    let mut connection = pin!(builder.serve_connection(Hearing(Rc::clone(wire)), service));
    let is_leaving = || most.get() < usize::MAX;
    let leave = || most.set(asked.get() + settings.limits.streams);
    loop {
        tokio::select! {
            biased;
            result = poll_fn(|context| {
                wire.begin_turn();
                connection.as_mut().poll(context)
            }) => return match result {
                Ok(()) => End::Over,
                Err(error) => {
                    tracing::debug!("connection of {peer}: {error}");
                    End::Error
                }
            },
            breach = poll_fn(|context| match wire.end_turn(context) {
                Poll::Pending if heads.insists() => Poll::Ready(Breach::Repeats),
                breach => breach,
            }) => return End::Breach(breach),
            () = poll_fn(|_| match settings.limits.requests.is_some_and(|most| asked.get() >= most.get()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }), if !is_leaving() => {
                leave();
                connection.as_mut().graceful_shutdown();
            }
            news = patience.news() => match news {
                News::Drain | News::Idle if !is_leaving() => {
                    leave();
                    connection.as_mut().graceful_shutdown();
                }
                News::Drain => {}
                // The first request takes too long, or the farewell does.
                News::Idle | News::Head => return End::Over,
                News::Look => proxy.stalled(wire.look()),
            },
        }
    }
}

/// A request as the proxy takes it.
fn of_client(request: http::Request<Incoming>, verdict: Verdict, wire: &Wire) -> http::Request<ClientBody> {
    let (head, body) = request.into_parts();
    let waits = !body.is_end_stream() && Expects::of(&head) == Expects::Continue;
    let invitation = waits.then(|| wire.invitation(&verdict));
    http::Request::from_parts(head, ClientBody::Http2(body, verdict, invitation))
}

/// Runs hyper's tasks on the worker's own thread.
#[derive(Clone, Copy)]
struct LocalExecutor;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for LocalExecutor {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
