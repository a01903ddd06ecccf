//! The body of an upstream's response, as it arrives.
//!
//! It holds the exchange's place at the endpoint until its end, and gives it back there: the
//! connection waits for the next request only after the whole body was read.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};

use super::coded::{Coded, CodedError, Room};
use super::endpoint::Lease;
use super::http2;
use super::limit::Permit;
use super::patience::{Silence, TooLong};
use super::request_body::{RequestBody, longer};
use crate::http1;
use crate::wire::coding::{DecodeError, Decoder};
use crate::wire::trailers;

/// The body of a response. An error in its middle means that it was cut: whoever passes it on must
/// not let it look complete. Dropped before its end, it closes the upstream's connection, or resets the stream.
///
/// One allocation has all of it: a response is handed on many times on its way to the client.
#[derive(Debug)]
pub struct UpstreamBody(Box<Arriving>);

#[derive(Debug)]
struct Arriving {
    /// What was taken of it and put back.
    begun: Bytes,
    source: Source,
    lease: Option<Lease>,
}

/// Why a response's body has no end.
#[derive(Debug, thiserror::Error)]
pub enum AnswerBodyError {
    #[error("the upstream's response was cut short")]
    Cut(#[source] http1::BodyError),
    #[error("the upstream's response was cut short")]
    Stream(#[source] http2::Cut),
    #[error("the upstream's response cannot be passed on to its end")]
    Trailers(#[source] trailers::TooMany),
    #[error("the upstream's response cannot be decoded: {0}")]
    Coding(DecodeError),
    #[error("the upstream said nothing more of its response for {after:?}")]
    Idle { after: Duration },
    #[error("the upstream's response took longer than the whole exchange may")]
    Total,
    #[error("a plugin stopped the response")]
    Stopped,
    #[error("a plugin failed on the response")]
    Failed,
}

impl AnswerBodyError {
    /// The kind of failure in one word, for the access log and the metrics: it was not the client who left. None where
    /// who made the error has said it.
    pub fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Idle { .. } => Some("upstream-idle-timeout"),
            Self::Total => Some("upstream-total-timeout"),
            Self::Coding(error) => Some(error.kind()),
            Self::Cut(http1::BodyError::Chunk | http1::BodyError::Trailers) | Self::Trailers(_) => {
                Some("upstream-malformed")
            }
            Self::Stream(cut) if cut.is_malformed => Some("upstream-malformed"),
            Self::Cut(_) | Self::Stream(_) => Some("upstream-reset"),
            Self::Stopped | Self::Failed => None,
        }
    }
}

#[derive(Debug)]
enum Source {
    Answer(http1::Answer<RequestBody>),
    /// Over HTTP/2.
    Stream(http2::Answer),
    /// No body: the connection speaks another protocol now.
    Switched(http1::Switched),
    /// Decoded as it goes by.
    Coded(Box<Coded<UpstreamBody>>),
    /// At most one frame; `None` when it is spent or there was none.
    Whole(Option<Bytes>),
    /// So many bytes yet, of no meaning.
    Filler(u64),
}

/// What filler consists of, one frame at a time.
static FILLER: [u8; 64 * 1024] = [b'.'; 64 * 1024];

impl UpstreamBody {
    /// Bytes at hand, empty ones for no body.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = Some(bytes.into()).filter(|bytes| !bytes.is_empty());
        Self::of(Source::Whole(bytes))
    }

    /// No body.
    pub fn empty() -> Self {
        Self::full(Bytes::new())
    }

    pub(super) fn answer(status: StatusCode, answer: http1::Answer<RequestBody>) -> Self {
        let source = match status {
            StatusCode::SWITCHING_PROTOCOLS => Source::Switched(answer.into_switched()),
            _ => Source::Answer(answer),
        };
        Self::of(source)
    }

    /// Whether the upstream has switched to another protocol.
    pub fn is_switched(&self) -> bool {
        matches!(self.0.source, Source::Switched(_))
    }

    /// The connection that has switched to another protocol, and the exchange's place, to be held to its end.
    pub fn into_switched(self) -> Option<(http1::Switched, Lease)> {
        match (self.0.source, self.0.lease) {
            (Source::Switched(switched), Some(lease)) => Some((switched, lease)),
            _ => None,
        }
    }

    pub(super) fn stream(answer: http2::Answer) -> Self {
        Self::of(Source::Stream(answer))
    }

    pub(super) fn filler(bytes: u64) -> Self {
        Self::of(Source::Filler(bytes))
    }

    fn of(source: Source) -> Self {
        Self(Box::new(Arriving { begun: Bytes::new(), source, lease: None }))
    }

