//! HTTP/2 to endpoints (RFC 9113), with prior knowledge or agreed on by ALPN: exchanges that run at once share
//! connections.
//!
//! The framing is the crate `h2`'s. An exchange drives its stream from its own task, as it does over HTTP/1, and a task
//! for each connection moves the frames. hyper's client is not used: it takes a stream that was reset with NO_ERROR or
//! CANCEL for a body that is whole, reads requests' bodies from tasks of its own, and does not tell what may be sent again.

mod answer;
mod connection;
mod head;
mod send;
mod upload;

pub(super) use answer::{Answer, Cut};
pub(super) use connection::{Connection, OpenError, Slot};
pub(super) use head::{head, is_long};
pub(super) use send::{SendError, send};
pub(super) use upload::Upload;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use tokio::sync::Notify;

use super::connection::Connector;
use super::definition::KeepAlive;
use super::idle::NEWS;
use crate::http1::Socket;

/// Connections of one worker to one endpoint. Where each has room for 100 streams, as RFC 9113 (section 6.5.2) wants,
/// a few do; an endpoint that allows one stream on each can still be sent to.
const MOST_CONNECTIONS: usize = 64;

/// What a request may be sent on.
#[derive(Debug)]
pub(super) enum Taken {
    Stream(Slot),
    /// The endpoint chose HTTP/1: on this connection, if it was just opened.
    Http1(Option<Socket>),
}

/// The connections of one worker to one endpoint.
#[derive(Debug)]
pub(super) struct Connections {
    /// The oldest in front. Those behind idle first, and are closed.
    open: RefCell<Vec<Rc<Connection>>>,
    opening: Cell<bool>,
    /// An endpoint that may choose chose HTTP/1.
    speaks_http1: Cell<bool>,
    limits: Rc<Cell<KeepAlive>>,
    /// Who waits for a stream may look again.
    room: Rc<Notify>,
}

impl Connections {
    pub(super) fn new() -> Self {
        Self {
            open: RefCell::default(),
            opening: Cell::new(false),
            speaks_http1: Cell::new(false),
            limits: Rc::new(Cell::new(KeepAlive::NONE)),
            room: Rc::default(),
        }
    }

    /// Sets what a config says; what is over it goes with the next sweep.
    pub(super) fn limit(&self, limits: KeepAlive) {
        self.limits.set(limits);
    }

    /// Room for a stream, on a connection other than `refused`. One connection is opened at a time: those who wait for
    /// it share it. Waits for as long as it takes: the caller has the timeout.
    pub(super) async fn take(
        &self,
        connector: &Connector,
        refused: Option<&Rc<Connection>>,
    ) -> Result<Taken, OpenError> {
        loop {
            if self.speaks_http1.get() {
                return Ok(Taken::Http1(None));
            }
            // From here on nothing is missed.
            let room = self.room.notified();
            if self.may_have_news() {
                // The connections' tasks are woken first, and hear of what endpoints have closed.
                tokio::task::yield_now().await;
            }
            if let Some(slot) = self.slot(refused) {
                return Ok(Taken::Stream(slot));
            }
            if self.opening.get() || self.is_full() {
                room.await;
                continue;
            }
            let opening = Opening::begin(self);
            // No client is named: they share what is opened here.
            let opened = connector.open(false, None).await?;
            if !opened.http2 {
                self.speaks_http1.set(true);
                return Ok(Taken::Http1(Some(opened.socket)));
            }
            let connection = Connection::open(opened.socket, &self.limits, &self.room).await?;
            self.open.borrow_mut().push(connection);
            drop(opening);
        }
    }

    /// Whether there may be no more connections.
    pub(super) fn is_full(&self) -> bool {
        self.open.borrow().len() >= MOST_CONNECTIONS
    }

    fn slot(&self, refused: Option<&Rc<Connection>>) -> Option<Slot> {
        let mut open = self.open.borrow_mut();
        open.retain(|connection| !connection.is_over());
        let others = |connection: &&Rc<Connection>| !refused.is_some_and(|refused| Rc::ptr_eq(refused, connection));
        open.iter().filter(others).find(|connection| connection.has_room()).map(Connection::slot)
    }

    /// Whether the runtime may not have heard yet what endpoints said.
    fn may_have_news(&self) -> bool {
        let open = self.open.borrow();
        let mut idle = open.iter().filter_map(|connection| connection.idle_since()).peekable();
        idle.peek().is_some() && {
            let now = Instant::now();
            idle.any(|since| now.saturating_duration_since(since) >= NEWS)
        }
    }

    /// No connection is left on which the endpoint chose HTTP/1: with the next one it may choose again.
    pub(super) fn choose_again(&self) {
        self.speaks_http1.set(false);
    }

    /// Closes what idled too long.
    pub(super) fn sweep(&self, now: Instant) {
        let KeepAlive { connections, idle_timeout, .. } = self.limits.get();
        let mut idle = 0;
        self.open.borrow_mut().retain(|connection| match connection.idle_since() {
            _ if connection.is_over() => false,
            Some(since) => {
                idle += 1;
                idle <= connections && now.saturating_duration_since(since) < idle_timeout
            }
            None => true,
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.open.borrow().len()
    }

    /// Whether none takes another stream, and none will.
    #[cfg(test)]
    pub(super) fn is_over(&self) -> bool {
        self.open.borrow().iter().all(|connection| connection.is_over())
    }

    #[cfg(test)]
    pub(super) fn has_room(&self) -> bool {
        self.open.borrow().iter().any(|connection| connection.has_room())
    }
}

/// A connection is being opened. However that ends, those who wait hear of it.
struct Opening<'a>(&'a Connections);

impl<'a> Opening<'a> {
    fn begin(connections: &'a Connections) -> Self {
        connections.opening.set(true);
        Self(connections)
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        self.0.opening.set(false);
        self.0.room.notify_waiters();
    }
}
