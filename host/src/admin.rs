//! The admin listener: is the process alive, may it have traffic, what has it counted.
//!
//! It runs on the control thread and is built to be hammered: a bounded number of connections, one request each,
//! within a time limit. Workers notice nothing but the instant in which a scrape copies their cells.
//!
//! Reading only, and no secrets, so far. Which address it may be bound to is the config's decision; against DNS
//! rebinding, see `host_check`.
//!
//! This module must not know workers, routes or plugins; what it tells comes from [`AdminState`].

#![cfg(feature = "gateway")]

mod answer;
mod host_check;
mod reserve;

pub use answer::{AdminState, Readiness};

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use reserve::Reserve;

/// Open connections at a time; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;

/// For a request's head to arrive.
const HEAD_LIMIT: Duration = Duration::from_secs(2);

/// For a whole connection, a slow reader included.
const CONNECTION_LIMIT: Duration = Duration::from_secs(10);

/// For the connections that are open when `shutdown` completes.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Answers on `listener` until `shutdown` completes, then finishes what runs. Never fails: what goes wrong with one
/// connection ends that connection.
///
/// On SIGTERM set the readiness first and complete `shutdown` last, so that `/readyz` and `/metrics` tell of the drain.
/// Must run inside a tokio runtime with time and I/O.
pub async fn serve(listener: TcpListener, state: Arc<AdminState>, shutdown: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    let reserve = Arc::new(Reserve::new());
    // Whether an attempt to accept failed since one worked.
    let mut fails = false;
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => reserve.fill(),
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    fails = false;
                    let connection = connection(stream, Arc::clone(&state), Arc::clone(&reserve));
                    drop(connections.spawn(timeout(CONNECTION_LIMIT, connection)));
                }
                // Out of descriptors, but for those that are kept back.
                Err(_) if reserve.release() => {}
                Err(error) => {
                    if !std::mem::replace(&mut fails, true) {
                        tracing::warn!(%error, "the admin listener cannot accept, and tries again all the while");
                    }
                    sleep(Duration::from_millis(100)).await; // wait for some, do not spin
                    reserve.fill();
                }
            },
        }
    }
    drop(listener);
    // A timeout cuts off who did not finish; dropping the set aborts the rest.
    let _ = timeout(DRAIN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, state: Arc<AdminState>, reserve: Arc<Reserve>) {
    let Ok(bound) = stream.local_addr() else { return };
    let service = service_fn(|request| {
        let response = reserve.lend(|| answer::answer(&state, bound.ip().to_canonical(), &request));
        let response = response.map(Full::<Bytes>::new);
        async { Ok::<_, Infallible>(response) }
    });
    // An error is the client's: it left, was slow, or does not speak HTTP.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .keep_alive(false)
        .max_buf_size(16 * 1_024)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

#[cfg(test)]
mod tests;
