//! A body whose content codings are taken off as it arrives. What is not asked for is not decoded, and not asked for.

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;

use super::request_body::give_way;
use crate::wire::coding::{DecodeError, Decoded, Decoder, SUMS};

#[derive(Debug)]
pub(super) struct Coded<B> {
    body: B,
    decoder: Decoder,
    /// What came and is not decoded.
    waiting: Bytes,
    trailers: Option<HeaderMap>,
    /// Nothing comes any more.
    ended: bool,
    /// All of it is decoded.
    over: bool,
    /// Its room in memory.
    _room: Room,
}

/// What holds the room that a decoder takes, until it is dropped.
pub type Room = Box<dyn fmt::Debug>;

/// Why there is no more of it.
pub(super) enum CodedError<E> {
    Body(E),
    Coding(DecodeError),
}

/// What there is of a body by now.
type Pulled<E> = Poll<Option<Result<Frame<Bytes>, E>>>;

impl<B> Coded<B> {
    pub(super) fn new(body: B, decoder: Decoder, room: Room) -> Box<Self> {
        let (waiting, trailers) = (Bytes::new(), None);
        Box::new(Self { body, decoder, waiting, trailers, ended: false, over: false, _room: room })
    }

    pub(super) fn is_over(&self) -> bool {
        self.over && self.trailers.is_none()
    }

    /// Bytes that were decoded.
    pub(super) fn made(&self) -> u64 {
        self.decoder.made()
    }

    /// The next frame. `pull` takes the next one as it was sent.
    pub(super) fn poll<E>(
        &mut self,
        context: &mut Context<'_>,
        mut pull: impl FnMut(&mut B, &mut Context<'_>) -> Pulled<E>,
    ) -> Pulled<CodedError<E>> {
        let mut has_pulled = false;
        while !self.over {
            match self.decoder.decode(&mut self.waiting, self.ended) {
                Ok(Decoded::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Decoded::End) => self.over = true,
                Ok(Decoded::Wanting) if !has_pulled => {
                    has_pulled = true;
                    match ready!(pull(&mut self.body, context)) {
                        Some(Ok(frame)) => self.take(frame),
                        Some(Err(error)) => return Poll::Ready(Some(Err(CodedError::Body(error)))),
                        None => self.ended = true,
                    }
                }
                Ok(Decoded::Wanting | Decoded::Busy) => {
                    // Others have their turn before the next piece.
                    give_way(context);
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Some(Err(CodedError::Coding(error)))),
            }
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn take(&mut self, frame: Frame<Bytes>) {
        match frame.into_data() {
            Ok(data) => self.waiting = data,
            Err(frame) => {
                self.ended = true;
                self.trailers = frame.into_trailers().ok();
                // They tell of the bytes as they were sent.
                SUMS.iter().zip(&mut self.trailers).for_each(|(sum, trailers)| drop(trailers.remove(sum)));
            }
        }
    }
}
