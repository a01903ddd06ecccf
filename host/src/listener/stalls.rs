//! Whether a client that is waited for moves: what it sends of a body, reads of a response, or says in a tunnel.
//!
//! A period begins when the waiting does, and anew whenever enough has moved in it. One that is over without that ends
//! the exchange. So a client that sends or reads a byte now and then is no better than one that does nothing.
//!
//! It must not look at the clock: it is told the time a few times a second.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::Settings;
use crate::http1::{Progress, Wait};

/// What is watched of one connection.
pub(super) struct Stalls {
    progress: Rc<Progress>,
    body: Period,
    room: Period,
    tunnel: Period,
}

/// The current period of one kind of waiting.
struct Period {
    most: Duration,
    /// Bytes that have to move within it.
    least: u64,
    since: Cell<Option<Instant>>,
    /// What had moved when it began.
    moved: Cell<u64>,
}

impl Stalls {
    pub(super) fn new(progress: &Rc<Progress>, settings: &Settings) -> Self {
        Self {
            progress: Rc::clone(progress),
            body: Period::new(settings.limits.body_timeout, settings.limits.min_rate),
            room: Period::new(settings.limits.write_timeout, settings.limits.min_rate),
            tunnel: Period::new(settings.limits.tunnel_idle_timeout, 0),
        }
    }

    /// Ends the waiting of which a period is over. Answers whether there was one.
    pub(super) fn look(&self, now: Instant) -> bool {
        let progress = &*self.progress;
        let kinds = [(&self.body, &progress.body), (&self.room, &progress.room), (&self.tunnel, &progress.tunnel)];
        let over = kinds.into_iter().filter(|(period, wait)| period.is_over(wait, now));
        over.map(|(_, wait)| wait.end()).count() > 0
    }
}

impl Period {
    /// `rate` is in bytes a second; whatever it is, something has to move.
    fn new(most: Duration, rate: u64) -> Self {
        let least = u128::from(rate) * most.as_millis() / 1000;
        let least = u64::try_from(least).unwrap_or(u64::MAX).max(1);
        Self { most, least, since: Cell::new(None), moved: Cell::new(0) }
    }

    fn is_over(&self, wait: &Wait, now: Instant) -> bool {
        if !wait.waits() || wait.is_over() {
            self.since.set(None);
            return false;
        }
        match self.since.get() {
            Some(since) if wait.moved() - self.moved.get() < self.least => since + self.most <= now,
            _ => {
                self.since.set(Some(now));
                self.moved.set(wait.moved());
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A period of a second, and a time in it.
    fn period(rate: u64) -> (Period, Wait, impl Fn(u64) -> Instant) {
        let started = Instant::now();
        let wait = Wait::default();
        wait.set(true);
        (Period::new(Duration::from_secs(1), rate), wait, move |millis| started + Duration::from_millis(millis))
    }

    #[test]
    fn who_does_nothing_is_ended_when_the_period_is_over() {
        let (period, wait, at) = period(0);
        assert_eq!([0, 900, 999, 1000].map(|millis| period.is_over(&wait, at(millis))), [false, false, false, true]);
    }

    #[test]
    fn who_is_not_waited_for_has_all_the_time() {
        let (period, wait, at) = period(0);
        assert!(!period.is_over(&wait, at(0)));
        wait.set(false);
        assert!(!period.is_over(&wait, at(2000)));
        wait.set(true);
        assert_eq!([2100, 3000, 3100].map(|millis| period.is_over(&wait, at(millis))), [false, false, true]);
    }

    #[test]
    fn a_byte_now_and_then_is_not_enough_where_there_is_a_rate() {
        let ends = |rate: u64, each: usize| {
            let (period, wait, at) = period(rate);
            (0..100).find(|tick| {
                wait.add(each);
                period.is_over(&wait, at(tick * 100))
            })
        };
        assert_eq!(ends(0, 1), None);
        assert_eq!(ends(100, 1), Some(10));
        assert_eq!(ends(100, 9), Some(10));
        assert_eq!(ends(100, 10), None);
    }
}
