//! What went through a request's body, counted; and what the listener has given up of it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame};
use tokio::time::Instant;

use super::client::{ClientBody, of_client};
use super::{CodedError, RequestBodyError};

/// What became of a stream of HTTP/2 that its client was waited for on, told by the listener to whom it may concern.
pub type Verdict = Rc<Cell<GivenUp>>;

/// What the listener has given up, because the client does not take or send anything.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    #[default]
    Nothing,
    /// The stream, whose request's body did not come.
    Body,
    /// The stream, whose response was not taken.
    Response,
    /// The whole connection, on which no response was taken.
    Connection,
}

/// What went through a body, shared by the body and the proxy. Per worker: no atomics.
#[derive(Debug, Default)]
pub struct BodyMeter {
    bytes: Cell<u64>,
    limit: Option<u64>,
    over_limit: Cell<bool>,
    /// The last time that a piece was taken.
    last: Cell<Option<Instant>>,
    /// The upstream wants more and the client sends none.
    waiting: Cell<bool>,
    /// The listener ends the waiting.
    watched: Cell<bool>,
    /// Over HTTP/2.
    verdict: RefCell<Option<Verdict>>,
    /// For a second upstream.
    copy: RefCell<Copy>,
}

/// What has gone by.
#[derive(Debug, Default)]
enum Copy {
    /// Nobody wants it, or it is too much.
    #[default]
    None,
    Begun(BytesMut, usize),
    Whole(Bytes),
}

impl BodyMeter {
    /// `limit` is the largest body in bytes that passes; `None`: any.
    pub fn new(limit: Option<u64>) -> Rc<Self> {
        Rc::new(Self { limit, ..Self::default() })
    }

    /// This is what a client sends. One whose declared length is over the limit is so at once.
    pub(super) fn begin(&self, body: &ClientBody) {
        if self.limit.is_some_and(|limit| body.size_hint().lower() > limit) {
            self.over_limit.set(true);
        }
        match body {
            ClientBody::Http1(_) => self.watched.set(true),
            ClientBody::Http2(_, verdict, _) => drop(self.verdict.replace(Some(Rc::clone(verdict)))),
        }
    }

    /// Whether more is wanted than the client has sent.
    pub(super) fn waits(&self, waits: bool) {
        self.waiting.set(waits);
    }

    /// Bytes of data so far; trailers and framing do not count.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    /// The body is longer than the limit, as declared or as read. The upstream never sees its end.
    pub fn over_limit(&self) -> bool {
        self.over_limit.get()
    }

    /// What the listener has given up of the client's, over HTTP/2.
    fn given_up(&self) -> GivenUp {
        self.verdict.borrow().as_ref().map(|verdict| verdict.get()).unwrap_or_default()
    }

    /// Whether the body is being asked for and the client has sent no more of it.
    pub(in crate::upstream) fn waiting(&self) -> bool {
        self.waiting.get()
    }

    /// Whether it is for the listener to say how long the client may take.
    pub(in crate::upstream) fn is_watched(&self) -> bool {
        self.watched.get()
    }

    /// From now on what goes by is copied, up to so many bytes; of a body that is empty that is all.
    pub fn copy_up_to(&self, most: usize, is_empty: bool) {
        self.copy.replace(if is_empty { Copy::Whole(Bytes::new()) } else { Copy::Begun(BytesMut::new(), most) });
    }

    /// All that went by, if it was copied and has come to its end.
    pub fn take_copy(&self) -> Option<Bytes> {
        match self.copy.take() {
            Copy::Whole(bytes) => Some(bytes),
            Copy::None | Copy::Begun(..) => None,
        }
    }

    pub(super) fn copy(&self, piece: &[u8], is_last: impl FnOnce() -> bool) {
        let mut copy = self.copy.borrow_mut();
        let Copy::Begun(bytes, most) = &mut *copy else { return };
        if bytes.len() + piece.len() > *most {
            *copy = Copy::None;
            return;
        }
        bytes.extend_from_slice(piece);
        if is_last() {
            *copy = Copy::Whole(std::mem::take(bytes).freeze());
        }
    }

    /// Why an exchange did not come to its end, if the client is to blame: it sent more than it may, or was waited for over
    /// HTTP/2. `has_begun`: there was a response that it could take.
    pub fn blamed(&self, has_begun: bool) -> Option<&'static str> {
        match self.given_up() {
            GivenUp::Body => Some(RequestBodyError::Late.reason()),
            GivenUp::Response => Some("client-write-timeout"),
            GivenUp::Connection if has_begun => Some("client-write-timeout"),
            GivenUp::Connection | GivenUp::Nothing => self.over_limit().then_some("body-too-large"),
        }
    }

    /// Counts what went through a tunnel, which has no limit.
    pub fn carried(&self, bytes: usize) {
        self.bytes.set(self.bytes.get().saturating_add(bytes as u64));
    }

    /// When the last piece was taken.
    pub(in crate::upstream) fn last(&self) -> Option<Instant> {
        self.last.get()
    }

    /// What comes of a client's body, counted.
    pub(super) fn pull(
        &self,
        body: &mut ClientBody,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let polled = Pin::new(body).poll_frame(context);
        self.waits(polled.is_pending());
        let counted = |frame: Result<Frame<Bytes>, _>| {
            let frame = frame.map_err(of_client)?;
            self.add(frame.data_ref().map_or(0, |data| data.len() as u64)).map(|()| frame)
        };
        polled.map(|frame| frame.map(counted))
    }

    /// What goes on of a decoded frame, `made` bytes in all. The limit is that of decoded bytes too.
    pub(super) fn decoded(
        &self,
        frame: Result<Frame<Bytes>, CodedError<RequestBodyError>>,
        made: u64,
    ) -> Option<Result<Frame<Bytes>, RequestBodyError>> {
        match frame {
            Ok(frame) if frame.is_trailers() => None,
            Ok(frame) => {
                if self.limit.is_some_and(|limit| made > limit) {
                    self.over_limit.set(true);
                }
                Some(self.check().map(|()| frame))
            }
            Err(CodedError::Body(error)) => Some(Err(error)),
            Err(CodedError::Coding(error)) => Some(Err(RequestBodyError::Coding(error))),
        }
    }

    /// The error to end with when the limit is known to be crossed.
    pub(in crate::upstream) fn check(&self) -> Result<(), RequestBodyError> {
        match self.limit {
            Some(limit) if self.over_limit.get() => Err(RequestBodyError::OverLimit { limit }),
            _ => Ok(()),
        }
    }

    pub(in crate::upstream) fn add(&self, more: u64) -> Result<(), RequestBodyError> {
        let bytes = self.bytes.get().saturating_add(more);
        self.bytes.set(bytes);
        self.last.set(Some(Instant::now()));
        if self.limit.is_some_and(|limit| bytes > limit) {
            self.over_limit.set(true);
        }
        self.check()
    }
}
