//! HTTP/2 in single frames, which may be such as no proper client sends (RFC 9113, section 4.1).

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::PATIENCE;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// Error codes (RFC 9113, section 7).
pub const PROTOCOL_ERROR: u32 = 1;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

/// SETTINGS_INITIAL_WINDOW_SIZE.
pub const INITIAL_WINDOW_SIZE: u16 = 4;

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// `GET http://x/` (RFC 7541, appendix A), without an entry in the dynamic table.
pub const GET: &[u8] = b"\x82\x86\x84\x01\x01x";
/// The same with `POST`.
pub const POST: &[u8] = b"\x83\x86\x84\x01\x01x";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of a RST_STREAM or a GOAWAY.
    pub fn code(&self) -> Option<u32> {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        let bytes = self.payload.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }
}

/// The bytes of one frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).expect("a payload is short").to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request without a body.
pub fn request(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, block)
}

pub fn window_update(stream: u32, more: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

pub fn settings(settings: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> =
        settings.iter().flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// The next frame; `None` at the end.
pub fn read(stream: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut head = [0; 9];
    match stream.read_exact(&mut head) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let [length @ .., kind, flags, a, b, c, d] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize];
    stream.read_exact(&mut payload)?;
    Ok(Some(Frame { kind, flags, stream: u32::from_be_bytes([a, b, c, d]), payload }))
}

/// A header field that goes into the dynamic table.
pub fn indexed_field(name: &str, value: &str) -> Vec<u8> {
    literal(0x40, name, value)
}

/// A header field that goes into no table.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    literal(0, name, value)
}

fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    let text = |text: &str| [&length(text.len())[..], text.as_bytes()].concat();
    [vec![form], text(name), text(value)].concat()
}

/// Of a string that is not Huffman coded (RFC 7541, section 5.1).
fn length(length: usize) -> Vec<u8> {
    const MOST_IN_ONE: usize = 0x7f;
    let Some(mut left) = length.checked_sub(MOST_IN_ONE) else { return vec![length as u8] };
    let mut bytes = vec![MOST_IN_ONE as u8];
    while left > MOST_IN_ONE {
        bytes.push(0x80 | (left & MOST_IN_ONE) as u8);
        left >>= 7;
    }
    bytes.push(left as u8);
    bytes
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// With a GOAWAY, and this code.
    GoAway(u32),
    /// Without a word.
    Closed,
    /// It did not: nothing came for as long as was waited.
    Open,
}

/// A connection with prior knowledge.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    sent: u64,
}

impl Connection {
    /// Says the preface, and these settings.
    pub fn open(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        let mut connection = Self::connect(address);
        let opening = [PREFACE, &self::settings(settings)].concat();
        connection.write(opening).expect("it was just opened");
        connection
    }

    /// Says nothing yet.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it is accepted");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_nodelay(true).expect("it is open");
        Self { stream, sent: 0 }
    }

    /// Fails when it was closed.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.sent += bytes.as_ref().len() as u64;
        Ok(())
    }

    /// Bytes that it wrote.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The next frame; `None` at the end.
    pub fn read(&mut self) -> io::Result<Option<Frame>> {
        read(&mut self.stream)
    }

    /// Reads up to a frame that is looked for.
    ///
    /// # Panics
    /// When the connection ends before.
    pub fn wait_for(&mut self, what: &str, wanted: impl Fn(&Frame) -> bool) -> Frame {
        let mut before = Vec::new();
        loop {
            match self.read() {
                Ok(Some(frame)) if wanted(&frame) => return frame,
                Ok(Some(frame)) => before.push(frame),
                end => panic!("{end:?} instead of {what}, after {before:?}"),
            }
        }
    }

    /// The first frame of a stream.
    pub fn wait_for_stream(&mut self, stream: u32) -> Frame {
        self.wait_for("a frame of the stream", |frame| frame.stream == stream)
    }

    /// Reads to the end.
    pub fn end(&mut self) -> End {
        let mut end = End::Closed;
        loop {
            match self.read() {
                Ok(Some(frame)) if frame.kind == GOAWAY => end = End::GoAway(frame.code().unwrap_or_default()),
                Ok(Some(_)) => {}
                Ok(None) => return end,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return End::Open,
                Err(_) => return end,
            }
        }
    }

    /// The same connection once more, for a thread that reads what comes while this one writes.
    pub fn reader(&self) -> Self {
        Self { stream: self.stream.try_clone().expect("it is open"), sent: 0 }
    }

    /// Waits only for so long when it reads.
    pub fn patience(&mut self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).expect("not zero");
    }

    /// Says that nothing more is sent.
    pub fn half_close(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
