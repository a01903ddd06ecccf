//! Bodies that go through plugins piece by piece, as they are asked for: who does not read holds back who sends.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as _, Frame};

use super::flight::Flight;
use super::view::View;
use crate::chain::{Cut, Run};
use crate::upstream::{AnswerBodyError, PIECE, RequestBodyError, Through, Turn, UpstreamBody, give_way};

/// What a request's body goes through on its way to the upstream.
pub(super) struct Upload {
    pub(super) run: Rc<RefCell<Run>>,
    pub(super) view: Rc<View>,
    pub(super) route: usize,
}

impl Through for Upload {
    fn pass(&mut self, piece: Bytes, is_last: bool) -> Result<Bytes, RequestBodyError> {
        let chain = &self.view.route(self.route).chain;
        let passed = self.run.borrow_mut().on_request_chunk(chain, piece, is_last);
        passed.map_err(|cut| match cut {
            Cut::Stopped => RequestBodyError::Stopped,
            Cut::Failed => RequestBodyError::Failed,
        })
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("route", &self.route).finish_non_exhaustive()
    }
}

/// A response's body on its way through plugins.
#[derive(Default)]
pub(super) struct Chunks {
    /// What came and did not go through yet.
    waiting: Bytes,
    turn: Turn,
    trailers: Option<HeaderMap>,
    /// Nothing comes any more.
    ended: bool,
    /// The last piece went through.
    over: bool,
}

impl Chunks {
    pub(super) fn is_over(&self) -> bool {
        self.over && self.trailers.is_none()
    }

    pub(super) fn poll(
        &mut self,
        source: &mut UpstreamBody,
        flight: &mut Flight,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        if !self.over {
            if self.turn.is_over(context) {
                return Poll::Pending;
            }
            if self.waiting.is_empty() && !self.ended {
                ready!(self.take(source, context))?;
            }
            let piece = self.waiting.split_to(self.waiting.len().min(PIECE));
            self.over = self.ended && self.waiting.is_empty();
            self.turn.takes(piece.len());
            let passed = flight.pass(piece, self.over)?;
            if !passed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(passed))));
            }
            if !self.over {
                give_way(context);
                return Poll::Pending;
            }
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn take(&mut self, source: &mut UpstreamBody, context: &mut Context<'_>) -> Poll<Result<(), AnswerBodyError>> {
        match ready!(Pin::new(&mut *source).poll_frame(context)).transpose()? {
            None => self.ended = true,
            Some(frame) => match frame.into_data() {
                Ok(data) => {
                    self.waiting = data;
                    self.ended = source.is_end_stream();
                }
                Err(frame) => {
                    self.trailers = frame.into_trailers().ok();
                    self.ended = true;
                }
            },
        }
        Poll::Ready(Ok(()))
    }
}
