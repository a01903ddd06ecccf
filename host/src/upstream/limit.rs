//! How many requests run at an upstream at once, on all workers together, and how many wait for one of them to end.
//!
//! A count of the workers together is what an upstream feels; a worker's own part of it would be too little for one
//! worker while others have room. It is an atomic, taken and given back once per request. Only who has to wait, and who ends a
//! request while others wait, touches the queue, which has a lock of its own: they come one by one as requests end, in
//! the order in which they came, whichever worker they are on.
//!
//! Probes of health are not counted and never wait.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// What a config says of it.
#[derive(Clone, Debug)]
pub struct Limit {
    /// At once, on all workers.
    pub requests: usize,
    /// That wait.
    pub queue: usize,
    pub queue_timeout: Duration,
    pub permits: Arc<Permits>,
}

/// What workers share of an upstream that has a limit. It is carried over a reload by the upstream's name.
#[derive(Debug, Default)]
pub struct Permits {
    taken: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

impl Permits {
    /// Requests that run.
    pub fn taken(&self) -> usize {
        self.taken.load(SeqCst)
    }

    /// Requests that wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(SeqCst)
    }
}

/// A place among the requests that run: counted as long as it lives.
#[derive(Debug)]
pub(super) struct Permit(Arc<Permits>);

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    QueueFull,
    TooLate,
}

impl Limit {
    /// Waits for a place.
    pub(super) async fn enter(&self) -> Result<Permit, Refusal> {
        // Nobody overtakes who waits.
        if self.permits.waiting.load(SeqCst) == 0
            && let Some(permit) = self.take()
        {
            return Ok(permit);
        }
        let _waiting = Waiting::join(&self.permits, self.queue).ok_or(Refusal::QueueFull)?;
        timeout(self.queue_timeout, self.wait()).await.map_err(|_| Refusal::TooLate)
    }

    async fn wait(&self) -> Permit {
        loop {
            let mut freed = pin!(self.permits.freed.notified());
            // From here on nothing is missed.
            freed.as_mut().enable();
            if let Some(permit) = self.take() {
                return permit;
            }
            freed.await;
        }
    }

    fn take(&self) -> Option<Permit> {
        let more = |taken: usize| (taken < self.requests).then_some(taken + 1);
        self.permits.taken.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Permit(Arc::clone(&self.permits)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // In this order, and who waits the other way round: one of both sees what the other does.
        self.0.taken.fetch_sub(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

/// A place in the queue: counted as long as it lives.
struct Waiting<'a>(&'a Permits);

impl<'a> Waiting<'a> {
    fn join(permits: &'a Permits, most: usize) -> Option<Self> {
        let more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        permits.waiting.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Self(permits))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::atomic::Ordering::SeqCst;

    use tokio::task::{spawn_local, yield_now};

    use super::*;
    use crate::upstream::tests::harness::worker;

    fn limit(requests: usize, queue: usize) -> Limit {
        Limit { requests, queue, queue_timeout: Duration::from_secs(60), permits: Arc::default() }
    }

    #[test]
    fn who_waits_gets_a_place_in_order_and_nobody_overtakes() {
        worker(async {
            let limit = limit(1, 8);
            let first = limit.enter().await.expect("room");
            let order = Rc::new(std::cell::RefCell::new(Vec::new()));
            let wait = |number: u32| {
                let (limit, order) = (limit.clone(), Rc::clone(&order));
                spawn_local(async move {
                    let permit = limit.enter().await.expect("room in time");
                    order.borrow_mut().push(number);
                    yield_now().await;
                    drop(permit);
                })
            };
            let mut waiting = Vec::new();
            for number in 0..4 {
                waiting.push(wait(number));
                yield_now().await;
            }
            drop(first);
            waiting.push(wait(4));
            for task in waiting {
                task.await.expect("it ends");
            }
            assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
            assert_eq!((limit.permits.taken.load(SeqCst), limit.permits.waiting.load(SeqCst)), (0, 0));
        });
    }

    #[test]
    fn a_full_queue_and_a_late_place_are_told_apart() {
        worker(async {
            let limit = Limit { queue_timeout: Duration::from_millis(10), ..limit(1, 1) };
            let held = limit.enter().await.expect("room");
            let waits = spawn_local({
                let limit = limit.clone();
                async move { limit.enter().await.err() }
            });
            yield_now().await;
            assert_eq!(limit.enter().await.err(), Some(Refusal::QueueFull));
            assert_eq!(waits.await.expect("it ends"), Some(Refusal::TooLate));
            drop(held);
            assert!(limit.enter().await.is_ok());
        });
    }

    #[test]
    fn who_leaves_the_queue_takes_no_place_with_it() {
        worker(async {
            let limit = limit(1, 8);
            let held = limit.enter().await.expect("room");
            let enter = || {
                let limit = limit.clone();
                spawn_local(async move { limit.enter().await.expect("room") })
            };
            let (gone, stays) = (enter(), enter());
            yield_now().await;
            drop(held);
            // It was told already, and does not live to hear it.
            gone.abort();
            drop(stays.await.expect("it ends"));
            assert_eq!(limit.permits.taken.load(SeqCst), 0);
        });
    }

    /// Workers are threads: no place may be lost between them, nor one too many be given.
    #[test]
    fn workers_share_the_places() {
        let limit = limit(3, 1000);
        let most = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (limit, most) = (limit.clone(), Arc::clone(&most));
                std::thread::spawn(move || {
                    worker(async move {
                        let tasks: Vec<_> = (0..50)
                            .map(|_| {
                                let (limit, most) = (limit.clone(), Arc::clone(&most));
                                spawn_local(async move {
                                    for _ in 0..20 {
                                        let permit = limit.enter().await.expect("room in time");
                                        most.fetch_max(limit.permits.taken.load(SeqCst), SeqCst);
                                        yield_now().await;
                                        drop(permit);
                                    }
                                })
                            })
                            .collect();
                        for task in tasks {
                            task.await.expect("it ends");
                        }
                    });
                })
            })
            .collect();
        for worker in workers {
            worker.join().expect("it ends");
        }
        assert_eq!(most.load(SeqCst), 3);
        assert_eq!((limit.permits.taken.load(SeqCst), limit.permits.waiting.load(SeqCst)), (0, 0));
    }
}
