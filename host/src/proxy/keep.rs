//! Reads a body to its end, as far as it may be kept.
//!
//! Who wants it whole, and what a client is told when it cannot be, is not known here.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::timeout;

use super::room::{Full, Share};
use crate::chain::Keeping;

/// What was read of a body.
#[derive(Debug)]
pub(super) enum Kept {
    Whole(Bytes),
    /// It is longer than any plugin takes, and the rest is still to be read.
    Beginning(Bytes),
}

/// Why a body is not kept.
#[derive(Debug)]
pub(super) enum KeepError<E> {
    /// It is longer than a plugin takes that has to see it.
    TooLarge(usize),
    NoRoom,
    /// Nothing of it came for so long.
    Silent(Duration),
    Body(E),
}

impl<E> From<Full> for KeepError<E> {
    fn from(Full: Full) -> Self {
        Self::NoRoom
    }
}

/// Trailers end here. `silence`: how long a piece of it is waited for, if nobody else watches over that.
pub(super) async fn keep<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    keeping: Keeping,
    mut share: Share,
    silence: Option<Duration>,
) -> Result<Kept, KeepError<B::Error>> {
    let hint = body.size_hint();
    let least = usize::try_from(hint.lower()).unwrap_or(usize::MAX);
    within(keeping, least)?;
    if least > keeping.most {
        return Ok(Kept::Beginning(Bytes::new()));
    }
    let known = hint.exact().map(|_| least);
    let mut kept = Vec::new();
    while let Some(frame) = next(body, silence).await? {
        let Ok(data) = frame.map_err(KeepError::Body)?.into_data() else { continue };
        let length = kept.len() + data.len();
        within(keeping, length)?;
        if kept.is_empty() && body.is_end_stream() {
            share.grow(data.len())?;
            return Ok(if length > keeping.most {
                Kept::Beginning(share.hold(data))
            } else {
                Kept::Whole(share.hold(data))
            });
        }
        if length > kept.capacity() {
            let doubled = length.max(kept.capacity() * 2);
            let capacity = known.map_or(doubled, |known| doubled.min(known)).max(length);
            share.grow(capacity - kept.capacity())?;
            kept.reserve_exact(capacity - kept.len());
        }
        kept.extend_from_slice(&data);
        if length > keeping.most {
            return Ok(Kept::Beginning(share.hold(kept)));
        }
    }
    Ok(Kept::Whole(share.hold(kept)))
}

fn within<E>(keeping: Keeping, length: usize) -> Result<(), KeepError<E>> {
    match keeping.reject {
        Some(most) if length > most => Err(KeepError::TooLarge(most)),
        _ => Ok(()),
    }
}

type Next<E> = Option<Result<Frame<Bytes>, E>>;

async fn next<B: Body<Data = Bytes> + Unpin>(
    body: &mut B,
    silence: Option<Duration>,
) -> Result<Next<B::Error>, KeepError<B::Error>> {
    let next = poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
    match silence {
        None => Ok(next.await),
        Some(silence) => timeout(silence, next).await.map_err(|_| KeepError::Silent(silence)),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::proxy::room::Room;

    /// A body in pieces, of unknown length.
    struct Pieces(Vec<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Next<Infallible>> {
            let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
            Poll::Ready(piece.map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    /// What is kept of these pieces by who takes 8 bytes, and the room that it takes while it is kept.
    fn kept(pieces: &[&'static str], reject: Option<usize>, most: usize) -> (String, usize) {
        let room = Arc::new(Room::default());
        let mut body = Pieces(pieces.to_vec());
        let keeping = Keeping { reject, most: 8 };
        let Poll::Ready(kept) =
            pin!(keep(&mut body, keeping, room.share(most), None)).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("it waits for nothing")
        };
        let taken = room.taken();
        let text = format!("{kept:?} {:?}", body.0);
        drop(kept);
        assert_eq!(room.taken(), 0);
        (text, taken)
    }

    #[test]
    fn a_body_is_kept_whole_as_far_as_a_plugin_takes_it() {
        assert_eq!(kept(&["abcd", "efg"], None, 100), ("Ok(Whole(b\"abcdefg\")) []".into(), 8));
        assert_eq!(kept(&[], Some(8), 100), ("Ok(Whole(b\"\")) []".into(), 0));
        let (longer, _) = kept(&["abcd", "efghi", "j"], None, 100);
        assert_eq!(longer, "Ok(Beginning(b\"abcdefghi\")) [\"j\"]");
    }

    #[test]
    fn what_is_too_long_is_given_up_before_it_is_kept() {
        assert_eq!(kept(&["abcd", "efghi", "j"], Some(8), 100), ("Err(TooLarge(8)) [\"j\"]".into(), 0));
        assert_eq!(kept(&["abcd", "ef"], None, 5), ("Err(NoRoom) []".into(), 0));
    }
}
