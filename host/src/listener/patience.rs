//! How long a connection may take over the head of a request, may idle between requests, and may stall within one.
//!
//! A worker looks at all its connections together a few times a second, so that none has a timer of its own or
//! reads the clock: a busy one pays nothing, and an idle one keeps no more than its state.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::{Instant, sleep};

use super::stalls::Stalls;

/// How often timers are looked at; they run out up to twice so much late.
const TICK: Duration = Duration::from_millis(100);
/// How many of those looks are between two that a connection has asked for.
const TICKS_A_LOOK: u32 = 5;

/// The state of one connection that its timers depend on.
pub(super) struct Patience {
    clock: Rc<Coarse>,
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
    /// What is watched while requests run.
    stalls: OnceCell<Stalls>,
    /// What the connection has yet to hear.
    news: Cell<Option<News>>,
    waker: RefCell<Option<Waker>>,
    /// Whether it has more to look at than these timers.
    looks: Cell<bool>,
}

/// What a connection is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// The worker is draining: no more requests.
    Drain,
    /// The head of a request takes too long.
    Head,
    /// No request came for too long.
    Idle,
    /// It is time for a look at what it waits for.
    Look,
}

/// The time at the next look at the timers, which is when it counts: never too early, at most a tick late.
struct Coarse(Cell<Instant>);

impl Coarse {
    fn set(&self, now: Instant) {
        self.0.set(now + TICK);
    }

    fn now(&self) -> Instant {
        self.0.get()
    }
}

/// The connections of one worker.
pub(super) struct Patients {
    clock: Rc<Coarse>,
    watched: RefCell<Vec<Weak<Patience>>>,
    arrived: Notify,
    draining: Cell<bool>,
}

impl Patients {
    pub(super) fn new() -> Self {
        Self {
            clock: Rc::new(Coarse(Cell::new(Instant::now()))),
            watched: RefCell::default(),
            arrived: Notify::new(),
            draining: Cell::new(false),
        }
    }

    /// The state of a connection that was opened now.
    pub(super) fn patience(&self, header_timeout: Duration, idle_timeout: Duration) -> Rc<Patience> {
        // Nobody looked at the clock while there was no connection.
        self.clock.set(Instant::now());
        let patience = Rc::new(Patience::new(Rc::clone(&self.clock), header_timeout, idle_timeout));
        self.watch(&patience);
        patience
    }

    fn watch(&self, patience: &Rc<Patience>) {
        if self.draining.get() {
            patience.tell(News::Drain);
        }
        self.watched.borrow_mut().push(Rc::downgrade(patience));
        self.arrived.notify_one();
    }

    /// Tells every connection to finish.
    pub(super) fn drain(&self) {
        self.draining.set(true);
        self.each(|patience| patience.tell(News::Drain));
    }

    /// Looks at the timers, for as long as the worker lives.
    pub(super) async fn attend(&self) {
        let mut ticks = 0_u32;
        loop {
            if self.watched.borrow().is_empty() {
                self.arrived.notified().await;
            }
            sleep(TICK).await;
            let now = Instant::now();
            self.clock.set(now);
            ticks = ticks.wrapping_add(1);
            self.each(|patience| {
                if let Some(end) = patience.over(now) {
                    patience.tell(end);
                } else if patience.stalls(now) {
                    patience.wake();
                } else if patience.looks.get() && ticks.is_multiple_of(TICKS_A_LOOK) {
                    patience.tell(News::Look);
                }
            });
        }
    }

    fn each(&self, look: impl Fn(&Patience)) {
        self.watched.borrow_mut().retain(|patience| match patience.upgrade() {
            Some(patience) => {
                look(&patience);
                true
            }
            None => false,
        });
    }
}

impl Patience {
    fn new(clock: Rc<Coarse>, header_timeout: Duration, idle_timeout: Duration) -> Self {
        let now = clock.now();
        Self {
            clock,
            header_timeout,
            idle_timeout,
            busy: Cell::new(0),
            idle_since: Cell::new(now),
            // The first head is waited for from the accept on.
            head_since: Cell::new(Some(now)),
            began: Cell::new(false),
            stalls: OnceCell::new(),
            news: Cell::new(None),
            waker: RefCell::new(None),
            looks: Cell::new(false),
        }
    }

    /// The time, to a tick.
    pub(super) fn now(&self) -> std::time::Instant {
        self.clock.now().into_std()
    }

    /// Whether the connection is told from time to time to look at what it waits for.
    pub(super) fn looks(&self, looks: bool) {
        self.looks.set(looks);
    }

    /// A request runs until the answer is dropped, or the body that it is tied to.
    pub(super) fn busy(this: &Rc<Self>) -> Busy {
        this.busy.set(this.busy.get() + 1);
        this.head_since.set(None);
        Busy { patience: Rc::clone(this), _room: None }
    }

    /// Watches over the requests that run, too. Once for a connection.
    pub(super) fn watch(&self, stalls: Stalls) {
        let _ = self.stalls.set(stalls);
    }

    /// Whether a request that runs has to be ended, because its client does not move.
    fn stalls(&self, now: Instant) -> bool {
        self.busy.get() > 0 && self.stalls.get().is_some_and(|stalls| stalls.look(now))
    }

    /// Returns when the worker drains or a timer runs out.
    pub(super) async fn news(&self) -> News {
        poll_fn(|context| match self.news.take() {
            // What was over when it was told may have gone on since.
            Some(News::Head | News::Idle) if self.over(Instant::now()).is_none() => self.wait(context),
            Some(news) => Poll::Ready(news),
            None => self.wait(context),
        })
        .await
    }

    fn wait(&self, context: &Context<'_>) -> Poll<News> {
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn tell(&self, news: News) {
        // Who has yet to hear of the drain hears that first; a timer is over at the next look, too.
        if self.news.get() != Some(News::Drain) {
            self.news.set(Some(news));
        }
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// The timer that has run out. While requests run there is none.
    fn over(&self, now: Instant) -> Option<News> {
        if self.busy.get() > 0 {
            return None;
        }
        let (deadline, news) = match self.head_since.get() {
            Some(since) => (since + self.header_timeout, News::Head),
            None => (self.idle_since.get() + self.idle_timeout, News::Idle),
        };
        (deadline <= now).then_some(news)
    }

    /// Whether nothing runs and no head has begun to arrive.
    pub(super) fn is_idle(&self) -> bool {
        self.busy.get() == 0 && (self.head_since.get().is_none() || !self.began.get())
    }

    /// Bytes of a head are there.
    pub(super) fn received(&self) {
        self.began.set(true);
        if self.busy.get() == 0 && self.head_since.get().is_none() {
            self.head_since.set(Some(self.clock.now()));
        }
    }
}

/// A request that runs.
pub(super) struct Busy {
    patience: Rc<Patience>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Busy {
    /// It has this room for as long as it runs.
    pub(super) fn holding(mut self, room: Option<OwnedSemaphorePermit>) -> Self {
        self._room = room;
        self
    }

    /// Ties the request to the body of its response.
    pub(super) fn until_end_of<B>(self, body: B) -> Tied<B> {
        Tied { body, _busy: self }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.patience.busy.set(self.patience.busy.get() - 1);
        self.patience.idle_since.set(self.patience.clock.now());
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
