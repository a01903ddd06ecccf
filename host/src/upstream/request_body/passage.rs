//! A request's body that goes through something, piece by piece.

use std::pin::pin;
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
    turn: Turn,
    /// Nothing comes any more.
    ended: bool,
    /// The last piece went through.
    pub(super) over: bool,
}

/// Bytes of one piece.
pub const PIECE: usize = 64 * 1024;

/// What goes through plugins before the worker's other exchanges have their turn: a piece, or so many small ones that a
/// piece of calls was made. Without it as much would go through as tokio lets a task read and write in one go: hundreds of
/// pieces.
#[derive(Debug, Default)]
pub struct Turn(usize);

/// What a call counts for at least, in bytes.
const LEAST: usize = 4 * 1024;

impl Turn {
    /// So many bytes go through.
    pub fn takes(&mut self, bytes: usize) {
        self.0 += bytes.max(LEAST);
    }

    /// Whether others come first. Then whoever asks is woken behind them.
    pub fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let is_over = self.0 >= PIECE;
        if is_over {
            self.0 = 0;
            give_way(context);
        }
        is_over
    }
}

/// Has the task woken once the others had their turn, those included for which something has come by now. One that wakes
/// itself keeps the runtime from looking at its sockets: that is done with every 61st task.
pub fn give_way(context: &mut Context<'_>) {
    // It is pending the first time that it is polled, and has arranged for the rest then.
    let _ = pin!(tokio::task::yield_now()).poll(context);
}

impl RequestBody {
    /// Has each piece of it go through something.
    #[must_use]
    pub fn through(self, through: Box<dyn Through>) -> Self {
        let passage = Passage { through, waiting: Bytes::new(), turn: Turn::default(), ended: false, over: false };
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
        if passage.turn.is_over(context) {
            return Poll::Pending;
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
        passage.turn.takes(piece.len());
        let passed = passage.through.pass(piece, passage.over)?;
        match (passed.is_empty(), passage.over) {
            (false, _) => Poll::Ready(Some(Ok(Frame::data(passed)))),
            (true, true) => Poll::Ready(None),
            (true, false) => {
                give_way(context);
                Poll::Pending
            }
        }
    }
}
