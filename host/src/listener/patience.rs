//! How long a connection may take over the head of a request, and may idle between requests.
//!
//! The clock is read when a request begins and ends; the timer is set anew only when it fires, so a
//! busy connection pays nothing for it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// The state of one connection that its timers depend on.
pub(super) struct Patience {
    header_timeout: Duration,
    idle_timeout: Duration,
    /// Requests that run.
    busy: Cell<u32>,
    /// When the connection was opened, or its last request ended.
    idle_since: Cell<Instant>,
    /// When the first byte of a head arrived that is not complete.
    head_since: Cell<Option<Instant>>,
    /// Whether anything arrived.
    began: Cell<bool>,
}

/// Which timer ran out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Head,
    Idle,
}

impl Patience {
    pub(super) fn new(header_timeout: Duration, idle_timeout: Duration) -> Self {
        let now = Instant::now();
        Self {
            header_timeout,
            idle_timeout,
            busy: Cell::new(0),
            idle_since: Cell::new(now),
            // The first head is waited for from the accept on.
            head_since: Cell::new(Some(now)),
            began: Cell::new(false),
        }
    }

    /// A request runs until the answer is dropped, or the body that it is tied to.
    pub(super) fn busy(this: &Rc<Self>) -> Busy {
        this.busy.set(this.busy.get() + 1);
        this.head_since.set(None);
        Busy(Rc::clone(this))
    }

    /// Returns when a timer runs out.
    pub(super) async fn run_out(&self) -> End {
        loop {
            let (deadline, end) = self.next();
            if deadline <= Instant::now() {
                return end;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    /// The timer that runs out next if nothing happens. While requests run there is none, but one
    /// may end at any time, so looking again after the shorter of the two is soon enough.
    fn next(&self) -> (Instant, End) {
        if self.busy.get() > 0 {
            return (Instant::now() + self.header_timeout.min(self.idle_timeout), End::Idle);
        }
        match self.head_since.get() {
            Some(since) => (since + self.header_timeout, End::Head),
            None => (self.idle_since.get() + self.idle_timeout, End::Idle),
        }
    }

    /// Whether nothing runs and no head has begun to arrive.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.get() == 0 && (self.head_since.get().is_none() || !self.began.get())
    }

    /// Bytes of a head are there.
    pub(super) fn received(&self) {
        self.began.set(true);
        if self.busy.get() == 0 && self.head_since.get().is_none() {
            self.head_since.set(Some(Instant::now()));
        }
    }
}

/// A request that runs.
pub(super) struct Busy(Rc<Patience>);

impl Busy {
    /// Ties the request to the body of its response.
    pub(super) fn until_end_of<B>(self, body: B) -> Tied<B> {
        Tied { body, _busy: self }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get() - 1);
        self.0.idle_since.set(Instant::now());
    }
}

/// A body whose end is the end of a request.
pub(super) struct Tied<B> {
    body: B,
    _busy: Busy,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Tied<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
