//! A request's body on its way into a stream.
//!
//! What was sent is kept for a while, as far as it is small: an endpoint that refuses a stream has done nothing with it,
//! and the exchange begins again on another one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body;

use crate::upstream::request_body::{RequestBody, RequestBodyError};

/// Bytes of a body that are kept until the response begins. Most calls fit.
const MOST_KEPT: usize = 64 * 1024;

/// What is to be sent of a request after its head.
#[derive(Debug)]
pub(in crate::upstream) struct Upload {
    /// None when it was read to its end.
    body: Option<RequestBody>,
    /// Taken of the body, and not yet of the connection.
    piece: Bytes,
    /// Pieces that were sent in vain, the next one last.
    again: Vec<Bytes>,
    kept: Kept,
    is_over: bool,
}

/// What was taken of the body.
#[derive(Debug)]
enum Kept {
    All(Vec<Bytes>, usize),
    /// It was too much, or is not needed any more.
    Nothing,
}

/// Why a body was not sent to its end.
pub(super) enum UploadError {
    Body(RequestBodyError),
    /// The endpoint wants no more of it. The stream's other half says why, if that matters.
    Unwanted,
}

impl Upload {
    pub(in crate::upstream) fn new(body: RequestBody) -> Self {
        let body = Some(body).filter(|body| !body.is_end_stream());
        Self { is_over: body.is_none(), ..Self::of(body) }
    }

    fn of(body: Option<RequestBody>) -> Self {
        Self { body, piece: Bytes::new(), again: Vec::new(), kept: Kept::All(Vec::new(), 0), is_over: false }
    }

    /// Nothing is left to be sent.
    fn over() -> Self {
        Self { is_over: true, ..Self::of(None) }
    }

    /// Whether all is sent, or nobody wants more of it.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The length of the body, if it is known before anything of it was taken.
    pub(in crate::upstream) fn length(&self) -> Option<u64> {
        self.body.as_ref().map_or(Some(0), |body| body.size_hint().exact())
    }

    /// Begins again with the first byte, if that is possible.
    pub(in crate::upstream) fn rewind(&mut self) -> bool {
        let Kept::All(pieces, _) = &mut self.kept else { return false };
        self.again = std::mem::take(pieces);
        self.again.reverse();
        self.piece = Bytes::new();
        self.is_over = self.again.is_empty() && self.body.is_none();
        self.kept = Kept::All(Vec::new(), 0);
        true
    }

    /// What is left, once it will not begin again.
    pub(super) fn rest(&mut self) -> Self {
        self.kept = Kept::Nothing;
        std::mem::replace(self, Self::over())
    }

    /// Sends what the client has sent. Ready when that was all.
    pub(super) fn poll(
        &mut self,
        stream: &mut SendStream<Bytes>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), UploadError>> {
        if self.is_over {
            return Poll::Ready(Ok(()));
        }
        let result = ready!(self.poll_all(stream, context));
        self.is_over = true;
        if let Err(UploadError::Body(_)) = &result {
            // It must not look whole.
            stream.send_reset(Reason::CANCEL);
        }
        Poll::Ready(result)
    }

    fn poll_all(&mut self, stream: &mut SendStream<Bytes>, context: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        loop {
            let is_last = self.again.is_empty() && self.body.as_ref().is_none_or(Body::is_end_stream);
            while !self.piece.is_empty() {
                let room = ready!(poll_room(stream, self.piece.len(), context))?;
                let part = self.piece.split_to(room.min(self.piece.len()));
                let ends = is_last && self.piece.is_empty();
                stream.send_data(part, ends).map_err(|_| UploadError::Unwanted)?;
                if ends {
                    return Poll::Ready(Ok(()));
                }
            }
            if let Some(piece) = self.again.pop() {
                self.take(piece);
                continue;
            }
            let frame = match &mut self.body {
                Some(body) => ready!(Pin::new(body).poll_frame(context)),
                None => None,
            };
            match frame.transpose().map_err(UploadError::Body)?.map(http_body::Frame::into_data) {
                Some(Ok(data)) => self.take(data),
                Some(Err(_trailers)) => {}
                None => {
                    self.body = None;
                    return Poll::Ready(stream.send_data(Bytes::new(), true).map_err(|_| UploadError::Unwanted));
                }
            }
        }
    }

    fn take(&mut self, piece: Bytes) {
        if let Kept::All(pieces, bytes) = &mut self.kept {
            *bytes += piece.len();
            if *bytes > MOST_KEPT || pieces.len() >= MOST_PIECES {
                self.kept = Kept::Nothing;
            } else {
                pieces.push(piece.clone());
            }
        }
        self.piece = piece;
    }
}

/// Pieces that are kept, whatever their size.
const MOST_PIECES: usize = 64;

/// How much of so many bytes fits into the windows and the buffer.
fn poll_room(
    stream: &mut SendStream<Bytes>,
    wanted: usize,
    context: &mut Context<'_>,
) -> Poll<Result<usize, UploadError>> {
    stream.reserve_capacity(wanted);
    loop {
        let room = stream.capacity();
        if room > 0 {
            return Poll::Ready(Ok(room));
        }
        match ready!(stream.poll_capacity(context)) {
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Poll::Ready(Err(UploadError::Unwanted)),
        }
    }
}
