//! Requests of a plugin's own, while its call waits on a fiber.
//!
//! An import puts a request into the mailbox of its instance and waits, and who drives the call has it sent
//! (`outbound/mailbox.rs`); when there is an answer, the guest goes on in its turn (`outbound/turns.rs`).

mod asked;
mod mailbox;
mod redirect;
mod turns;
mod wait;

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode};
use thiserror::Error;

pub(super) use self::asked::{Asked, Said};
pub(super) use self::mailbox::{Mailbox, drive};
pub use self::redirect::{Named, Redirects};
pub use self::turns::attend;
use crate::telemetry::metrics::Sent;
use crate::wire::origin::Origin;

/// Requests of one plugin's call that are under way at once.
pub(super) const MOST_AT_ONCE: usize = 16;
/// Redirects that one request may ask to be followed.
pub(super) const MOST_REDIRECTS: u8 = 10;

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
    /// The one that it stands for, if it does.
    pub origin: Option<Origin>,
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
    pub redirects: Redirects,
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
    #[error("a redirect is not followed: {0}")]
    Redirect(String),
}

impl From<&Answer> for Sent {
    fn from(answer: &Answer) -> Self {
        match answer {
            Ok(_) => Self::Answered,
            Err(SendError::Unavailable | SendError::NotGranted | SendError::Invalid(_) | SendError::Redirect(_)) => {
                Self::Refused
            }
            Err(SendError::Timeout) => Self::Timeout,
            Err(
                SendError::NoEndpoint | SendError::Connect | SendError::Broken | SendError::TooLarge | SendError::Busy,
            ) => Self::Failed,
        }
    }
}

/// The result of a call that waits for nothing, on a fiber though it may be.
pub(super) fn at_once<T>(future: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err(wasmtime::Error::msg("it would have to wait")),
    }
}
