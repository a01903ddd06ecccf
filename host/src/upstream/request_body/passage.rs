//! A request's body that goes through something, piece by piece.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;

use super::{RequestBody, RequestBodyError};

/// What pieces of a body go through, one after the other, before they go on.
pub trait Through: std::fmt::Debug {
    /// What goes on in the place of a piece; nothing of it is no error.
    fn pass(&mut self, piece: Bytes, is_last: bool) -> Result<Bytes, RequestBodyError>;
}

#[derive(Debug)]
pub(super) struct Passage {
    through: Box<dyn Through>,
    /// What came and did not go through yet.
    waiting: Bytes,
    /// Nothing comes any more.
    ended: bool,
    /// The last piece went through.
    pub(super) over: bool,
}

/// Bytes of one piece.
pub const PIECE: usize = 64 * 1024;

impl RequestBody {
    /// Has each piece of it go through something.
    #[must_use]
    pub fn through(self, through: Box<dyn Through>) -> Self {
        let passage = Passage { through, waiting: Bytes::new(), ended: false, over: false };
        Self { passage: Some(Box::new(passage)), ..self }
    }

    pub(super) fn poll_passed(
        &mut self,
        mut passage: Box<Passage>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let polled = self.poll_passage(&mut passage, context);
        self.passage = Some(passage);
        polled
    }

    fn poll_passage(
        &mut self,
        passage: &mut Passage,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        if passage.over {
            return Poll::Ready(None);
        }
        if passage.waiting.is_empty() && !passage.ended {
            match ready!(self.poll_source(context)).transpose()? {
                Some(frame) => {
                    passage.waiting = frame.into_data().unwrap_or_default();
                    passage.ended = self.source_is_over();
                }
                None => passage.ended = true,
            }
        }
        let piece = passage.waiting.split_to(passage.waiting.len().min(PIECE));
        passage.over = passage.ended && passage.waiting.is_empty();
        let passed = passage.through.pass(piece, passage.over)?;
        match (passed.is_empty(), passage.over) {
            (false, _) => Poll::Ready(Some(Ok(Frame::data(passed)))),
            (true, true) => Poll::Ready(None),
            (true, false) => {
                // Others have their turn before the next piece.
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
