//! The access log: one line per request on stdout, formatted by hand into the worker's own buffer.
//!
//! The line's time is the end of the request, in UTC. JSON carries everything; text is for a person who watches, and
//! leaves out what rarely helps there (listener, user agent, upstream, protocol, sizes of requests; the id unless something
//! went wrong). Absent values are left out in both. Names are cut at 2,048 bytes.
//!
//! This module must not know where the values come from; that a query string holds secrets is the caller's affair.

mod line;

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use super::spool::{Drops, Lane, Spool};
use super::{CurrentStyle, Format, Style};

/// Lines gather this long before they are written together: 50 writes a second at most, however many requests.
const LINGER: Duration = Duration::from_millis(20);

/// The access log of the process. Dropping it writes out what is left, for at most a second.
pub struct AccessLog {
    spool: Spool,
    settings: Arc<Settings>,
}

/// What the workers look at for each line; it may change while they write.
#[derive(Debug)]
struct Settings {
    is_on: AtomicBool,
    style: CurrentStyle,
}

impl AccessLog {
    /// With `is_on` false there are no lines until [`AccessLog::set`] says so.
    ///
    /// Fails when the thread that writes cannot be started, or for want of a descriptor.
    pub fn to_stdout(format: Format, is_on: bool) -> io::Result<Self> {
        let stdout = io::stdout();
        // A descriptor of its own: what `Stdout` keeps of what a full disk did not take would be counted as written.
        let sink = File::from(stdout.as_fd().try_clone_to_owned()?);
        Self::to(format.style(&stdout), is_on, sink)
    }

    /// From the next request on.
    pub fn set(&self, format: Format, is_on: bool) {
        self.settings.style.set(format.style(&io::stdout()));
        self.settings.is_on.store(is_on, Relaxed);
    }

    /// One per worker, made once: a writer's buffer lives as long as the log.
    pub fn writer(&self) -> AccessWriter {
        AccessWriter { lane: self.spool.lane(), settings: Arc::clone(&self.settings) }
    }

    /// For [`Registry::count_drops`](super::metrics::Registry::count_drops).
    pub fn drops(&self) -> Drops {
        self.spool.drops()
    }

    fn to(style: Style, is_on: bool, sink: impl io::Write + Send + 'static) -> io::Result<Self> {
        let settings = Settings { is_on: AtomicBool::new(is_on), style: CurrentStyle::new(style) };
        Ok(Self { spool: Spool::start("access-log", LINGER, sink)?, settings: Arc::new(settings) })
    }
}

/// A worker's end of the access log. Never waits for the stream.
pub struct AccessWriter {
    lane: Lane,
    settings: Arc<Settings>,
}

impl AccessWriter {
    /// False when the log is off: what an entry needs does not have to be gathered.
    pub fn is_on(&self) -> bool {
        self.settings.is_on.load(Relaxed)
    }

    /// Writes one line, for who has seen that it is on. `plugins` yields each plugin's name and the nanoseconds that its hooks took, in the order of
    /// the chain; it runs under the buffer's lock, so it only reads.
    pub fn write<'a>(&self, entry: &AccessEntry<'_>, plugins: impl IntoIterator<Item = (&'a str, u64)>) {
        let now = SystemTime::now();
        self.lane.append(|out, timestamp| match self.settings.style.get() {
            Style::Json => line::json(out, timestamp, now, entry, plugins.into_iter()),
            Style::Text { colour } => line::text(out, timestamp, now, entry, plugins.into_iter(), colour),
        });
    }
}

/// One finished request.
#[derive(Clone, Copy, Debug)]
pub struct AccessEntry<'a> {
    /// The request id that the client was told.
    pub id: &'a str,
    /// After the trusted-proxy rules.
    pub client: IpAddr,
    /// The name of the listener that it came through.
    pub listener: Option<&'a str>,
    /// Which the client named, without the port.
    pub host: Option<&'a str>,
    /// What the client says of itself. Whoever makes the entry bounds it.
    pub user_agent: Option<&'a str>,
    pub method: &'a str,
    pub path: &'a str,
    /// `HTTP/1.1`, `HTTP/2`
    pub protocol: &'a str,
    /// `None` when the client was gone before there was one.
    pub status: Option<u16>,
    /// Bytes of the bodies, as they crossed the listener.
    pub request_bytes: u64,
    pub response_bytes: u64,
    /// From the first byte of the request's head to the last byte of the response.
    pub duration: Duration,
    pub route: Option<&'a str>,
    pub upstream: Option<&'a str>,
    /// The address that answered, or that was tried last.
    pub endpoint: Option<&'a str>,
    /// Endpoints that were tried, one after the other; shown if there was more than one.
    pub tries: u32,
    /// The upstream that stood in.
    pub failover: Option<&'a str>,
    pub consumer: Option<&'a str>,
    /// Whether the client was sent the whole response.
    pub completed: bool,
    /// The kind of the gateway's own answer, as in [`problem`](crate::problem::problem), or what failed.
    pub problem: Option<&'a str>,
}

#[cfg(test)]
mod tests;
