//! The socket of an HTTP/2 connection, as hyper reads and writes it: what goes by is shown to the [`Watch`], and what
//! that decides is said to both sides.
//!
//! It must not know what a frame means, nor what a request is.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::asked::Asked;
use super::bell::Bell;
use super::breach::Breach;
use super::frames;
use super::invited::Invited;
use super::outbox::Outbox;
use super::streams::Stalled;
use super::watch::Watch;
use crate::http1::Socket;
use crate::listener::patience::Patience;
use crate::proxy::{Invitation, Verdict};

/// Read at once.
const READ: usize = 16 * 1024;
/// A type of frames that means nothing, so that h2 passes over them (RFC 9113, section 5.5).
const IGNORED: u8 = 0xff;
/// Of a stream whose response is not taken (RFC 9113, section 7).
const CANCEL: u32 = 8;

/// Shared by the task of the connection and by hyper, which that task drives.
pub(super) struct Wire {
    inner: RefCell<Inner>,
    patience: Rc<Patience>,
    bell: Rc<Bell>,
    outbox: Rc<Outbox>,
    invited: Rc<Invited>,
}

struct Inner {
    socket: Socket,
    watch: Watch,
    /// Read, and not yet shown to the watch and to h2.
    input: BytesMut,
    /// Frames for h2 that the client did not send.
    hears: BytesMut,
    /// Frames for the client that h2 did not send.
    says: BytesMut,
    /// A part of `says` went out.
    speaking: bool,
    /// Nothing more is read in this turn.
    resting: bool,
    /// The socket takes no more bytes until the client has read some.
    blocked: bool,
    /// Bytes that it took of h2 in this turn.
    written: u64,
    breach: Option<Breach>,
    asked: Asked,
    /// Streams that were opened in this turn; kept for its room.
    opened: Vec<u32>,
}

impl Wire {
    /// `input` was read already.
    pub(super) fn new(socket: Socket, input: BytesMut, watch: Watch, patience: Rc<Patience>) -> Self {
        let inner = Inner {
            socket,
            watch,
            input,
            hears: BytesMut::new(),
            says: BytesMut::new(),
            speaking: false,
            resting: false,
            blocked: false,
            written: 0,
            breach: None,
            asked: Asked::default(),
            opened: Vec::new(),
        };
        let bell = Rc::<Bell>::default();
        let (outbox, invited) = (Outbox::new(Rc::clone(&bell)), Invited::new(Rc::clone(&bell)));
        Self { inner: RefCell::new(inner), patience, bell, outbox, invited }
    }

    /// Through which clients are asked for bodies that they wait with.
    pub(super) fn invitation(&self, verdict: &Verdict) -> Invitation {
        self.invited.invitation(verdict)
    }

    /// Through which the bodies of responses go.
    pub(super) fn outbox(&self) -> Rc<Outbox> {
        Rc::clone(&self.outbox)
    }

    /// The task of the connection has its turn again.
    pub(super) fn begin_turn(&self) {
        self.inner.borrow_mut().resting = false;
    }

    /// hyper has done what it can. Ready if the connection is to be closed.
    pub(super) fn end_turn(&self, context: &mut Context<'_>) -> Poll<Breach> {
        let mut inner = self.inner.borrow_mut();
        self.bell.hang(context);
        let Inner { watch, asked, opened, .. } = &mut *inner;
        watch.take_opened(opened);
        asked.turned(opened);
        inner.invite(&self.invited);
        // An error is hyper's to find.
        let _ = inner.poll_say(context);
        self.outbox.turned(std::mem::take(&mut inner.written), inner.blocked);
        let Inner { asked, breach, .. } = &mut *inner;
        if matches!(breach, Some(Breach::Stalled | Breach::Tiny)) {
            asked.give_up_all();
        }
        self.patience.looks(inner.watch.is_waiting() || inner.blocked);
        inner.breach.map_or(Poll::Pending, Poll::Ready)
    }

    /// Whether the request that hyper has just read is not to be served.
    pub(super) fn refuses(&self) -> bool {
        self.inner.borrow().watch.refuses()
    }

    /// hyper asks for the next request. Answers where it is told what becomes of its stream.
    pub(super) fn asks(&self, is_refused: bool) -> Verdict {
        let asked = &mut self.inner.borrow_mut().asked;
        if is_refused {
            asked.refused();
            return Verdict::default();
        }
        asked.request()
    }

    /// Bytes that the client sent.
    pub(super) fn received(&self) -> usize {
        self.inner.borrow().watch.bytes()
    }

    /// Looks at what takes too long. Answers how many requests are given up.
    pub(super) fn look(&self) -> usize {
        let mut inner = self.inner.borrow_mut();
        let Inner { watch, hears, says, breach, blocked, asked, .. } = &mut *inner;
        if !hears.is_empty() {
            // The client has been in the middle of a frame since the last look, so that h2 can be told nothing.
            *breach = Some(Breach::Stalled);
            return 0;
        }
        let mut stalled = Vec::new();
        if let Err(found) = watch.look(*blocked, self.patience.now(), &mut stalled) {
            *breach = Some(found);
        }
        for Stalled { number, of_body } in &stalled {
            asked.give_up(*number, *of_body);
            // h2 may have the whole response, and nobody else a handle on it: it hears that the client wants no more.
            hears.extend_from_slice(&frames::reset(*number, CANCEL));
            says.extend_from_slice(&frames::reset(*number, CANCEL));
        }
        stalled.len()
    }

