//! The gateway as a server: the requests of one connection, one after the other.

mod said;
mod sending;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response, StatusCode, Version, request, response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::body::{Decoded, Decoder};
use super::client::Switched;
use super::error::{BodyError, HeadError};
use super::framing::Framing;
use super::head;
pub use super::head::HeadLimits;
use super::progress::Progress;
use super::socket::{MOST_LINGERING, Socket};
use super::stream::{Stream, after_others};
use super::tunnel::{Tunnel, Way};
use super::upgrade::Protocols;
use super::write::{self, Length, Persistence};
use crate::wire::expect::Expects;
use said::Said;
use sending::{Sending, length_of};

/// What of a body is read that nobody asked for, so that the connection can serve on.
const MOST_LEFT_OVER: u64 = 64 * 1024;
/// How long a client that has closed its side is answered to, from its last request or the last piece of a response.
const HALF_CLOSED: Duration = Duration::from_secs(2);

/// A connection from a client.
pub struct Connection {
    shared: Rc<Shared>,
    limits: HeadLimits,
}

/// What the connection and the body of its current request share. One task has both.
#[derive(Debug)]
struct Shared {
    stream: RefCell<Stream>,
    decoder: RefCell<Decoder>,
    progress: Rc<Progress>,
    /// The client waits to be told to send the body (RFC 9110, section 10.1.1).
    continues: Cell<bool>,
    /// No request after the current one.
    closing: Cell<bool>,
    /// Since the client closed its side: when it counts as gone.
    leaving: RefCell<Option<Pin<Box<Sleep>>>>,
}

/// The body of a request as it arrives.
#[derive(Debug)]
pub struct RequestStream {
    shared: Rc<Shared>,
}

/// An extension of a response after which the connection is closed.
#[derive(Debug, Clone, Copy)]
pub struct LastAnswer;

/// What a connection brings next.
#[allow(clippy::large_enum_variant, reason = "it nearly always is a request, and never lies about")]
pub enum Next {
    Request(Request<RequestStream>),
    /// It cannot be framed: answer, and close.
    Malformed(HeadError),
    /// The client is gone, or sends nothing more.
    Closed,
}

impl Connection {
    /// `input` was read already.
    pub fn new(socket: Socket, input: BytesMut, limits: HeadLimits) -> Self {
        let shared = Shared {
            stream: RefCell::new(Stream::new(socket, input)),
            decoder: RefCell::new(Decoder::new(Framing::Length(0))),
            progress: Rc::default(),
            continues: Cell::new(false),
            closing: Cell::new(false),
            leaving: RefCell::new(None),
        };
        Self { shared: Rc::new(shared), limits }
    }

    /// Whether a part of a head is there.
    pub fn has_begun(&self) -> bool {
        !self.shared.stream.borrow().input.is_empty()
    }

    /// What it waits for, for who watches over it.
    pub fn progress(&self) -> &Rc<Progress> {
        &self.shared.progress
    }

    /// The current request is the last.
    pub fn close(&self) {
        self.shared.closing.set(true);
    }

    /// Waits for the next request. `began` is called when its first bytes are there.
    pub async fn next(&self, began: impl Fn()) -> Next {
        poll_fn(|context| {
            let mut stream = self.shared.stream.borrow_mut();
            loop {
                if !stream.input.is_empty() {
                    began();
                    match head::request(&mut stream.input, self.limits) {
                        Ok(None) => {}
                        Ok(Some((parts, framing))) => return Poll::Ready(self.begin(parts, framing)),
                        Err(error) => return Poll::Ready(Next::Malformed(error)),
                    }
                }
                match ready!(stream.poll_fill(context)) {
                    Ok(0) | Err(_) => return Poll::Ready(Next::Closed),
                    Ok(_) => {}
                }
            }
        })
        .await
    }

