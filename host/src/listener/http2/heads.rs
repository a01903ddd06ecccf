//! Room for the heads of the requests of one connection.
//!
//! A table of HPACK lets a client ask with twenty bytes for as many fields as a head may have, and cheaply for the gateway,
//! as long as they are what the table has. A request that is served has copies: cookies that are joined, a path in its normal
//! form, the head that goes to the upstream. So requests with long heads are served a few at a time, and the others wait;
//! and a head that is longer than what its client has sent, and than what a table has, is not served at all. A client with
//! many of those is left: h2 remembers streams that it has reset, and keeps the room for them as long as the connection.

use std::cell::Cell;
use std::sync::Arc;

use http::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of long heads that are served at once: so many from the start, more for each byte that the client sent, and no more
/// than the last.
const ROOM: usize = 32 * 1024;
const ROOM_PER_BYTE: usize = 8;
const MOST_ROOM: usize = 512 * 1024;
/// What is no longer needs no room: with as many streams as a listener lets be open by default they fill it a few times more.
const SHORT: usize = 1024;
/// What the gateway's table of HPACK has (RFC 7541, section 4.2; it does not ask for another size).
const TABLE: usize = 4096;
/// Bytes of heads, for each byte that the client sent: a character takes five bits at least, and a name that the static
/// table has one byte.
const SAID_PER_BYTE: usize = 3;
/// Beyond what was sent, for as long as the connection lasts: for who repeats a field now and then.
const SAID_FREE: usize = 16 * 1024;
/// Heads that were not sent, before their client is left.
const MOST_UNSENT: u32 = 8;

pub(super) struct Heads {
    room: Arc<Semaphore>,
    /// What it grew to.
    grown: Cell<usize>,
    /// Bytes of heads beyond what the table has.
    said: Cell<usize>,
    /// Heads that were not sent.
    unsent: Cell<u32>,
}

/// Bytes of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// As it was said.
    said: usize,
    /// When it is served.
    served: usize,
}

impl Length {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        /// Of a character that its normal form escapes.
        const MOST_OF_ONE: usize = 3;
        let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        Self { said: fields + target, served: fields + MOST_OF_ONE * target }
    }
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM)), grown: Cell::new(ROOM), said: Cell::new(0), unsent: Cell::new(0) }
    }

    /// Whether the client has sent what it says, of a connection on which it sent `received` bytes. Once for each request.
    ///
    /// A head says what the table has, each entry of it once, and else what its block has: a request that says more takes
    /// the same entries again and again. What the bytes of other requests and of bodies would pay for may be said too.
    pub(super) fn are_sent(&self, length: Length, received: usize) -> bool {
        let said = self.said.get() + length.said.saturating_sub(TABLE);
        let is_sent = said <= SAID_FREE + SAID_PER_BYTE * received;
        if is_sent {
            self.said.set(said);
        } else {
            self.unsent.set(self.unsent.get() + 1);
        }
        is_sent
    }

    /// Whether the client has gone on with heads that it has not sent.
    pub(super) fn insists(&self) -> bool {
        self.unsent.get() > MOST_UNSENT
    }

    /// Waits until there is room, in the order of the requests. It is held until what is answered is dropped.
    pub(super) async fn enter(&self, length: Length, received: usize) -> Option<OwnedSemaphorePermit> {
        if length.served <= SHORT {
            return None;
        }
        let room = MOST_ROOM.min(ROOM + ROOM_PER_BYTE * received);
        self.room.add_permits(room - self.grown.replace(room));
        // One that would fill it alone is served alone.
        let length = u32::try_from(length.served.min(room)).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(length).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn length(bytes: usize) -> Length {
        Length { said: bytes, served: bytes }
    }

    fn asked(heads: &Heads, bytes: usize, received: usize) -> Poll<Option<OwnedSemaphorePermit>> {
        pin!(heads.enter(length(bytes), received)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn long_heads_are_served_a_few_at_a_time_and_short_ones_at_once() {
        let heads = Heads::new();
        let Poll::Ready(Some(first)) = asked(&heads, ROOM - SHORT, 0) else { panic!("there is room") };
        assert!(asked(&heads, SHORT + 1, 0).is_pending());
        assert!(matches!(asked(&heads, SHORT, 0), Poll::Ready(None)));
        drop(first);
        assert!(matches!(asked(&heads, 100 * ROOM, 0), Poll::Ready(Some(_))), "the longest is served alone");
        assert!(matches!(asked(&heads, ROOM, 0), Poll::Ready(Some(_))), "and gives back what it took");
    }

    #[test]
    fn who_sends_more_is_served_more_at_once() {
        let heads = Heads::new();
        let Poll::Ready(Some(_first)) = asked(&heads, ROOM, 0) else { panic!("there is room") };
        assert!(asked(&heads, ROOM, ROOM / ROOM_PER_BYTE - 1).is_pending());
        assert!(matches!(asked(&heads, ROOM, ROOM / ROOM_PER_BYTE), Poll::Ready(Some(_))));
        let Poll::Ready(Some(_most)) = asked(&heads, MOST_ROOM - ROOM, MOST_ROOM) else { panic!("there is room") };
        assert!(asked(&heads, SHORT + 1, 100 * MOST_ROOM).is_pending());
    }

    #[test]
    fn a_head_of_what_the_table_has_is_free_and_one_that_says_it_again_and_again_is_not() {
        let heads = Heads::new();
        assert!((0..1000).all(|_| heads.are_sent(length(TABLE), 0)));
        assert!(heads.are_sent(length(TABLE + SAID_FREE), 0));
        assert!(!heads.are_sent(length(TABLE + 1), 0));
        assert!(heads.are_sent(length(TABLE), 0) && heads.are_sent(length(TABLE + 1), 1));
        assert!(heads.are_sent(length(60_000), 20_000), "of what is sent in one piece");
    }

    #[test]
    fn who_goes_on_with_heads_that_were_not_sent_insists() {
        let heads = Heads::new();
        assert!((0..MOST_UNSENT).all(|_| !heads.are_sent(length(100_000), 0)));
        assert!(heads.are_sent(length(TABLE), 0) && !heads.insists());
        assert!(!heads.are_sent(length(100_000), 0) && heads.insists());
    }

    #[test]
    fn what_is_counted_are_the_bytes_of_fields_and_of_the_target_at_its_longest() {
        let request = Request::get("http://a.example/ab?c").header("x-y", "12345").body(()).expect("a request");
        assert_eq!(Length::of(&request), Length { said: 3 + 5 + 5, served: 3 + 5 + 3 * 5 });
    }
}
