//! Room for the heads of the requests of one connection.
//!
//! A table of HPACK lets a client ask with twenty bytes for as many fields as a head may have, and cheaply for the gateway,
//! as long as they are what the table has. A request that is served has copies: cookies that are joined, a path in its normal
//! form, the head that goes to the upstream. So requests with long heads are served a few at a time, and the others wait.

use std::sync::Arc;

use http::Request;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of long heads that are served at once.
const ROOM: usize = 128 * 1024;
/// What is no longer needs no room: with as many streams as a listener lets be open by default they fill it once more.
const SHORT: usize = 1024;

pub(super) struct Heads {
    room: Arc<Semaphore>,
}

impl Heads {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// Waits until there is room, in the order of the requests. It is held until what is answered is dropped.
    pub(super) async fn enter(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        if length <= SHORT {
            return None;
        }
        // One that would fill it alone is served alone.
        let length = u32::try_from(length.min(ROOM)).unwrap_or(u32::MAX);
        Arc::clone(&self.room).acquire_many_owned(length).await.ok()
    }
}

/// Bytes that the head of a request has when it is served.
pub(super) fn length<B>(request: &Request<B>) -> usize {
    /// Of a character that its normal form escapes.
    const MOST_OF_ONE: usize = 3;
    let fields: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    fields + MOST_OF_ONE * request.uri().path_and_query().map_or(0, |target| target.as_str().len())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn asked(heads: &Heads, length: usize) -> Poll<Option<OwnedSemaphorePermit>> {
        pin!(heads.enter(length)).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn long_heads_are_served_a_few_at_a_time_and_short_ones_at_once() {
        let heads = Heads::new();
        let Poll::Ready(Some(first)) = asked(&heads, ROOM - SHORT) else { panic!("there is room") };
        assert!(asked(&heads, SHORT + 1).is_pending());
        assert!(matches!(asked(&heads, SHORT), Poll::Ready(None)));
        drop(first);
        assert!(matches!(asked(&heads, 100 * ROOM), Poll::Ready(Some(_))), "the longest is served alone");
        assert!(matches!(asked(&heads, ROOM), Poll::Ready(Some(_))), "and gives back what it took");
    }

    #[test]
    fn what_is_counted_are_the_bytes_of_fields_and_of_the_target_at_its_longest() {
        let request = Request::get("http://a.example/ab?c").header("x-y", "12345").body(()).expect("a request");
        assert_eq!(length(&request), 3 + 5 + 3 * 5);
    }
}
