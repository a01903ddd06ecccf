//! How a call has requests sent, and goes on.
//!
//! What runs on the fiber may not hold what is the worker's (a store and its futures are `Send`, a worker's connections are
//! not), so an import puts a request into the [`Mailbox`] of its instance and waits. Whoever drives the call ([`drive`])
//! takes it out, has it sent, and puts the answer in. So no task is spawned, and a call that is dropped takes its requests
//! with it.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::sync::oneshot;

use super::turns::Turn;
use super::{Answer, Outbound, Outgoing, Sending};

/// Requests on their way from a call, or from what it has begun, to who drives it, and wakes on theirs. The lock is never
/// contended: all of it runs on one thread.
#[derive(Debug, Clone, Default)]
pub(in crate::sandbox) struct Mailbox(Arc<Post>);

#[derive(Debug, Default)]
struct Post(Mutex<Desk>);

#[derive(Debug, Default)]
struct Desk {
    asked: VecDeque<(Outgoing, oneshot::Sender<Answer>)>,
    /// Whether what the call waits for is there: resuming its fiber for nothing would cost as much as a small request.
    woken: bool,
    /// Of who drives the call; none while that looks at everything anyhow.
    driver: Option<Waker>,
}

impl Wake for Post {
    /// The call can go on.
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut desk = self.desk();
        desk.woken = true;
        desk.tell();
    }
}

impl Post {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn tell(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }
}

impl Mailbox {
    /// Has a request sent. There is no answer if the call ends before.
    pub(in crate::sandbox) fn ask(&self, request: Outgoing) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let mut desk = self.0.desk();
        desk.asked.push_back((request, sender));
        desk.tell();
        receiver
    }

    /// A call begins. Forgets what an earlier one has left.
    fn begin(&self) {
        let left = std::mem::replace(&mut *self.0.desk(), Desk { woken: true, ..Desk::default() });
        // Not under the lock: who waited for it may be woken by this mailbox.
        drop(left);
    }

    /// What is to be sent.
    fn take(&self) -> VecDeque<(Outgoing, oneshot::Sender<Answer>)> {
        std::mem::take(&mut self.0.desk().asked)
    }

    /// From now on who drives the call is told of what happens.
    fn leave(&self, driver: &Waker) {
        let mut desk = self.0.desk();
        desk.driver = Some(driver.clone());
        if desk.woken || !desk.asked.is_empty() {
            desk.tell();
        }
    }
}

/// Runs a call to its end, and sends what it asks for meanwhile. What is under way then is given up.
pub(in crate::sandbox) async fn drive<T>(
    mailbox: Mailbox,
    outbound: &dyn Outbound,
    call: impl Future<Output = T>,
) -> T {
    mailbox.begin();
    let waker = Waker::from(Arc::clone(&mailbox.0));
    let mut call = pin!(call);
    let mut turn = Turn::default();
    let mut sending: Vec<(Sending<'_>, Option<oneshot::Sender<Answer>>)> = Vec::new();
    poll_fn(|context| {
        // Whatever happens from here on is seen below.
        mailbox.0.desk().driver = None;
        let mut may_run = false;
        loop {
            let asked = mailbox.take();
            sending.extend(asked.into_iter().map(|(request, sender)| (outbound.send(request), Some(sender))));
            sending.retain_mut(|(sending, sender)| match sending.as_mut().poll(context) {
                Poll::Ready(answer) => {
                    // Who asked may have lost interest.
                    if let Some(sender) = sender.take() {
                        let _ = sender.send(answer);
                    }
                    false
                }
                Poll::Pending => true,
            });
            if !mailbox.0.desk().woken {
                break;
            }
            may_run = may_run || turn.poll(context).is_ready();
            if !may_run {
                // It is told when it may, and until then of nothing else that the call could do.
                return Poll::Pending;
            }
            mailbox.0.desk().woken = false;
            if let Poll::Ready(ended) = call.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(ended);
            }
            if mailbox.0.desk().asked.is_empty() {
                break;
            }
        }
        mailbox.leave(context.waker());
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::net::Ipv4Addr;
    use std::rc::Rc;
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, Method};
    use tokio::task::{spawn_local, yield_now};

    use super::*;
    use crate::sandbox::outbound::{OutboundPolicy, Redirects, SendError};

    /// Its answers take several turns of the worker.
    #[derive(Debug)]
    struct Slow;

    impl Outbound for Slow {
        fn send(&self, _: Outgoing) -> Sending<'_> {
            Box::pin(async {
                for _ in 0..5 {
                    yield_now().await;
                }
                Err(SendError::Broken)
            })
        }
    }

    fn request() -> Outgoing {
        let timeout = Duration::from_secs(1);
        let nowhere = OutboundPolicy { upstreams: Vec::new(), origins: Vec::new(), timeout, max_body: 0 };
        Outgoing {
            upstream: "slow".into(),
            origin: None,
            method: Method::GET,
            target: http::uri::PathAndQuery::from_static("/"),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout,
            max_body: 0,
            client: Ipv4Addr::LOCALHOST.into(),
            secure: false,
            redirects: Redirects::new(0, &Arc::new(nowhere)),
        }
    }

    fn on_a_worker<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build_local(Default::default());
        runtime.expect("it needs no sockets").block_on(future)
    }

    /// Counts how often it is gone on with.
    async fn counted<T>(times: &Cell<u32>, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            times.set(times.get() + 1);
            call.as_mut().poll(context)
        })
        .await
    }

    #[test]
    fn a_call_goes_on_only_when_its_answer_is_there() {
        on_a_worker(async {
            let (mailbox, times) = (Mailbox::default(), Cell::new(0));
            let asking = mailbox.clone();
            let call = counted(&times, async move { asking.ask(request()).await });
            assert_eq!(drive(mailbox, &Slow, call).await.expect("it is answered").err(), Some(SendError::Broken));
            assert_eq!(times.get(), 2);
        });
    }

    #[test]
    fn a_call_that_wakes_itself_goes_on() {
        on_a_worker(async {
            let times = Cell::new(0);
            let call = counted(&times, async {
                for _ in 0..3 {
                    let mut again = true;
                    poll_fn(|context| {
                        context.waker().wake_by_ref();
                        if std::mem::take(&mut again) { Poll::Pending } else { Poll::Ready(()) }
                    })
                    .await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
            drive(Mailbox::default(), &Slow, call).await;
            assert!(times.get() >= 5, "{}", times.get());
        });
    }

    #[test]
    fn what_a_task_of_the_call_asks_is_sent_while_the_call_waits() {
        on_a_worker(async {
            let mailbox = Mailbox::default();
            let asking = mailbox.clone();
            let call = async move {
                let task = spawn_local(async move {
                    yield_now().await;
                    asking.ask(request()).await
                });
                task.await.expect("it does not panic")
            };
            assert_eq!(drive(mailbox, &Slow, call).await.expect("it is answered").err(), Some(SendError::Broken));
        });
    }

    #[test]
    fn a_call_that_is_dropped_takes_its_requests_with_it() {
        on_a_worker(async {
            let (mailbox, kept) = (Mailbox::default(), Rc::new(Cell::new(None)));
            let (asking, keeps) = (mailbox.clone(), Rc::clone(&kept));
            let call = async move {
                keeps.set(Some(asking.ask(request())));
                std::future::pending::<()>().await;
            };
            let mut driven = Box::pin(drive(mailbox, &Slow, call));
            assert!(driven.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(driven);
            assert!(kept.take().expect("it has asked").await.is_err());
        });
    }
}
