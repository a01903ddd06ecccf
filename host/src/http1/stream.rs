//! A socket with what was read of it and not yet used, and what is to be written to it.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::socket::Socket;

/// Read at once. Most heads fit, with a small body.
const READ: usize = 8 * 1024;
/// Read at once of a peer that fills what it is given.
const MOST_READ: usize = 64 * 1024;
/// A piece of a body up to this size is copied behind what is to be written, a longer one is written from
/// where it lies.
const COPIED: usize = 4 * 1024;

thread_local! {
    /// What the next stream of this worker reads into: one that waits keeps no buffer.
    static SPARE: Cell<BytesMut> = Cell::default();
}

#[derive(Debug)]
pub struct Stream {
    socket: Socket,
    /// How much to read next.
    read: usize,
    /// Bytes that were written so far.
    written: u64,
    pub input: BytesMut,
    pub output: BytesMut,
    /// Goes behind `output`.
    long: Bytes,
    /// Goes behind `long`.
    end: &'static [u8],
}

impl Stream {
    pub fn new(socket: Socket, input: BytesMut) -> Self {
        Self { socket, read: READ, written: 0, input, output: BytesMut::new(), long: Bytes::new(), end: b"" }
    }

    /// Reads once. Answers how much; 0 is the end.
    pub fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.read / 4 {
            if self.input.is_empty() {
                ready!(self.socket.poll_readable(context))?;
                self.input = SPARE.take();
            }
            if self.input.capacity() - self.input.len() < self.read / 4 {
                self.input.reserve(self.read);
            }
        }
        let room = self.input.capacity() - self.input.len();
        let polled = pin!(self.socket.read_buf(&mut self.input)).poll(context);
        match &polled {
            Poll::Ready(Ok(read)) if *read == room => self.read = MOST_READ.min(2 * self.read),
            Poll::Ready(Ok(read)) if *read < room / 2 => self.read = READ,
            Poll::Ready(_) => {}
            Poll::Pending if self.input.is_empty() => spare(std::mem::take(&mut self.input)),
            Poll::Pending => {}
        }
        polled
    }

    /// Puts a piece of a body, and what closes it, behind what is to be written. Only once between flushes.
    pub fn push(&mut self, data: Bytes, end: &'static str) {
        debug_assert!(self.long.is_empty() && self.end.is_empty(), "one piece at a time");
        if data.len() <= COPIED {
            self.output.extend_from_slice(&data);
            self.output.extend_from_slice(end.as_bytes());
        } else {
            (self.long, self.end) = (data, end.as_bytes());
        }
    }

    /// Drops what is to be written: the other side does not read it.
    pub fn discard_output(&mut self) {
        self.output.clear();
        self.long = Bytes::new();
        self.end = b"";
    }

    /// Bytes that were written so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Keeps no buffer for what is to be written.
    pub fn spare_output(&mut self) {
        debug_assert!(self.is_flushed(), "nothing waits in it");
        spare(std::mem::take(&mut self.output));
    }

    pub fn is_flushed(&self) -> bool {
        self.output.is_empty() && self.long.is_empty() && self.end.is_empty()
    }

    /// Writes until everything is.
    pub fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut is_large = false;
        while !self.is_flushed() {
            let written = if self.long.is_empty() && self.end.is_empty() {
                ready!(Pin::new(&mut self.socket).poll_write(context, &self.output))?
            } else {
                let slices = [IoSlice::new(&self.output), IoSlice::new(&self.long), IoSlice::new(self.end)];
                ready!(Pin::new(&mut self.socket).poll_write_vectored(context, &slices))?
            };
            self.written += written as u64;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            is_large |= self.output.len() > READ;
            let of_output = written.min(self.output.len());
            self.output.advance(of_output);
            let of_long = (written - of_output).min(self.long.len());
            self.long.advance(of_long);
            self.end = &self.end[written - of_output - of_long..];
        }
        self.output.clear();
        if is_large {
            // A head that nothing will be like for long.
            self.output = BytesMut::new();
        }
        // What was written is held by nobody: an idle connection would keep it for as long as it idles.
        self.long = Bytes::new();
        // TLS may have taken more than the kernel did.
        Pin::new(&mut self.socket).poll_flush(context)
    }

    /// See [`Socket::reset_on_close`].
    pub fn reset_on_close(&self, resets: bool) {
        self.socket.reset_on_close(resets);
    }

    /// Says that nothing more is written.
    pub fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// Keeps a buffer for the next stream. Not a large one: a head that waits for its upstream holds all of it.
fn spare(buffer: BytesMut) {
    if buffer.capacity() <= READ {
        SPARE.set(buffer);
    }
}

/// Lets the tasks that are ready go first, so that what a batch of them writes goes out at its end. Waking a
/// peer that sleeps is the dearest part of a write; who was woken by the first of a batch is awake for the rest.
pub async fn after_others() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
