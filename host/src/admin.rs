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
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => drop(connections.spawn(timeout(CONNECTION_LIMIT, connection(stream, Arc::clone(&state))))),
                Err(error) => {
                    tracing::warn!(%error, "the admin listener cannot accept");
                    sleep(Duration::from_millis(100)).await; // out of descriptors: wait for some, do not spin
                }
            },
        }
    }
    drop(listener);
    // A timeout cuts off who did not finish; dropping the set aborts the rest.
    let _ = timeout(DRAIN_LIMIT, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(stream: TcpStream, state: Arc<AdminState>) {
    let Ok(bound) = stream.local_addr() else { return };
    let service = service_fn(|request| {
        let response = answer::answer(&state, bound.ip().to_canonical(), &request).map(Full::<Bytes>::new);
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
