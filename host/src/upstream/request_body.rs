//! The request's body on its way to an upstream: counted, limited, decoded where plugins want that, and kept only where it
//! may be sent again.
//!
//! It must not know what a limit means to the client; the proxy reads that from the meter.

mod client;
mod meter;
mod passage;

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pub use client::{ClientBody, Invitation};
pub use meter::{BodyMeter, GivenUp, Verdict};
pub use passage::{PIECE, Through, Turn, give_way};

use super::coded::{Coded, CodedError, Room};
use super::replay::{Kept, Piece, Reader};
use crate::http1::BodyError;
use crate::wire::coding::{DecodeError, Decoder};
use client::of_client;
use passage::Passage;

/// The body of a request that goes to an upstream. Its size hint is exact when the client's framing
/// says the length, so that `content-length` is forwarded as such. Trailers end here.
#[derive(Debug)]
pub struct RequestBody {
    source: Source,
    meter: Rc<BodyMeter>,
    passage: Option<Box<Passage>>,
}

#[derive(Debug)]
enum Source {
    Client(ClientBody),
    /// It may be sent again.
    Kept(Reader),
    /// Decoded as it goes by.
    Coded(Box<Coded<ClientBody>>),
    Nothing,
    /// At most one frame; `None` when it is spent or there was none.
    Whole(Option<Bytes>),
    /// What was taken of it before, and is counted.
    Begun(Bytes, Box<Source>),
}

/// Why a request's body has no end.
#[derive(Debug, thiserror::Error)]
pub enum RequestBodyError {
    #[error("it is longer than {limit} bytes")]
    OverLimit { limit: u64 },
    #[error("the client did not send all of it: {0}")]
    Client(Box<dyn std::error::Error + Send + Sync>),
    #[error("it cannot be decoded: {0}")]
    Coding(DecodeError),
    #[error("the client sent nothing for {after:?}")]
    Stalled { after: Duration },
    #[error("the client sent too little for too long")]
    Late,
    #[error("a plugin stopped it")]
    Stopped,
    #[error("a plugin failed on it")]
    Failed,
}

impl RequestBody {
    /// What a client sends. A body whose declared length is over the meter's limit marks the meter
    /// at once, so that it can be refused before anything is done for it.
    pub fn incoming(body: ClientBody, meter: Rc<BodyMeter>) -> Self {
        meter.begin(&body);
        Self { source: Source::Client(body), meter, passage: None }
    }

    /// The same body, of which `keep` takes the source. One that does not come from a client stays as it is.
    pub(super) fn kept(self, keep: impl FnOnce(ClientBody) -> Rc<Kept>) -> Self {
        match self.source {
            // What goes through something is made once.
            Source::Client(body) if self.passage.is_none() => {
                Self { source: Source::Kept(Reader::new(keep(body))), ..self }
            }
            source => Self { source, ..self },
        }
    }

    /// A body that an earlier try has begun to read.
    pub(super) fn again(reader: Reader, meter: Rc<BodyMeter>) -> Self {
        // Nobody waits for the client until this is read.
        meter.waits(false);
        Self { source: Source::Kept(reader), meter, passage: None }
    }

    /// Bytes at hand, once more.
    pub(super) fn whole_again(bytes: Bytes, meter: Rc<BodyMeter>) -> Self {
        Self { source: Source::Whole(Some(bytes)), meter, passage: None }
    }

    /// All of it, if it is at hand.
    pub(super) fn at_hand(&self) -> Option<&Bytes> {
        match &self.source {
            Source::Whole(bytes) if self.passage.is_none() => bytes.as_ref(),
            _ => None,
        }
    }

    /// No body, for another try.
    pub(super) fn nothing(meter: Rc<BodyMeter>) -> Self {
        Self { source: Source::Nothing, meter, passage: None }
    }

