//! Writes the body of a response, one piece at a time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body::Body;

use super::Shared;
use crate::http1::stream::Stream;
use crate::http1::write::{self, Length};

/// The body of a response on its way into the stream, behind the head that is there.
pub(super) struct Sending<'b, B> {
    /// None when it was read to its end.
    pub(super) body: Option<&'b mut B>,
    pub(super) length: Length,
    /// The head goes out with the first piece, if there is one by then.
    pub(super) began: bool,
}

impl<B: Body<Data = Bytes, Error: std::error::Error> + Unpin> Sending<'_, B> {
    pub(super) fn poll(&mut self, shared: &Shared, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.began {
                ready!(shared.poll_flush(context))?;
            }
            let Some(body) = &mut self.body else { return shared.poll_flush(context) };
            // Not while the stream is borrowed: the upstream may ask for more of the request's body.
            let frame = Pin::new(&mut **body).poll_frame(context);
            self.began = true;
            match frame {
                Poll::Ready(Some(Ok(frame))) => {
                    let is_last = body.is_end_stream();
                    // It counts anew: who is gone answers what is written with a reset.
                    shared.leaving.take();
                    let stream = &mut shared.stream.borrow_mut();
                    match frame.into_data() {
                        Ok(data) => self.push(stream, data, is_last),
                        Err(frame) => self.end_with(stream, &frame.into_trailers().unwrap_or_default()),
                    }
                }
                Poll::Ready(None) => self.push(&mut shared.stream.borrow_mut(), Bytes::new(), true),
                // A response that was cut must not look whole.
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(io::Error::other(error.to_string()))),
                Poll::Pending => {
                    ready!(shared.poll_flush(context))?;
                    ready!(shared.poll_gone(context));
                    return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
                }
            }
        }
    }

    fn push(&mut self, stream: &mut Stream, data: Bytes, is_last: bool) {
        let chunked = self.length == Length::Chunked;
        if chunked && !data.is_empty() {
            write::chunk(&mut stream.output, data.len());
        }
        let end = match (chunked, data.is_empty(), is_last) {
            (false, ..) | (true, true, false) => "",
            (true, false, false) => write::CHUNK_END,
            (true, false, true) => write::CHUNK_END_AND_LAST,
            (true, true, true) => write::LAST_CHUNK,
        };
        stream.push(data, end);
        if is_last {
            self.body = None;
        }
    }

    /// Trailers are the last. Only chunks have a place for them.
    fn end_with(&mut self, stream: &mut Stream, trailers: &HeaderMap) {
        if self.length == Length::Chunked {
            write::last_chunk(&mut stream.output, trailers);
        }
        self.body = None;
    }
}

/// How the length of a response is told.
pub(super) fn length_of(method: &Method, version: Version, status: StatusCode, body: &impl Body) -> Length {
    if *method == Method::HEAD || status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED {
        return Length::None;
    }
    match body.size_hint().exact() {
        Some(length) => Length::Exact(length),
        None if version == Version::HTTP_10 => Length::UntilClose,
        None => Length::Chunked,
    }
}
