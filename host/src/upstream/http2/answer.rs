//! A response's body on its stream, and what is still to be sent of the request's.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{RecvStream, SendStream};
use http_body::{Frame, SizeHint};

use super::connection::Slot;
use super::upload::Upload;

/// Dropped before its end, it resets the stream.
#[derive(Debug)]
pub(in crate::upstream) struct Answer {
    body: RecvStream,
    /// Bytes that are left, if that is known.
    remaining: Option<u64>,
    is_over: bool,
    upload: Upload,
    stream: SendStream<Bytes>,
    slot: Slot,
}

/// Why a body has no end. The error that it stands for is not to be found behind it: hyper would tell the client its
/// reason, and clients take some, such as NO_ERROR, for a good end.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Cut {
    text: String,
    /// What came is not HTTP/2, or not the length that was told.
    pub(in crate::upstream) is_malformed: bool,
}

impl Answer {
    pub(super) fn new(
        slot: Slot,
        body: RecvStream,
        remaining: Option<u64>,
        upload: Upload,
        stream: SendStream<Bytes>,
    ) -> Self {
        let is_over = body.is_end_stream();
        Self { body, remaining, is_over, upload, stream, slot }
    }

    /// The next piece of the body, or its trailers. Meanwhile the rest of the request is sent.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        // What becomes of it, the response tells: a request that has no end resets the stream.
        let _ = self.upload.poll(&mut self.stream, context);
        if self.is_over {
            return Poll::Ready(None);
        }
        while let Some(data) = ready!(self.body.poll_data(context)) {
            let data = data.map_err(Cut::of).inspect_err(|_| self.slot.end())?;
            // It is on its way to the client, who takes one piece after the other.
            self.body.flow_control().release_capacity(data.len()).map_err(Cut::of)?;
            if let Some(remaining) = &mut self.remaining {
                *remaining = remaining.saturating_sub(data.len() as u64);
            }
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
        let trailers = ready!(self.body.poll_trailers(context)).map_err(Cut::of).inspect_err(|_| self.slot.end())?;
        self.is_over = true;
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    /// Whether the whole response was read.
    pub(in crate::upstream) fn is_done(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.is_done() && self.upload.is_over() {
            self.slot.end();
        }
    }
}

impl Cut {
    fn of(error: h2::Error) -> Self {
        Self { is_malformed: error.is_library(), text: error.to_string() }
    }
}
