//! A request's body that can be sent again from its first byte, as far as it is small.
//!
//! One try after the other reads it: what the client has sent is kept, copied into one piece of memory, so that the
//! config's limit is the limit and no fragment holds a whole buffer. Once it is more, nothing is kept, and the try that
//! runs goes on.

use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};

use super::request_body::{BodyMeter, ClientBody, RequestBody};

/// What a request's body can be made of once more.
#[derive(Debug)]
pub(super) enum Replay {
    /// It is gone with the try that took it.
    Impossible,
    /// There is none.
    Empty(Rc<BodyMeter>),
    /// It is at hand: a plugin has seen it whole.
    Whole(Bytes, Rc<BodyMeter>),
    Kept(Rc<Kept>, Rc<BodyMeter>),
}

/// What all tries of a request share.
#[derive(Debug)]
pub(super) struct Kept(RefCell<State>);

#[derive(Debug)]
struct State {
    source: ClientBody,
    /// All that came of it; none when it was too much.
    bytes: Option<BytesMut>,
    most: usize,
}

/// One try's reading of it.
#[derive(Debug)]
pub(super) struct Reader {
    kept: Rc<Kept>,
    /// Bytes that were read.
    at: usize,
}

/// What comes next.
pub(super) enum Piece {
    /// The client sent it for an earlier try.
    Again(Bytes),
    New(Frame<Bytes>),
}

impl Replay {
    /// Has a body kept as it is sent, up to so many bytes; with 0 only what is empty can be sent again.
    pub(super) fn of(body: &mut Option<RequestBody>, most: usize) -> Self {
        let Some(whole) = body else { return Self::Impossible };
        if whole.is_end_stream() {
            return Self::Empty(Rc::clone(whole.meter()));
        }
        if most == 0 || whole.size_hint().lower() > most as u64 {
            return Self::Impossible;
        }
        if let Some(bytes) = whole.at_hand() {
            return Self::Whole(bytes.clone(), Rc::clone(whole.meter()));
        }
        let (meter, mut kept) = (Rc::clone(whole.meter()), None);
        *body = body.take().map(|whole| {
            whole.kept(|source| {
                let state = State { source, bytes: Some(BytesMut::new()), most };
                Rc::clone(kept.insert(Rc::new(Kept(RefCell::new(state)))))
            })
        });
        kept.map_or(Self::Impossible, |kept| Self::Kept(kept, meter))
    }

    pub(super) fn is_possible(&self) -> bool {
        match self {
            Self::Impossible => false,
            Self::Empty(_) | Self::Whole(..) => true,
            Self::Kept(kept, _) => kept.0.borrow().bytes.is_some(),
        }
    }

    /// Whether the client has sent all of it.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Self::Impossible => false,
            Self::Empty(_) | Self::Whole(..) => true,
            Self::Kept(kept, _) => kept.0.borrow().source.is_end_stream(),
        }
    }

    /// The body from its first byte, if it is possible. The try that read it before has ended.
    pub(super) fn again(&self) -> Option<RequestBody> {
        match self {
            Self::Empty(meter) => Some(RequestBody::nothing(Rc::clone(meter))),
            Self::Whole(bytes, meter) => Some(RequestBody::whole_again(bytes.clone(), Rc::clone(meter))),
            Self::Kept(kept, meter) if self.is_possible() => {
                Some(RequestBody::again(Reader::new(Rc::clone(kept)), Rc::clone(meter)))
            }
            Self::Impossible | Self::Kept(..) => None,
        }
    }
}

/// No further try comes: what arrives from now on is not kept.
impl Drop for Replay {
    fn drop(&mut self) {
        if let Self::Kept(kept, _) = self {
            kept.0.borrow_mut().most = 0;
        }
    }
}

impl Reader {
    pub(super) fn new(kept: Rc<Kept>) -> Self {
        Self { kept, at: 0 }
    }

    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Piece, Box<dyn Error + Send + Sync>>>> {
        let State { source, bytes, most } = &mut *self.kept.0.borrow_mut();
        if let Some(left) = bytes.as_ref().and_then(|bytes| bytes.get(self.at..)).filter(|left| !left.is_empty()) {
            self.at += left.len();
            return Poll::Ready(Some(Ok(Piece::Again(Bytes::copy_from_slice(left)))));
        }
        let frame = match ready!(Pin::new(source).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                *bytes = None;
                return Poll::Ready(Some(Err(error)));
            }
            None => return Poll::Ready(None),
        };
        if let (Some(data), Some(kept)) = (frame.data_ref(), bytes.as_mut()) {
            if kept.len() + data.len() > *most {
                *bytes = None;
            } else {
                kept.extend_from_slice(data);
                self.at = kept.len();
            }
        }
        Poll::Ready(Some(Ok(Piece::New(frame))))
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.kept.0.borrow();
        self.left(&state) == 0 && state.source.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.kept.0.borrow();
        match state.source.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + self.left(&state)),
            None => SizeHint::default(),
        }
    }

    /// Bytes that are kept and were not read.
    fn left(&self, state: &State) -> u64 {
        state.bytes.as_ref().map_or(0, |bytes| bytes.len().saturating_sub(self.at)) as u64
    }
}
