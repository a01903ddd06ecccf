//! Connections that wait for the next request of one worker to one endpoint.
//!
//! The last one in is the first one out: it is the least likely to have been closed meanwhile, and
//! the ones that a quiet hour does not need grow old at the other end.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::definition::KeepAlive;
use super::patience::Alarm;
use crate::http1::client::Connection;

/// After this time the endpoint may have closed a connection without the runtime having heard of it,
/// and what is written is lost. Asking costs a turn of the reactor; a busy worker reuses its
/// connections sooner.
///
/// Bytes that an endpoint sent unasked within this time may be taken for the answer to the next request. Asking the
/// socket each time would cost a system call and close nothing: what comes a microsecond after the question looks the
/// same. An endpoint that answers twice is not made to by a client, because both sides of the codec frame messages in
/// one way only; what is left is an endpoint that is broken, and could give the wrong answer to anybody anyhow.
pub(super) const NEWS: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Idle {
    /// The oldest in front.
    waiting: RefCell<VecDeque<Waiting>>,
    limits: Cell<KeepAlive>,
}

#[derive(Debug)]
struct Waiting {
    connection: Connection,
    alarm: Alarm,
    since: Instant,
}

impl Idle {
    pub(super) fn new() -> Self {
        Self { waiting: RefCell::default(), limits: Cell::new(KeepAlive::NONE) }
    }

    /// Sets what a config says; what is over it goes with the next sweep.
    pub(super) fn limit(&self, limits: KeepAlive) {
        self.limits.set(limits);
    }

    /// A connection that can be written to, as far as can be known.
    pub(super) async fn take(&self, now: Instant) -> Option<(Connection, Alarm)> {
        while let Some(Waiting { mut connection, alarm, since }) = self.pop() {
            let waited = now.saturating_duration_since(since);
            if waited >= self.limits.get().idle_timeout {
                // Those in front waited even longer.
                self.waiting.borrow_mut().clear();
                return None;
            }
            if waited >= NEWS {
                // Wakes this task after the reactor's next turn.
                tokio::task::yield_now().await;
            }
            if connection.is_open() {
                return Some((connection, alarm));
            }
        }
        None
    }

    fn pop(&self) -> Option<Waiting> {
        self.waiting.borrow_mut().pop_back()
    }

    /// Keeps a connection whose exchange is over, or closes it when it cannot take another.
    pub(super) fn put(&self, connection: Connection, alarm: Alarm) {
        let most = self.limits.get().connections;
        if most == 0 {
            return;
        }
        let mut waiting = self.waiting.borrow_mut();
        while waiting.len() >= most {
            waiting.pop_front();
        }
        waiting.push_back(Waiting { connection, alarm, since: Instant::now() });
    }

    /// Closes what waited too long or was closed by the endpoint.
    pub(super) fn sweep(&self, now: Instant) {
        let KeepAlive { connections, idle_timeout, .. } = self.limits.get();
        let mut waiting = self.waiting.borrow_mut();
        waiting.retain_mut(|waiting| {
            waiting.connection.is_open() && now.saturating_duration_since(waiting.since) < idle_timeout
        });
        let surplus = waiting.len().saturating_sub(connections);
        waiting.drain(..surplus);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.borrow().is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.borrow().len()
    }
}
