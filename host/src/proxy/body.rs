//! The body of a response on its way to the client; the exchange ends with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::chunks::Chunks;
use super::flight::Flight;
use super::gzip::Content;
use super::tunnel::Tunnel;
use crate::http1::Switched;
use crate::upstream::{AnswerBodyError, UpstreamBody};

/// The body of a response. Dropped before its end, it ends the exchange as not completed.
pub struct Body {
    inner: Content,
    /// What its pieces go through, if there are plugins that want them.
    chunks: Option<Box<Chunks>>,
    /// Gone when the exchange has ended.
    flight: Option<Box<Flight>>,
}

impl Body {
    pub(super) fn new(inner: Content, chunks: Option<Box<Chunks>>, flight: Flight) -> Self {
        let mut body = Self { inner, chunks, flight: Some(Box::new(flight)) };
        if body.is_end_stream() {
            body.end();
        }
        body
    }

    /// A body that belongs to no exchange.
    pub(super) fn detached(inner: UpstreamBody) -> Self {
        Self { inner: Content::Plain(inner), chunks: None, flight: None }
    }

    /// What the client gets of trailers. Without any the body is over.
    fn pass(&self, trailers: HeaderMap) -> Option<Result<Frame<Bytes>, AnswerBodyError>> {
        let passed = self.flight.as_ref()?.trailers(trailers).map_err(AnswerBodyError::Trailers);
        passed.transpose().map(|trailers| trailers.map(Frame::trailers))
    }

    /// What carries the bytes of another protocol after a `101`.
    pub fn into_tunnel(self) -> Option<(Switched, Tunnel)> {
        let Content::Plain(inner) = self.inner else { return None };
        let (switched, lease) = inner.into_switched()?;
        Some((switched, Tunnel::new(self.flight?, lease)))
    }

    /// The client does not read it, and what is left of it is dropped.
    pub fn not_read(&mut self) {
        if let Some(flight) = &mut self.flight {
            flight.cut("client-write-timeout");
        }
    }

    fn end(&mut self) {
        if let Some(mut flight) = self.flight.take() {
            flight.complete();
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let Self { inner, chunks, flight } = &mut *self;
        let polled = match (chunks, flight) {
            (Some(chunks), Some(flight)) => inner.poll(context, |source, context| chunks.poll(source, flight, context)),
            _ => inner.poll(context, |source, context| Pin::new(source).poll_frame(context)),
        };
        let frame = match ready!(polled) {
            Some(Ok(frame)) if frame.is_trailers() => self.pass(frame.into_trailers().unwrap_or_default()),
            frame => frame,
        };
        match &frame {
            Some(Ok(frame)) => {
                if let (Some(flight), Some(data)) = (&mut self.flight, frame.data_ref()) {
                    flight.sent(data.len());
                }
                // Who knows the length asks for no frame after the last.
                if self.is_end_stream() {
                    self.end();
                }
            }
            Some(Err(error)) => {
                if let Some(mut flight) = self.flight.take() {
                    if let Some(problem) = error.problem() {
                        flight.cut(problem);
                    }
                    let exchange = flight.run.exchange();
                    let (upstream, endpoint) = (exchange.upstream_name(), exchange.outcome.endpoint.as_deref());
                    let cause = std::error::Error::source(error).map(tracing::field::display);
                    tracing::warn!(id = &*exchange.id, upstream, endpoint, cause, "{error}");
                }
            }
            None => self.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match (&self.inner, &self.chunks) {
            (Content::Plain(_), Some(chunks)) => chunks.is_over(),
            (inner, _) => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunks.is_some() { SizeHint::default() } else { self.inner.size_hint() }
    }
}
