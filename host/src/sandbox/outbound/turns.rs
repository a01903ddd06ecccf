//! Whose turn it is among the calls that wait. What a guest does between two waits takes tens of microseconds, where a
//! request without a plugin takes a few, and many answers may come at once; so the worker looks at its sockets, and does
//! what is quickly done, before the next guest runs.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::task::yield_now;

thread_local! {
    /// Of this worker.
    static TURNS: Rc<Turns> = Rc::default();
}

/// One more guest may run between two looks at the sockets for each so many that wait for it: who is quick has to wait
/// for one or a few of them, and they are not starved when they are many.
const WAITING_FOR_ONE_MORE: usize = 16;

#[derive(Default)]
struct Turns {
    /// Without anybody who gives turns, they are not waited for.
    attended: Cell<bool>,
    /// Guests that may run before the next look at the sockets.
    left: Cell<usize>,
    /// The first come in front. Who was dropped meanwhile is passed over.
    waiting: RefCell<VecDeque<Weak<Ticket>>>,
    /// A turn was taken, or is waited for.
    asked: Notify,
}

struct Ticket {
    is_called: Cell<bool>,
    waker: RefCell<Waker>,
}

/// A guest's place in the queue, if it waits there.
#[derive(Default)]
pub(super) struct Turn(Option<Rc<Ticket>>);

impl Turn {
    /// Ready when the guest may run, up to its next wait.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> Poll<()> {
        TURNS.with(|turns| turns.poll(&mut self.0, context.waker()))
    }
}

/// Gives turns, for as long as the worker lives.
pub async fn attend() {
    let turns = TURNS.with(Rc::clone);
    let _attendance = Attendance::of(&turns);
    turns.give();
    loop {
        turns.asked.notified().await;
        while turns.left.get() == 0 || !turns.waiting.borrow().is_empty() {
            // Goes on after the reactor's next turn, behind those whom that wakes.
            yield_now().await;
            turns.give();
        }
    }
}

impl Turns {
    fn poll(&self, place: &mut Option<Rc<Ticket>>, waker: &Waker) -> Poll<()> {
        if !self.attended.get() {
            return Poll::Ready(());
        }
        if let Some(ticket) = place {
            if ticket.is_called.get() {
                *place = None;
                return Poll::Ready(());
            }
            ticket.waker.borrow_mut().clone_from(waker);
            return Poll::Pending;
        }
        self.asked.notify_one();
        let mut waiting = self.waiting.borrow_mut();
        match self.left.get().checked_sub(1) {
            Some(left) if waiting.is_empty() => {
                self.left.set(left);
                Poll::Ready(())
            }
            _ => {
                let ticket = Rc::new(Ticket { is_called: Cell::new(false), waker: RefCell::new(waker.clone()) });
                waiting.push_back(Rc::downgrade(place.insert(ticket)));
                Poll::Pending
            }
        }
    }

    /// The sockets were looked at: calls those whose turn it is now.
    fn give(&self) {
        let mut waiting = self.waiting.borrow_mut();
        let mut left = 1 + waiting.len() / WAITING_FOR_ONE_MORE;
        while left > 0 {
            let Some(next) = waiting.pop_front() else { break };
            if let Some(ticket) = next.upgrade() {
                ticket.is_called.set(true);
                ticket.waker.borrow().wake_by_ref();
                left -= 1;
            }
        }
        self.left.set(left);
    }
}

/// That somebody gives turns. Nobody waits for them when it has ended.
struct Attendance<'t>(&'t Turns);

impl<'t> Attendance<'t> {
    fn of(turns: &'t Turns) -> Self {
        turns.attended.set(true);
        Self(turns)
    }
}

impl Drop for Attendance<'_> {
    fn drop(&mut self) {
        self.0.attended.set(false);
        for ticket in self.0.waiting.take().iter().filter_map(Weak::upgrade) {
            ticket.waker.borrow().wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::task::spawn_local;

    use super::*;

    /// Counts the reactor's turns while the guests run, each as soon as it may. Answers which one each ran in.
    fn turns_of(guests: usize, attended: bool) -> Vec<usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().build_local(Default::default());
        runtime.expect("it needs neither sockets nor timers").block_on(async move {
            let attendant = attended.then(|| spawn_local(attend()));
            yield_now().await;
            let turn = Rc::new(Cell::new(0));
            let counted = Rc::clone(&turn);
            let counter = spawn_local(async move {
                loop {
                    counted.set(counted.get() + 1);
                    yield_now().await;
                }
            });
            let guests: Vec<_> = (0..guests)
                .map(|_| {
                    let (turn, mut mine) = (Rc::clone(&turn), Turn::default());
                    spawn_local(async move {
                        poll_fn(|context| mine.poll(context)).await;
                        turn.get()
                    })
                })
                .collect();
            let mut ran = Vec::new();
            for guest in guests {
                ran.push(guest.await.expect("it does not panic"));
            }
            counter.abort();
            attendant.inspect(tokio::task::JoinHandle::abort);
            ran
        })
    }

    #[test]
    fn one_guest_runs_between_two_looks_at_the_sockets() {
        let ran = turns_of(5, true);
        assert!(ran.is_sorted_by(|one, next| one < next), "{ran:?}");
    }

    #[test]
    fn of_many_guests_some_run_between_two_looks_at_the_sockets() {
        let ran = turns_of(16 * WAITING_FOR_ONE_MORE, true);
        let looks = ran[ran.len() - 1] - ran[0];
        assert!(ran.is_sorted() && looks < ran.len() / 2, "{looks} looks for {} guests", ran.len());
    }

    #[test]
    fn who_has_left_the_queue_is_passed_over() {
        let (turns, mut first, mut gone, mut last) = (Turns::default(), None, None, None);
        let _attendance = Attendance::of(&turns);
        turns.give();
        let waker = Waker::noop();
        assert!(turns.poll(&mut first, waker).is_ready());
        assert!(turns.poll(&mut gone, waker).is_pending());
        assert!(turns.poll(&mut last, waker).is_pending());
        drop(gone);
        turns.give();
        assert!(turns.poll(&mut last, waker).is_ready());
    }

    #[test]
    fn nobody_waits_for_turns_that_nobody_gives() {
        let ran = turns_of(5, false);
        assert_eq!(ran[0], ran[4]);
    }
}
