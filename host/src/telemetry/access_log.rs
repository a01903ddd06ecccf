//! The access log: one line per request on stdout, formatted by hand into the worker's own buffer.
//!
//! The line's time is the end of the request, in UTC. JSON carries everything; text is for a person who watches, and
//! leaves out what rarely helps there (client, upstream, protocol, sizes of requests; the id unless something went
//! wrong). Absent values are left out in both. Names are cut at 2,048 bytes.
//!
//! This module must not know where the values come from; that a query string holds secrets is the caller's affair.

mod line;

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use super::spool::{Drops, Lane, Spool};
use super::{Format, Style};

/// Lines gather this long before they are written together: 50 writes a second at most, however many requests.
const LINGER: Duration = Duration::from_millis(20);

/// The access log of the process. Dropping it writes out what is left, for at most a second.
pub struct AccessLog {
    /// `None` is off.
    output: Option<(Spool, Style)>,
}

impl AccessLog {
    /// Fails when the thread that writes cannot be started, or for want of a descriptor.
    pub fn to_stdout(format: Format) -> io::Result<Self> {
        let stdout = io::stdout();
        // A descriptor of its own: what `Stdout` keeps of what a full disk did not take would be counted as written.
        let sink = File::from(stdout.as_fd().try_clone_to_owned()?);
        Self::to(format.style(&stdout), sink)
    }

    /// No lines, no thread, and workers that see [`AccessWriter::is_on`] answer no.
    pub fn off() -> Self {
        Self { output: None }
    }

    /// One per worker, made once: a writer's buffer lives as long as the log.
    pub fn writer(&self) -> AccessWriter {
        AccessWriter { output: self.output.as_ref().map(|(spool, style)| (spool.lane(), *style)) }
    }

    /// For [`Registry::count_drops`](super::metrics::Registry::count_drops); `None` when the log is off.
    pub fn drops(&self) -> Option<Drops> {
        self.output.as_ref().map(|(spool, _)| spool.drops())
    }

    fn to(style: Style, sink: impl io::Write + Send + 'static) -> io::Result<Self> {
        Ok(Self { output: Some((Spool::start("access-log", LINGER, sink)?, style)) })
    }
}

/// A worker's end of the access log. Never waits for the stream.
pub struct AccessWriter {
    output: Option<(Lane, Style)>,
}

impl AccessWriter {
    /// False when the log is off: what an entry needs does not have to be gathered.
    pub fn is_on(&self) -> bool {
        self.output.is_some()
    }

    /// Writes one line. `plugins` yields each plugin's name and the nanoseconds that its hooks took, in the order of
    /// the chain; it runs under the buffer's lock, so it only reads.
    pub fn write<'a>(&self, entry: &AccessEntry<'_>, plugins: impl IntoIterator<Item = (&'a str, u64)>) {
        let Some((lane, style)) = &self.output else { return };
        let now = SystemTime::now();
        lane.append(|out, timestamp| match style {
            Style::Json => line::json(out, timestamp, now, entry, plugins.into_iter()),
            Style::Text { colour } => line::text(out, timestamp, now, entry, plugins.into_iter(), *colour),
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