    /// The same body without its content codings. Its place at the endpoint ends with the bytes that were encoded.
    #[must_use]
    pub fn decoded(self, decoder: Decoder, room: Room) -> Self {
        Self::of(Source::Coded(Coded::new(self, decoder, room)))
    }

    /// Puts back what was taken of it.
    #[must_use]
    pub fn after(mut self, bytes: Bytes) -> Self {
        self.0.begun = bytes;
        self
    }

    /// Holds the exchange's place until the end, which may be now.
    pub(super) fn hold(mut self, lease: Lease) -> Self {
        self.0.lease = Some(lease);
        self.0.release_at_end();
        self
    }

    /// Keeps to these times, and to its place at the upstream, until the end, which may be now.
    pub(super) fn keep_to(&mut self, silence: Option<Silence>, permit: Option<Permit>) {
        if let Some(lease) = &mut self.0.lease {
            lease.silence = silence;
            lease.permit = permit;
        }
    }
}

impl Arriving {
    /// Who reads a body with a known length never asks for the frame after the last.
    fn release_at_end(&mut self) {
        if self.is_over() {
            self.release();
        }
    }

    /// Nothing has come: how long is that to go on?
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let Some(Lease { alarm, silence: Some(silence), .. }) = &mut self.lease else { return Poll::Pending };
        let Poll::Ready(too_long) = silence.poll(alarm, context) else { return Poll::Pending };
        self.lease = None;
        Poll::Ready(Some(Err(match too_long {
            TooLong::Idle(after) => AnswerBodyError::Idle { after },
            TooLong::Total => AnswerBodyError::Total,
        })))
    }

    /// Nothing is left of it.
    fn is_over(&self) -> bool {
        let is_over = match &self.source {
            Source::Answer(answer) => answer.is_done(),
            Source::Stream(answer) => answer.is_done(),
            Source::Coded(coded) => coded.is_over(),
            Source::Switched(_) => false,
            Source::Whole(bytes) => bytes.is_none(),
            Source::Filler(remaining) => *remaining == 0,
        };
        is_over && self.begun.is_empty()
    }

    fn release(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        match std::mem::replace(&mut self.source, Source::Whole(None)) {
            Source::Answer(answer) => lease.finish(answer.into_connection()),
            Source::Stream(answer) => drop((answer, lease)),
            source => self.source = source,
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let body = &mut *self.get_mut().0;
        if !body.begun.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut body.begun)))));
        }
        let item = match &mut body.source {
            Source::Answer(answer) => match answer.poll_frame(context) {
                Poll::Ready(frame) => frame.map(|frame| frame.map_err(AnswerBodyError::Cut)),
                Poll::Pending => return body.poll_silence(context),
            },
            Source::Stream(answer) => match answer.poll_frame(context) {
                Poll::Ready(frame) => frame.map(|frame| frame.map_err(AnswerBodyError::Stream)),
                Poll::Pending => return body.poll_silence(context),
            },
            Source::Coded(coded) => match coded.poll(context, |inner, context| Pin::new(inner).poll_frame(context)) {
                Poll::Ready(frame) => frame.map(|frame| {
                    frame.map_err(|error| match error {
                        CodedError::Body(error) => error,
                        CodedError::Coding(error) => AnswerBodyError::Coding(error),
                    })
                }),
                Poll::Pending => return Poll::Pending,
            },
            Source::Switched(_) => None,
            Source::Whole(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Source::Filler(remaining) => take_filler(remaining).map(|bytes| Ok(Frame::data(bytes))),
        };
        Poll::Ready(match item {
            Some(Ok(frame)) => {
                if let Some(Lease { silence: Some(silence), .. }) = &mut body.lease {
                    silence.broken();
                }
                body.release_at_end();
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                body.lease = None;
                Some(Err(error))
            }
            None => {
                body.release();
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.0.source {
            Source::Answer(answer) => answer.size_hint(),
            Source::Stream(answer) => answer.size_hint(),
            Source::Coded(_) => SizeHint::default(),
            Source::Switched(_) => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::Filler(remaining) => SizeHint::with_exact(*remaining),
        };
        if self.0.begun.is_empty() { rest } else { longer(&rest, self.0.begun.len()) }
    }
}

fn take_filler(remaining: &mut u64) -> Option<Bytes> {
    let length = usize::try_from(*remaining).map_or(FILLER.len(), |left| left.min(FILLER.len()));
    *remaining -= length as u64;
    (length > 0).then(|| Bytes::from_static(&FILLER[..length]))
}
