//! One connection: opened, kept moving, asked for signs of life, closed.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Ping, PingPong};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::http1::Socket;
use crate::upstream::connection::ConnectError;
use crate::upstream::definition::KeepAlive;
use crate::wire::headers::MOST_RECEIVED_BYTES;

/// Streams of one connection, if its endpoint allows as many.
const MOST_STREAMS: usize = 100;
/// What an endpoint may send of one response before the client has taken some: enough for a stream of 64 MB/s at a
/// millisecond's distance, and what a client that reads nothing can have the gateway keep for each of its streams.
const STREAM_WINDOW: u32 = 64 * 1024;
/// Room for all streams: those of slow clients take none from the others.
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * MOST_STREAMS as u32;
/// What of one request waits to be written.
const MOST_UNSENT: usize = 256 * 1024;
/// Streams that are given up before the endpoint has answered whole: then a connection takes no more. Each is a reset, and
/// endpoints leave who sends many: clients who ask and leave at once would have all others cut who are on the same
/// connection. With those that it has then, an endpoint sees 150 at most.
const MOST_GIVEN_UP: usize = 50;
/// How long a sign of life is waited for, unless it is asked for more often.
const LIFE: Duration = Duration::from_secs(10);

/// A connection that exchanges share.
#[derive(Debug)]
pub(in crate::upstream) struct Connection {
    sender: RefCell<SendRequest<Bytes>>,
    is_retired: Cell<bool>,
    given_up: Cell<usize>,
    pulse: Rc<Pulse>,
    idle_since: Cell<Instant>,
    room: Rc<Notify>,
}

/// Room for one stream: counted as long as it lives.
#[derive(Debug)]
pub(in crate::upstream) struct Slot {
    connection: Rc<Connection>,
    /// Nothing is left that a reset would have to end.
    is_over: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(in crate::upstream) enum OpenError {
    Connect(ConnectError),
    /// What is there does not speak HTTP/2.
    Protocol(h2::Error),
}

/// What a connection and its task share.
#[derive(Debug)]
struct Pulse {
    streams: Cell<usize>,
    /// It may be dead: no new streams until it gave a sign of life.
    doubted: Cell<bool>,
    doubt: Notify,
}

impl Connection {
    /// Begins, and waits until the endpoint has said its settings: so it speaks HTTP/2 before it is sent a request,
    /// and how many streams it allows is known.
    pub(super) async fn open(
        socket: Socket,
        limits: &Rc<Cell<KeepAlive>>,
        room: &Rc<Notify>,
    ) -> Result<Rc<Self>, OpenError> {
        let (sender, mut connection) = builder().handshake(socket).await?;
        let mut pings = connection.ping_pong().expect("it is taken once");
        pings.send_ping(Ping::opaque())?;
        poll_fn(|context| {
            if let Poll::Ready(answered) = pings.poll_pong(context) {
                return Poll::Ready(answered.map(drop).map_err(OpenError::from));
            }
            match Pin::new(&mut connection).poll(context) {
                Poll::Ready(Ok(())) => Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
                Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
                Poll::Pending => Poll::Pending,
            }
        })
        .await?;
        let pulse = Rc::new(Pulse { streams: Cell::new(0), doubted: Cell::new(false), doubt: Notify::new() });
        let watched = (Rc::clone(&pulse), Rc::clone(limits), Rc::clone(room));
        tokio::task::spawn_local(async move {
            let (pulse, limits, room) = watched;
            tokio::select! {
                biased;
                result = &mut connection => if let Err(error) = result {
                    tracing::debug!("connection to an endpoint: {error}");
                },
                () = pulse.watch(pings, &limits, &room) => tracing::debug!("an endpoint gave no sign of life"),
            }
            // Ends the streams that are left; who waits for one may open another connection.
            drop(connection);
            room.notify_waiters();
        });
        let (idle_since, room) = (Cell::new(Instant::now()), Rc::clone(room));
        let (sender, is_retired, given_up) = (RefCell::new(sender), Cell::new(false), Cell::new(0));
        Ok(Rc::new(Self { sender, is_retired, given_up, pulse, idle_since, room }))
    }

    /// Whether it takes no more streams: it is closed, the endpoint said that it will be (GOAWAY), what came on it was no
    /// response, or many were given up.
    pub(super) fn is_over(&self) -> bool {
        if self.is_retired.get() {
            return true;
        }
        let polled = self.sender.borrow_mut().poll_ready(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Err(_)))
    }

    pub(super) fn has_room(&self) -> bool {
        let mut sender = self.sender.borrow_mut();
        let most = MOST_STREAMS.min(sender.current_max_send_streams());
        !self.pulse.doubted.get()
            && self.pulse.streams.get() < most
            && sender.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// Since when it has no streams, if it has none.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        (self.pulse.streams.get() == 0).then(|| self.idle_since.get())
    }

    pub(super) fn slot(self: &Rc<Self>) -> Slot {
        self.pulse.streams.set(self.pulse.streams.get() + 1);
        Slot { connection: Rc::clone(self), is_over: false }
    }

    /// It takes no more streams; those that are there go on.
    pub(in crate::upstream) fn retire(&self) {
        self.is_retired.set(true);
    }

    /// An exchange waited in vain: before there is another, the endpoint has to give a sign of life.
    pub(in crate::upstream) fn doubt(&self) {
        self.pulse.doubted.set(true);
        self.pulse.doubt.notify_one();
    }
}

impl Slot {
    pub(in crate::upstream) fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    pub(super) fn sender(&self) -> std::cell::RefMut<'_, SendRequest<Bytes>> {
        self.connection.sender.borrow_mut()
    }

    /// The stream came to its end, or the endpoint has ended it.
    pub(super) fn end(&mut self) {
        self.is_over = true;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let Connection { given_up, pulse, idle_since, room, .. } = &*self.connection;
        given_up.update(|count| count + usize::from(!self.is_over));
        if given_up.get() >= MOST_GIVEN_UP {
            self.connection.retire();
        }
        pulse.streams.set(pulse.streams.get() - 1);
        if pulse.streams.get() == 0 {
            idle_since.set(Instant::now());
        }
        room.notify_one();
    }
}

impl Pulse {
    /// Asks for a sign of life now and then while exchanges run, and when it is doubted that there is any. Returns when
    /// none came.
    async fn watch(&self, mut pings: PingPong, limits: &Cell<KeepAlive>, room: &Notify) {
        loop {
            let interval = limits.get().ping_interval;
            tokio::select! {
                () = self.doubt.notified() => {}
                () = sleep(interval) => {}
            }
            if self.streams.get() == 0 && !self.doubted.get() {
                continue;
            }
            if pings.send_ping(Ping::opaque()).is_err() {
                return;
            }
            let pong = pin!(poll_fn(|context| pings.poll_pong(context)));
            if !matches!(timeout(LIFE.min(interval), pong).await, Ok(Ok(_))) {
                return;
            }
            self.doubted.set(false);
            room.notify_waiters();
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(MOST_UNSENT)
        .max_header_list_size(MOST_RECEIVED_BYTES);
    builder
}

impl From<h2::Error> for OpenError {
    fn from(error: h2::Error) -> Self {
        match error.is_io() {
            true => error.into_io().unwrap_or_else(|| io::ErrorKind::ConnectionAborted.into()).into(),
            false => Self::Protocol(error),
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Connect(error.into())
    }
}

impl From<ConnectError> for OpenError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(error)
    }
}
