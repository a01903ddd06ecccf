//! Requests of a plugin's own, while its call waits on a fiber.
//!
//! What runs on the fiber may not hold what is the worker's (a store and its futures are `Send`, a worker's connections are
//! not), so an import puts a request into the [`Mailbox`] of its instance and waits. Whoever drives the call ([`drive`])
//! takes it out, has it sent, and puts the answer in. So no task is spawned, and a call that is dropped takes its requests
//! with it.

mod asked;
mod wait;

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};
use thiserror::Error;
use tokio::sync::oneshot;

pub(super) use self::asked::{Asked, Said};
use crate::telemetry::metrics::Sent;
use crate::wire::origin::Origin;

/// Requests of one plugin's call that are under way at once.
pub(super) const MOST_AT_ONCE: usize = 16;

/// Sends what plugins ask for. It may take any time up to the request's timeout, and no longer.
pub trait Outbound: fmt::Debug {
    fn send(&self, request: Outgoing) -> Sending<'_>;
}

/// An answer that is to come.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

pub type Answer = Result<Incoming, SendError>;

/// Where a plugin's requests may go, and how long it may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundPolicy {
    /// Names of upstreams.
    pub upstreams: Vec<Arc<str>>,
    /// Each with the name of the upstream that stands for it.
    pub origins: Vec<(Origin, Arc<str>)>,
    /// For all that one call of a hook waits.
    pub timeout: Duration,
    /// Bytes of the body of one request, and of one response.
    pub max_body: usize,
}

/// A request that may be sent: what it says was looked at, and where it goes is granted.
#[derive(Debug)]
pub struct Outgoing {
    /// Name of an upstream.
    pub upstream: Arc<str>,
    /// Whether that stands for an origin.
    pub is_origin: bool,
    pub method: Method,
    pub target: PathAndQuery,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub timeout: Duration,
    /// Bytes of the response's body.
    pub max_body: usize,
    /// Of the exchange, as balancers tell callers apart.
    pub client: IpAddr,
    pub secure: bool,
}

/// A whole response.
#[derive(Debug)]
pub struct Incoming {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    #[error("the hook cannot wait")]
    Unavailable,
    #[error("it is not granted")]
    NotGranted,
    #[error("{0}")]
    Invalid(String),
    #[error("there is no endpoint")]
    NoEndpoint,
    #[error("there was no connection")]
    Connect,
    #[error("there was no answer in time")]
    Timeout,
    #[error("the connection ended before the response")]
    Broken,
    #[error("the response's body is too long")]
    TooLarge,
    #[error("there is no room for it")]
    Busy,
}

impl From<&Answer> for Sent {
    fn from(answer: &Answer) -> Self {
        match answer {
            Ok(_) => Self::Answered,
            Err(SendError::Unavailable | SendError::NotGranted | SendError::Invalid(_)) => Self::Refused,
            Err(SendError::Timeout) => Self::Timeout,
            Err(
                SendError::NoEndpoint | SendError::Connect | SendError::Broken | SendError::TooLarge | SendError::Busy,
            ) => Self::Failed,
        }
    }
}

/// Requests on their way from a call, or from what it has begun, to who drives it. The lock is never contended: both run on
/// one thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Mailbox(Arc<Mutex<Post>>);

#[derive(Debug, Default)]
struct Post {
    asked: VecDeque<(Outgoing, oneshot::Sender<Answer>)>,
    /// Of who drives the call.
    driver: Option<Waker>,
}

impl Mailbox {
    /// Has a request sent. There is no answer if the call ends before.
    pub(super) fn ask(&self, request: Outgoing) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut post = self.post();
        post.asked.push_back((request, sender));
        if let Some(driver) = post.driver.take() {
            driver.wake();
        }
        receiver
    }

    /// What is to be sent. Whoever asks for more wakes the driver.
    fn take(&self, driver: &Waker) -> VecDeque<(Outgoing, oneshot::Sender<Answer>)> {
        let mut post = self.post();
        post.driver = Some(driver.clone());
        std::mem::take(&mut post.asked)
    }

    /// Forgets what an earlier call has left.
    fn clear(&self) {
        self.post().asked.clear();
    }

    fn post(&self) -> MutexGuard<'_, Post> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a call to its end, and sends what it asks for meanwhile. What is under way then is given up.
pub(super) async fn drive<T>(mailbox: Mailbox, outbound: &dyn Outbound, call: impl Future<Output = T>) -> T {
    mailbox.clear();
    let mut call = pin!(call);
    let mut sending: Vec<(Sending<'_>, Option<oneshot::Sender<Answer>>)> = Vec::new();
    poll_fn(|context| {
        loop {
            if let Poll::Ready(ended) = call.as_mut().poll(context) {
                return Poll::Ready(ended);
            }
            let asked = mailbox.take(context.waker());
            sending.extend(asked.into_iter().map(|(request, sender)| (outbound.send(request), Some(sender))));
            let before = sending.len();
            sending.retain_mut(|(sending, sender)| match sending.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    // Who asked may have lost interest.
                    if let Some(sender) = sender.take() {
                        let _ = sender.send(answer);
                    }
                    false
                }
                Poll::Pending => true,
            });
            if sending.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// The result of a call that waits for nothing, on a fiber though it may be.
pub(super) fn at_once<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::Error::msg("it would have to wait")),
    }
}
