//! The bytes of a response on their way through gzip (RFC 1952), as they come.
//!
//! It holds no byte back for longer than the upstream pauses: then what there is is flushed, so that an event, or the
//! beginning of a slow page, arrives when it was sent. And it works in small pieces, so that other exchanges of the worker
//! have their turns.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress, Status};
use http_body::{Body, Frame, SizeHint};

use crate::upstream::{AnswerBodyError, UpstreamBody, give_way};

/// Bytes that are compressed in one turn: a fraction of a millisecond.
const PIECE: usize = 16 * 1024;
/// Responses of one worker that are compressed at once, each with some 300 KiB for as long as its client takes to read it;
/// others go out as they are.
const MOST_AT_ONCE: usize = 64;
/// Of them, those of one connection: no client has all of them by asking over HTTP/2 and not reading.
const MOST_OF_CONNECTION: usize = 8;
/// Compressors that wait for the next response.
const MOST_IDLE: usize = 8;
/// Beyond it, time grows faster than what is saved.
const LEVEL: u32 = 5;
/// Bits of the window; the most that there are.
const WINDOW: u8 = 15;

/// What one worker compresses with.
#[derive(Default)]
pub(super) struct Compressors {
    idle: RefCell<Vec<Compress>>,
    busy: Cell<usize>,
}

/// What there is of a body by now.
pub(super) type Pulled = Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>>;

/// The body of a response as it is sent.
pub(super) enum Content {
    Plain(UpstreamBody),
    Gzip(Box<Gzip>),
}

pub(super) struct Gzip {
    source: UpstreamBody,
    /// What came and is not compressed yet.
    waiting: Bytes,
    compressor: Compressor,
    /// Whether the compressor may hold something back.
    holds: bool,
    /// Whether this turn had its piece.
    worked: bool,
    /// Nothing comes any more.
    over: bool,
}

/// One of [`Compressors`], which it goes back to.
struct Compressor {
    /// Gone when it has gone back.
    compress: Option<Compress>,
    home: Rc<Compressors>,
    /// How many the connection has.
    of_connection: Rc<Cell<usize>>,
}

impl Compressors {
    /// Whether the worker may compress one more response, for a connection that has so many already.
    pub(super) fn have_room(&self, of_connection: &Cell<usize>) -> bool {
        self.busy.get() < MOST_AT_ONCE && of_connection.get() < MOST_OF_CONNECTION
    }

    fn take(self: &Rc<Self>, of_connection: &Rc<Cell<usize>>) -> Compressor {
        self.busy.set(self.busy.get() + 1);
        of_connection.set(of_connection.get() + 1);
        let idle = self.idle.borrow_mut().pop();
        let compress = idle.unwrap_or_else(|| Compress::new_gzip(Compression::new(LEVEL), WINDOW));
        Compressor { compress: Some(compress), home: Rc::clone(self), of_connection: Rc::clone(of_connection) }
    }
}

impl Gzip {
    pub(super) fn of(source: UpstreamBody, compressors: &Rc<Compressors>, of_connection: &Rc<Cell<usize>>) -> Self {
        let compressor = compressors.take(of_connection);
        Self { source, waiting: Bytes::new(), compressor, holds: false, worked: false, over: false }
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut pull: impl FnMut(&mut UpstreamBody, &mut Context<'_>) -> Pulled,
    ) -> Pulled {
        let compressed = loop {
            if self.over {
                return Poll::Ready(None);
            }
            if !self.waiting.is_empty() {
                self.worked = !self.worked;
                if !self.worked {
                    give_way(context);
                    return Poll::Pending;
                }
                let piece = self.waiting.split_to(self.waiting.len().min(PIECE));
                self.holds = true;
                let compressed = self.compressor.run(&piece, FlushCompress::None);
                if compressed.is_empty() {
                    continue;
                }
                break compressed;
            }
            match pull(&mut self.source, context) {
                // Trailers end at the gateway.
                Poll::Ready(Some(Ok(frame))) => self.waiting = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => {
                    // Without its end, which says how long it is, nobody takes it for whole.
                    self.over = true;
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => {
                    self.over = true;
                    break self.compressor.run(&[], FlushCompress::Finish);
                }
                Poll::Pending => {
                    self.worked = false;
                    if !std::mem::take(&mut self.holds) {
                        return Poll::Pending;
                    }
                    break self.compressor.run(&[], FlushCompress::Sync);
                }
            }
        };
        Poll::Ready(Some(Ok(Frame::data(compressed.into()))))
    }
}

impl Compressor {
    /// Compresses all of `input`.
    fn run(&mut self, mut input: &[u8], flush: FlushCompress) -> Vec<u8> {
        const LEAST_ROOM: usize = 256;
        let compress = self.compress.as_mut().expect("it goes back when it is dropped");
        let mut output = Vec::with_capacity(LEAST_ROOM);
        loop {
            if output.capacity() - output.len() < LEAST_ROOM {
                output.reserve(4 * 1024);
            }
            let before = compress.total_in();
            let status = compress.compress_vec(input, &mut output, flush).expect("it is used as its states want it");
            let taken = usize::try_from(compress.total_in() - before).expect("not more than there is");
            input = &input[taken..];
            let has_room = output.len() < output.capacity();
            let is_done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => input.is_empty() && has_room,
            };
            if is_done {
                return output;
            }
        }
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        self.home.busy.set(self.home.busy.get() - 1);
        self.of_connection.set(self.of_connection.get() - 1);
        let mut idle = self.home.idle.borrow_mut();
        if let Some(mut compress) = self.compress.take()
            && idle.len() < MOST_IDLE
        {
            compress.reset();
            idle.push(compress);
        }
    }
}

impl Content {
    /// The next frame. `pull` takes the next one of the upstream's.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        mut pull: impl FnMut(&mut UpstreamBody, &mut Context<'_>) -> Pulled,
    ) -> Pulled {
        match self {
            Self::Plain(body) => pull(body, context),
            Self::Gzip(gzip) => gzip.poll(context, pull),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Self::Plain(body) => body.is_end_stream(),
            Self::Gzip(gzip) => gzip.over,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Gzip(_) => SizeHint::default(),
        }
    }
}