    /// Bytes at hand, empty ones for no body.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = Some(bytes.into()).filter(|bytes| !bytes.is_empty());
        let meter = BodyMeter::default();
        Self { source: Source::Whole(bytes), meter: Rc::new(meter), passage: None }
    }

    /// No body.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    /// These bytes in its place, which was read to its end.
    #[must_use]
    pub fn replaced(self, bytes: Bytes) -> Self {
        let bytes = Some(bytes).filter(|bytes| !bytes.is_empty());
        Self { source: Source::Whole(bytes), ..self }
    }

    /// The same body without its content codings. One that does not come from a client stays as it is.
    #[must_use]
    pub fn decoded(self, decoder: Decoder, room: Room) -> Self {
        let source = match self.source {
            Source::Client(body) => Source::Coded(Coded::new(body, decoder, room)),
            source => source,
        };
        Self { source, ..self }
    }

    /// Puts back what was taken of it.
    #[must_use]
    pub fn after(self, bytes: Bytes) -> Self {
        let source = match self.source {
            source @ (Source::Client(_) | Source::Coded(_)) if !bytes.is_empty() => {
                Source::Begun(bytes, Box::new(source))
            }
            source => source,
        };
        Self { source, ..self }
    }

    /// What went through so far; it outlives the body.
    pub fn meter(&self) -> &Rc<BodyMeter> {
        &self.meter
    }

    /// What was put back, or put in its place; it is counted already.
    fn take(&mut self) -> Option<Bytes> {
        match std::mem::replace(&mut self.source, Source::Whole(None)) {
            Source::Whole(bytes) => bytes,
            Source::Begun(bytes, rest) => {
                self.source = *rest;
                Some(bytes)
            }
            source => {
                self.source = source;
                None
            }
        }
    }

    /// What goes on of a frame. Trailers come after every plugin has run, and could say what only a plugin may (RFC 9110,
    /// section 6.5.1, lets them be dropped).
    fn pass(&self, frame: Frame<Bytes>) -> Option<Result<Frame<Bytes>, RequestBodyError>> {
        let data = frame.data_ref()?;
        Some(self.meter.add(data.len() as u64).map(|()| frame))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let polled = match self.passage.take() {
            Some(passage) => self.poll_passed(passage, context),
            None => self.poll_source(context),
        };
        if let Poll::Ready(frame) = &polled
            && !matches!(self.source, Source::Kept(_))
        {
            self.copy(frame.as_ref());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.passage.as_ref().map_or_else(|| self.source_is_over(), |passage| passage.over)
    }

    fn size_hint(&self) -> SizeHint {
        if self.passage.is_some() {
            return SizeHint::default();
        }
        self.source.size_hint()
    }
}

impl Source {
    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(body) => body.size_hint(),
            Self::Kept(reader) => reader.size_hint(),
            Self::Coded(_) => SizeHint::default(),
            Self::Nothing => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Begun(bytes, rest) => longer(&rest.size_hint(), bytes.len()),
        }
    }
}

impl RequestBody {
    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let item = match &mut self.source {
            Source::Client(body) => {
                let polled = Pin::new(body).poll_frame(context);
                self.meter.waits(polled.is_pending());
                ready!(polled)
            }
            Source::Kept(reader) => {
                let polled = reader.poll(context);
                self.meter.waits(polled.is_pending());
                let item = match ready!(polled) {
                    // It was counted and copied when it was new.
                    Some(Ok(Piece::Again(bytes))) => return Poll::Ready(Some(Ok(Frame::data(bytes)))),
                    Some(Ok(Piece::New(frame))) => self.pass(frame),
                    Some(Err(error)) => Some(Err(of_client(error))),
                    None => None,
                };
                self.copy(item.as_ref());
                return Poll::Ready(item);
            }
            Source::Coded(coded) => {
                let polled = coded.poll(context, |body, context| self.meter.pull(body, context));
                return polled.map(|frame| self.meter.decoded(frame?, coded.made()));
            }
            Source::Nothing => None,
            Source::Whole(_) | Source::Begun(..) => {
                return Poll::Ready(self.take().map(|bytes| Ok(Frame::data(bytes))));
            }
        };
        Poll::Ready(match item {
            Some(Ok(frame)) => self.pass(frame),
            Some(Err(error)) => Some(Err(of_client(error))),
            None => None,
        })
    }

    /// What goes on is what a second upstream gets.
    fn copy(&self, frame: Option<&Result<Frame<Bytes>, RequestBodyError>>) {
        match frame {
            None => self.meter.copy(&[], || true),
            Some(Ok(frame)) => {
                self.meter.copy(frame.data_ref().map_or(&[], |data| &data[..]), || self.is_end_stream());
            }
            Some(Err(_)) => {}
        }
    }

    fn source_is_over(&self) -> bool {
        match &self.source {
            Source::Client(body) => body.is_end_stream(),
            Source::Kept(reader) => reader.is_end_stream(),
            Source::Coded(coded) => coded.is_over(),
            Source::Nothing => true,
            Source::Whole(bytes) => bytes.is_none(),
            Source::Begun(..) => false,
        }
    }
}

/// The size of a body that has so many bytes before it.
pub(super) fn longer(hint: &SizeHint, bytes: usize) -> SizeHint {
    hint.exact().map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest.saturating_add(bytes as u64)))
}

impl RequestBodyError {
    /// In one word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::OverLimit { .. } => "request-body-too-large",
            Self::Client(_) => "request-body-cut",
            Self::Coding(error) => error.kind(),
            Self::Stalled { .. } | Self::Late => "request-body-timeout",
            Self::Stopped => "plugin-stop",
            Self::Failed => "plugin-fault",
        }
    }

    /// What is wrong with its framing, where that is why.
    pub fn misframed(&self) -> Option<String> {
        match self {
            Self::Client(error) => match error.downcast_ref() {
                Some(error @ (BodyError::Chunk | BodyError::Trailers)) => Some(error.to_string()),
                _ => None,
            },
            _ => None,
        }
    }
}
