//! Carries bytes both ways between a client and an endpoint that have switched to another protocol.
//!
//! What was read of one side is written to the other before more is read, so that each way holds one piece of at most 64
//! KiB, and who is slow slows down the other. A side that has said all may still be told things.

use std::io;
use std::task::{Context, Poll, ready};

use super::stream::Stream;

/// A way through a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the endpoint.
    Up,
    /// From the endpoint to the client.
    Down,
}

/// The endpoint's side of a tunnel, and how far each way has come.
#[derive(Debug)]
pub struct Tunnel {
    endpoint: Stream,
    up: State,
    down: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Nothing more comes; the other side is about to be told.
    Closing,
    Closed,
}

impl Tunnel {
    pub fn new(endpoint: Stream) -> Self {
        Self { endpoint, up: State::Open, down: State::Open }
    }

    /// Ready when both sides have said all, or when one of them failed. `carried` is told of each piece.
    pub fn poll(
        &mut self,
        client: &mut Stream,
        context: &mut Context<'_>,
        mut carried: impl FnMut(Way, usize),
    ) -> Poll<io::Result<()>> {
        let up = self.up.poll(client, &mut self.endpoint, context, |bytes| carried(Way::Up, bytes));
        match up {
            // A client that was told all over TLS mostly leaves without a word.
            Poll::Ready(Err(error)) if self.down == State::Closed && error.kind() == io::ErrorKind::UnexpectedEof => {
                return Poll::Ready(Ok(()));
            }
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            _ => {}
        }
        ready!(self.down.poll(&mut self.endpoint, client, context, |bytes| carried(Way::Down, bytes)))?;
        up
    }

    /// Whether both sides learn that what they got is not all, however the tunnel ends.
    pub fn reset_on_close(&self, client: &Stream, resets: bool) {
        client.reset_on_close(resets);
        self.endpoint.reset_on_close(resets);
    }
}

impl State {
    fn poll(
        &mut self,
        from: &mut Stream,
        to: &mut Stream,
        context: &mut Context<'_>,
        mut carried: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        loop {
            match self {
                Self::Open => {
                    ready!(to.poll_flush(context))?;
                    if from.input.is_empty() {
                        // One that waits keeps no buffer.
                        to.spare_output();
                        if ready!(from.poll_fill(context))? == 0 {
                            *self = Self::Closing;
                            continue;
                        }
                    }
                    carried(from.input.len());
                    std::mem::swap(&mut from.input, &mut to.output);
                }
                Self::Closing => {
                    ready!(to.poll_shutdown(context))?;
                    *self = Self::Closed;
                }
                Self::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}
