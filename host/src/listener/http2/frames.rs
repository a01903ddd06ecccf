//! Frames of HTTP/2 as they go by, in pieces of any size (RFC 9113, section 4.1).
//!
//! Pure: it must not know sockets, nor what frames mean.

/// Bytes of the head of a frame.
const HEAD: usize = 9;

/// RFC 9113, section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    Unknown,
}

/// Of DATA and HEADERS.
pub const END_STREAM: u8 = 0x1;
/// Of SETTINGS and PING.
pub const ACK: u8 = 0x1;
/// Of HEADERS and CONTINUATION.
pub const END_HEADERS: u8 = 0x4;
/// Of DATA and HEADERS.
pub const PADDED: u8 = 0x8;
/// Of HEADERS.
pub const PRIORITY: u8 = 0x20;

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the payload, fewer than 2^24.
    pub length: u32,
    pub kind: Kind,
    pub flags: u8,
    /// 0 is the connection itself.
    pub stream: u32,
}

/// What comes next of a frame.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Head(Head),
    /// Each frame has a last one, which may be empty.
    Payload {
        head: Head,
        bytes: &'a [u8],
        last: bool,
    },
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub struct Frames {
    head: [u8; HEAD],
    /// Bytes of `head` that are there.
    filled: usize,
    /// The frame whose payload comes, and how much of it is left.
    current: Option<(Head, u32)>,
}

impl Frames {
    /// Takes the next piece out of `input`, if there is one.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        if let Some((head, left)) = self.current {
            if left > 0 && input.is_empty() {
                return None;
            }
            let length = input.len().min(left as usize);
            let bytes = input.split_off(..length)?;
            let left = left - length as u32;
            self.current = (left > 0).then_some((head, left));
            return Some(Piece::Payload { head, bytes, last: left == 0 });
        }
        let bytes = input.split_off(..input.len().min(HEAD - self.filled))?;
        self.head[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
        if self.filled < HEAD {
            return None;
        }
        self.filled = 0;
        let head = Head::parse(self.head);
        self.current = Some((head, head.length));
        Some(Piece::Head(head))
    }

    /// Whether the next byte begins a frame.
    pub fn is_between(&self) -> bool {
        self.current.is_none() && self.filled == 0
    }
}

impl Head {
    /// Bytes from the one that tells the type to the end of the head.
    pub const AFTER_TYPE: usize = HEAD - 3;

    fn parse(bytes: [u8; HEAD]) -> Self {
        let [length @ .., kind, flags, a, b, c, d] = bytes;
        let [high, middle, low] = length;
        Self {
            length: u32::from_be_bytes([0, high, middle, low]),
            kind: Kind::of(kind),
            flags,
            // The highest bit is reserved and means nothing.
            stream: u32::from_be_bytes([a & 0x7f, b, c, d]),
        }
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// RFC 9113, sections 6.3 to 6.9.
    pub fn has_a_valid_length(&self) -> bool {
        match self.kind {
            Kind::Priority => self.length == 5,
            Kind::Reset | Kind::WindowUpdate => self.length == 4,
            Kind::Settings => self.length.is_multiple_of(6) && (self.length == 0 || !self.has(ACK)),
            Kind::Ping => self.length == 8,
            Kind::GoAway => self.length >= 8,
            _ => true,
        }
    }
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::Reset,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            _ => Self::Unknown,
        }
    }
}

/// RST_STREAM (RFC 9113, section 6.4).
pub fn reset(stream: u32, code: u32) -> [u8; 13] {
    let ([a, b, c, d], [e, f, g, h]) = (stream.to_be_bytes(), code.to_be_bytes());
    [0, 0, 4, 3, 0, a, b, c, d, e, f, g, h]
}

/// HEADERS that say 100 Continue. Neither side's table of HPACK is touched: `:status` is the static table's, and the value
/// is written out (RFC 7541, section 6.2.2).
pub fn go_on(stream: u32) -> [u8; 14] {
    let [a, b, c, d] = stream.to_be_bytes();
    [0, 0, 5, 1, END_HEADERS, a, b, c, d, 0x08, 3, b'1', b'0', b'0']
}

/// GOAWAY without further words (RFC 9113, section 6.8). `last` is the last stream that may have been served.
pub fn go_away(last: u32, code: u32) -> [u8; 17] {
    let ([a, b, c, d], [e, f, g, h]) = (last.to_be_bytes(), code.to_be_bytes());
    [0, 0, 8, 7, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that frames say of these bytes, with the payloads put together.
    fn read(pieces: &[&[u8]]) -> (Vec<(Head, Vec<u8>)>, Frames) {
        let (mut frames, mut found, mut payload) = (Frames::default(), Vec::new(), Vec::new());
        for mut piece in pieces.iter().copied() {
            while let Some(next) = frames.next(&mut piece) {
                if let Piece::Payload { head, bytes, last } = next {
                    payload.extend_from_slice(bytes);
                    if last {
                        found.push((head, std::mem::take(&mut payload)));
                    }
                }
            }
            assert!(piece.is_empty());
        }
        (found, frames)
    }

    #[test]
    fn frames_are_the_same_however_they_are_cut() {
        let mut bytes = reset(7, 8).to_vec();
        bytes.extend([0, 0, 0, 4, 1, 0, 0, 0, 0]);
        bytes.extend(go_away(0x7fff_ffff, 11));
        bytes.extend([0, 0, 2, 77, 0, 0xff, 0, 0, 1, b'h', b'i']);
        let (whole, frames) = read(&[&bytes]);
        assert!(frames.is_between());
        let seen: Vec<_> = whole.iter().map(|(head, payload)| (head.kind, head.stream, payload.len())).collect();
        let expected =
            [(Kind::Reset, 7, 4), (Kind::Settings, 0, 0), (Kind::GoAway, 0, 8), (Kind::Unknown, 0x7f00_0001, 2)];
        assert_eq!(seen, expected);
        for at in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]]).0, whole, "cut at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single).0, whole);
    }

    #[test]
    fn the_middle_of_a_frame_is_no_place_for_another() {
        let bytes = reset(1, 0);
        for at in 1..bytes.len() {
            assert!(!read(&[&bytes[..at]]).1.is_between(), "{at}");
        }
    }
}
