//! How long a response is waited for, its head and each piece of its body.
//!
//! What counts is silence: a long upload is no reason to give up as long as it moves. A connection keeps its
//! alarm from exchange to exchange.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::request_body::BodyMeter;

/// A timer that is set for one deadline after another. It rings early rather than being moved each time, and
/// then goes on to what its deadline is by now: a busy connection moves it once in a timeout.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready when the deadline is over.
    fn poll(&mut self, deadline: Instant, context: &mut Context<'_>) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

/// How long the body of a response may take.
#[derive(Debug)]
pub(super) struct Silence {
    /// Between two pieces.
    pub(super) idle: Option<Duration>,
    /// To the last one.
    pub(super) until: Option<Instant>,
    /// What moves of the request meanwhile is no silence.
    pub(super) meter: Option<Rc<BodyMeter>>,
    /// When the piece was asked for that has not come.
    pub(super) since: Option<Instant>,
}

/// What a response's body took too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooLong {
    Idle(Duration),
    Total,
}

impl Silence {
    /// A piece came.
    pub(super) fn broken(&mut self) {
        self.since = None;
    }

    /// No piece is there: ready when it is no longer waited for.
    pub(super) fn poll(&mut self, alarm: &mut Alarm, context: &mut Context<'_>) -> Poll<TooLong> {
        let since = *self.since.get_or_insert_with(Instant::now);
        loop {
            let moved = self.meter.as_ref().and_then(|meter| meter.last());
            let idle = self.idle.map(|idle| since.max(moved.unwrap_or(since)) + idle);
            let deadline = match (idle, self.until) {
                (Some(idle), Some(until)) => idle.min(until),
                (Some(deadline), None) | (None, Some(deadline)) => deadline,
                (None, None) => return Poll::Pending,
            };
            ready!(alarm.poll(deadline, context));
            if self.until == Some(deadline) {
                return Poll::Ready(TooLong::Total);
            }
            let moved_since = self.meter.as_ref().and_then(|meter| meter.last());
            if moved_since == moved {
                return Poll::Ready(TooLong::Idle(self.idle.unwrap_or_default()));
            }
        }
    }
}

/// Waits for `response`, but not longer than `silence` after `now`, and after the last piece of the request's
/// body was taken: then `None`. A client that the listener watches over takes no time of the upstream's.
pub(super) async fn within<F: Future>(
    now: Instant,
    silence: Duration,
    meter: &BodyMeter,
    alarm: &mut Alarm,
    mut response: Pin<&mut F>,
) -> Option<F::Output> {
    let mut deadline = now + silence;
    poll_fn(|context| {
        loop {
            if let Poll::Ready(output) = response.as_mut().poll(context) {
                return Poll::Ready(Some(output));
            }
            ready!(alarm.poll(deadline, context));
            if meter.waiting() && meter.is_watched() {
                // It is the client's turn, and its time is not the upstream's.
                deadline = Instant::now() + silence;
                continue;
            }
            match meter.last().map(|last| last + silence).filter(|later| *later > deadline) {
                Some(later) => deadline = later,
                None => return Poll::Ready(None),
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;
    use crate::upstream::tests::harness::worker;

    #[test]
    fn a_moving_upload_is_waited_for_and_silence_after_it_is_not() {
        worker(async {
            let (meter, silence, started) = (BodyMeter::new(None), Duration::from_millis(20), Instant::now());
            let mut pieces = 2;
            // Asked at the start and at each deadline.
            let upload = poll_fn(|_| {
                if pieces > 0 {
                    pieces -= 1;
                    meter.add(1).expect("no limit");
                }
                Poll::<()>::Pending
            });
            assert!(within(started, silence, &meter, &mut Alarm::default(), pin!(upload)).await.is_none());
            assert!(started.elapsed() >= 2 * silence);
        });
    }

    #[test]
    fn an_alarm_serves_one_deadline_after_another() {
        worker(async {
            let (mut alarm, started) = (Alarm::default(), Instant::now());
            let at = |millis| started + Duration::from_millis(millis);
            let far = poll_fn(|context| Poll::Ready(alarm.poll(at(60_000), context))).await;
            assert!(far.is_pending());
            for deadline in [at(20), at(40)] {
                poll_fn(|context| alarm.poll(deadline, context)).await;
                assert!(Instant::now() >= deadline);
            }
            assert!(started.elapsed() < Duration::from_secs(10));
        });
    }
}