    fn begin(&self, mut parts: request::Parts, framing: Framing) -> Next {
        let expects = Expects::of(&parts);
        if expects == Expects::Other {
            return Next::Malformed(HeadError::Expectation);
        }
        self.shared.decoder.replace(Decoder::new(framing));
        self.shared.leaving.take();
        self.shared.continues.set(expects == Expects::Continue && framing != Framing::Length(0));
        let said = Said::of(&parts.headers);
        let is_recent = parts.version == Version::HTTP_11;
        // RFC 9112, section 9.3.
        if said.close || !(is_recent || said.keep_alive) {
            self.close();
        }
        if said.upgrade
            && is_recent
            && framing == Framing::Length(0)
            && let Some(protocols) = Protocols::asked(&parts.headers)
        {
            parts.extensions.insert(protocols);
        }
        Next::Request(Request::from_parts(parts, RequestStream { shared: Rc::clone(&self.shared) }))
    }

    /// Waits for `response`, and gives up when the client leaves before.
    pub async fn unless_gone<F: Future>(&self, mut response: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|context| match response.as_mut().poll(context) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            Poll::Pending => self.shared.poll_gone(context).map(|()| None),
        })
        .await
    }

    /// Writes the response to a request. Answers whether another request may follow.
    pub async fn respond<B>(&self, method: &Method, version: Version, response: Response<B>) -> io::Result<bool>
    where
        B: Body<Data = Bytes, Error: std::error::Error> + Unpin,
    {
        let (parts, mut body) = response.into_parts();
        let shared = &self.shared;
        let length = length_of(method, version, parts.status, &body);
        // RFC 9110, section 15.5.9: who was too slow once begins anew.
        let is_late = parts.status == StatusCode::REQUEST_TIMEOUT;
        let is_last = is_late || parts.extensions.get::<LastAnswer>().is_some();
        if length == Length::UntilClose || is_last || !shared.can_skip_rest() {
            self.close();
        }
        let persistence = match (shared.closing.get(), version) {
            (true, _) => Persistence::Close,
            (false, Version::HTTP_10) => Persistence::KeepAlive,
            (false, _) => Persistence::Implied,
        };
        // RFC 9110, section 8.6: what a GET would have brought.
        let keeps_length = length == Length::None && parts.status != StatusCode::NO_CONTENT;
        let (status, headers) = (parts.status, parts.headers);
        let told = (length, keeps_length);
        write::response(&mut shared.stream.borrow_mut().output, status, &headers, told, persistence);
        drop(headers);
        let mut sending = Sending { body: (length != Length::None).then_some(&mut body), length, began: false };
        after_others().await;
        // HTTP/1.0 takes the end of the connection for the end of the body.
        let until_close = length == Length::UntilClose;
        if until_close {
            shared.stream.borrow().reset_on_close(true);
        }
        let sent = poll_fn(|context| sending.poll(shared, context)).await;
        if sent.is_err() || until_close {
            shared.stream.borrow().reset_on_close(sent.is_err());
        }
        sent?;
        Ok(!shared.closing.get() && shared.skip_rest().await)
    }

    /// Writes a `101`, and from then on carries the bytes of another protocol, until both sides have said all. `carried`
    /// is told of each piece.
    pub async fn switch(
        &self,
        head: response::Parts,
        endpoint: Switched,
        mut carried: impl FnMut(Way, usize),
    ) -> io::Result<()> {
        let shared = &self.shared;
        self.close();
        let (status, headers) = (head.status, head.headers);
        let told = (Length::None, false);
        write::response(&mut shared.stream.borrow_mut().output, status, &headers, told, Persistence::Upgrade);
        drop(headers);
        let mut tunnel = Tunnel::new(*endpoint.stream);
        tunnel.reset_on_close(&shared.stream.borrow(), true);
        shared.progress.tunnel.set(true);
        let passed = poll_fn(|context| {
            let carried = |way, bytes| {
                shared.progress.tunnel.add(bytes);
                carried(way, bytes);
            };
            match tunnel.poll(&mut shared.stream.borrow_mut(), context, carried) {
                Poll::Pending if shared.progress.tunnel.is_over() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                polled => polled,
            }
        })
        .await;
        tunnel.reset_on_close(&shared.stream.borrow(), passed.is_err());
        passed
    }

    /// Says that the connection ends, and waits for nothing: nobody waits for an answer.
    pub async fn leave(self) {
        poll_fn(|context| {
            let _ = self.shared.stream.borrow_mut().poll_shutdown(context);
            Poll::Ready(())
        })
        .await;
    }

    /// As [`Socket::linger`], when all that waits here is written.
    pub async fn linger(self) {
        let mut read = 0;
        poll_fn(|context| {
            let mut stream = self.shared.stream.borrow_mut();
            if ready!(stream.poll_shutdown(context)).is_err() {
                return Poll::Ready(());
            }
            loop {
                stream.input.clear();
                match ready!(stream.poll_fill(context)) {
                    Ok(more) if more > 0 && read < MOST_LINGERING => read += more,
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }
}

impl Shared {
    /// The next piece of the request's body, or its trailers.
    fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut stream = self.stream.borrow_mut();
        // Who has begun to send it waits for nothing (RFC 9110, section 10.1.1).
        if self.continues.replace(false) && stream.input.is_empty() {
            stream.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            ready!(stream.poll_flush(context))?;
        }
        let waiting = &self.progress.body;
        waiting.set(false);
        loop {
            match self.decoder.borrow_mut().decode(&mut stream.input) {
                Ok(Decoded::Data(data)) => {
                    waiting.add(data.len());
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Decoded::Trailers(trailers)) => return Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Ok(Decoded::End) => return Poll::Ready(None),
                Ok(Decoded::Wanting) => {}
                Err(error) => {
                    self.closing.set(true);
                    return Poll::Ready(Some(Err(error)));
                }
            }
            match stream.poll_fill(context) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Some(Err(BodyError::Cut))),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Poll::Pending if waiting.is_over() => {
                    self.closing.set(true);
                    return Poll::Ready(Some(Err(BodyError::Late)));
                }
                Poll::Pending => {
                    waiting.set(true);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes what is to be written. A client that does not read for too long is an error.
    fn poll_flush(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let waiting = &self.progress.room;
        let (flushed, written) = {
            let mut stream = self.stream.borrow_mut();
            (stream.poll_flush(context), stream.written())
        };
        match flushed {
            Poll::Ready(flushed) => {
                waiting.set(false);
                Poll::Ready(flushed)
            }
            Poll::Pending if waiting.is_over() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => {
                waiting.set(true);
                waiting.come_to(written);
                Poll::Pending
            }
        }
    }

    /// Ready when the client is gone. What it sends ahead waits in the stream, up to a bound.
    ///
    /// One that has closed its side may still read, or be gone altogether: nothing tells before something is written. It
    /// is given some time without a piece of a response, so that the upstream does not go on for nobody for long.
    fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        const MOST_AHEAD: usize = 64 * 1024;
        // Before the end of the body it is the body that notices.
        if !self.decoder.borrow().is_done() {
            return Poll::Pending;
        }
        let mut leaving = self.leaving.borrow_mut();
        if let Some(leaving) = &mut *leaving {
            return leaving.as_mut().poll(context);
        }
        let mut stream = self.stream.borrow_mut();
        while stream.input.len() < MOST_AHEAD {
            match ready!(stream.poll_fill(context)) {
                Ok(0) => return leaving.insert(Box::pin(sleep(HALF_CLOSED))).as_mut().poll(context),
                Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
        Poll::Pending
    }

    /// Whether what is left of the request's body is little enough to be read and dropped.
    fn can_skip_rest(&self) -> bool {
        // A client that still waits for its `100` sends no body now.
        !self.continues.get() && self.decoder.borrow().remaining().is_none_or(|rest| rest <= MOST_LEFT_OVER)
    }

    /// Reads and drops what is left of the request's body. Answers whether it came to its end.
    async fn skip_rest(&self) -> bool {
        let mut skipped = 0;
        poll_fn(|context| {
            loop {
                match ready!(self.poll_frame(context)) {
                    Some(Ok(frame)) if skipped < MOST_LEFT_OVER => {
                        skipped += frame.data_ref().map_or(0, |data| data.len() as u64);
                    }
                    None => return Poll::Ready(true),
                    Some(_) => return Poll::Ready(false),
                }
            }
        })
        .await
    }
}

impl Body for RequestStream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.shared.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.shared.decoder.borrow().is_done()
    }

    fn size_hint(&self) -> SizeHint {
        self.shared.decoder.borrow().remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
