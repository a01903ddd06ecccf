//! How much of the responses of one connection h2 has in hand, and the socket has not taken.
//!
//! h2 counts for each stream alone, and takes as much as its window allows: of a client that opens its windows and reads
//! nothing, hundreds of kilobytes for each of its requests. Here one count is of the whole connection, and who is beyond
//! it is not asked for more. It must not know what a frame is.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::bell::Bell;

/// Bytes that may wait before no more is asked for. What comes then is one more piece of one response.
const MOST: u64 = 128 * 1024;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Bytes that bodies gave to h2 on this connection.
    handed: Cell<u64>,
    /// As many of them do not wait for the socket: it has them, or they were dropped, or wait for a window.
    settled: Cell<u64>,
    /// Bodies that have to wait.
    waiting: RefCell<Vec<Waker>>,
    bell: Rc<Bell>,
}

impl Outbox {
    pub(super) fn new(bell: Rc<Bell>) -> Rc<Self> {
        Rc::new(Self { bell, ..Self::default() })
    }

    /// The connection's turn is over, in which the socket took `written` bytes. Unless it is `blocked`, h2 has nothing more
    /// that it may send.
    pub(super) fn turned(&self, written: u64, blocked: bool) {
        let handed = self.handed.get();
        self.settled.set(if blocked { handed.min(self.settled.get() + written) } else { handed });
        if !self.is_full() {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    fn is_full(&self) -> bool {
        self.handed.get() - self.settled.get() >= MOST
    }

    fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        if !self.is_full() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        // What h2 took without a word to the connection is settled by its next turn.
        self.bell.ring();
        Poll::Pending
    }
}

/// A response's body, which is asked for more when there is room.
pub(super) struct Held<B> {
    body: B,
    outbox: Rc<Outbox>,
}

impl<B> Held<B> {
    pub(super) fn new(body: B, outbox: Rc<Outbox>) -> Self {
        Self { body, outbox }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Held<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        ready!(self.outbox.poll_room(context));
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.outbox.handed.set(self.outbox.handed.get() + data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::task::Wake;

    use http_body_util::Full;

    use super::*;

    /// How often it was woken.
    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// A connection, and how often it and its bodies were woken.
    struct Gateway {
        outbox: Rc<Outbox>,
        connection: Arc<Count>,
        bodies: Arc<Count>,
    }

    impl Gateway {
        fn new() -> Self {
            let (bell, connection) = (Rc::<Bell>::default(), Arc::<Count>::default());
            bell.hang(&Context::from_waker(&Waker::from(Arc::clone(&connection))));
            Self { outbox: Outbox::new(bell), connection, bodies: Arc::default() }
        }

        /// Whether a body of so many bytes was asked for them.
        fn asks(&self, length: u64) -> bool {
            let bytes = Bytes::from(vec![0; usize::try_from(length).expect("it is short")]);
            let mut body = Held::new(Full::new(bytes), Rc::clone(&self.outbox));
            let waker = Waker::from(Arc::clone(&self.bodies));
            Pin::new(&mut body).poll_frame(&mut Context::from_waker(&waker)).is_ready()
        }

        fn woken(&self) -> (usize, usize) {
            (self.connection.0.swap(0, Relaxed), self.bodies.0.swap(0, Relaxed))
        }
    }

    #[test]
    fn what_waits_for_the_socket_is_bounded_and_who_has_to_wait_is_woken() {
        let gateway = Gateway::new();
        assert!(gateway.asks(MOST - 1) && gateway.asks(10));
        assert!(!gateway.asks(1));
        assert_eq!(gateway.woken(), (1, 0), "the connection may have something to settle");
        // There has to be less than the most, by the 10 bytes that are beyond.
        gateway.outbox.turned(5, true);
        assert_eq!((gateway.asks(1), gateway.woken().1), (false, 0));
        gateway.outbox.turned(5, true);
        assert_eq!(gateway.woken(), (0, 1), "it asked twice");
        assert!(gateway.asks(1) && !gateway.asks(1));
    }

    #[test]
    fn what_no_socket_holds_back_does_not_count() {
        let gateway = Gateway::new();
        for _ in 0..3 {
            assert!(gateway.asks(2 * MOST) && !gateway.asks(1));
            gateway.outbox.turned(0, false);
            assert_eq!(gateway.woken(), (1, 1));
        }
        // What the frames took besides does not make room for more.
        gateway.outbox.turned(MOST, true);
        assert!(gateway.asks(MOST) && !gateway.asks(1));
    }
}