    /// Says what is wrong, if that can be said, and closes.
    pub(super) async fn close(self, breach: Breach) {
        let mut inner = self.inner.into_inner();
        let last = inner.watch.highest();
        inner.says.extend_from_slice(&frames::go_away(last, breach.code()));
        if poll_fn(|context| inner.poll_say(context)).await.is_ok() && inner.says.is_empty() {
            inner.socket.linger().await;
        }
    }

    /// Reads until the other side leaves, so that what was said last arrives.
    pub(super) async fn linger(self) {
        self.inner.into_inner().socket.linger().await;
    }

    /// Whether the client was told to be calm.
    pub(super) fn calmed(&self) -> bool {
        self.inner.borrow().watch.calmed()
    }
}

impl Inner {
    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBufCursor<'_>,
        now: Instant,
    ) -> Poll<io::Result<()>> {
        // Who is to be closed is read no more; the task of the connection sees to the rest.
        if self.resting || self.breach.is_some() {
            return Poll::Pending;
        }
        if !self.hears.is_empty() && self.watch.hears_a_frame() {
            let length = buffer.remaining().min(self.hears.len());
            buffer.put_slice(&self.hears[..length]);
            self.hears.advance(length);
            return Poll::Ready(Ok(()));
        }
        let mut space = [const { MaybeUninit::uninit() }; READ];
        let most = buffer.remaining().min(READ);
        let mut read = ReadBuf::uninit(&mut space[..most]);
        if self.input.is_empty() {
            ready!(Pin::new(&mut self.socket).poll_read(context, &mut read))?;
        } else {
            read.put_slice(&self.input.split_to(most.min(self.input.len())));
        }
        let bytes = read.filled_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        match self.watch.received(bytes, now) {
            Ok(length) => {
                if let Some(at) = self.watch.farewell() {
                    bytes[at] = IGNORED;
                }
                buffer.put_slice(&bytes[..length]);
                if length < bytes.len() {
                    self.rest(&bytes[length..], context);
                }
                Poll::Ready(Ok(()))
            }
            Err(breach) => {
                self.breach = Some(breach);
                Poll::Pending
            }
        }
    }

    /// Keeps what was read for the next turn.
    fn rest(&mut self, bytes: &[u8], context: &Context<'_>) {
        let later = std::mem::take(&mut self.input);
        self.input.reserve(bytes.len() + later.len());
        self.input.extend_from_slice(bytes);
        self.input.extend_from_slice(&later);
        self.resting = true;
        context.waker().wake_by_ref();
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
        now: Instant,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_say(context))?;
        let polled = Pin::new(&mut self.socket).poll_write_vectored(context, buffers);
        self.blocked = polled.is_pending();
        let mut left = match &polled {
            Poll::Ready(Ok(written)) => *written,
            _ => 0,
        };
        self.written += left as u64;
        for buffer in buffers {
            let length = left.min(buffer.len());
            left -= length;
            if let Err(breach) = self.watch.sent(&buffer[..length], now) {
                self.breach = Some(breach);
            }
        }
        polled
    }

    /// Tells clients to go on whose requests' bodies are waited for. What is put now goes out before anything that h2 says of
    /// them: behind a response it would be no valid frame.
    fn invite(&mut self, invited: &Invited) {
        for verdict in invited.take() {
            match self.asked.stream_of(&verdict).filter(|stream| self.watch.may_invite(*stream)) {
                Some(stream) if self.speaking || self.watch.says_a_frame() => {
                    self.says.extend_from_slice(&frames::go_on(stream));
                }
                Some(_) => invited.later(verdict),
                None => {}
            }
        }
    }

    /// Says what h2 does not say, unless a frame of h2 is not yet complete.
    fn poll_say(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.says.is_empty() || !self.speaking && !self.watch.says_a_frame() {
            return Poll::Ready(Ok(()));
        }
        while !self.says.is_empty() {
            let polled = Pin::new(&mut self.socket).poll_write(context, &self.says);
            self.blocked = polled.is_pending();
            let written = ready!(polled)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.says.advance(written);
            self.speaking = !self.says.is_empty();
        }
        Pin::new(&mut self.socket).poll_flush(context)
    }
}

/// What hyper reads and writes.
pub(super) struct Hearing(pub(super) Rc<Wire>);

impl hyper::rt::Read for Hearing {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let now = self.0.patience.now();
        self.0.inner.borrow_mut().poll_read(context, &mut buffer, now)
    }
}

impl hyper::rt::Write for Hearing {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.inner.borrow_mut().socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.inner.borrow_mut().socket).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let now = self.0.patience.now();
        self.0.inner.borrow_mut().poll_write(context, buffers, now)
    }
}
