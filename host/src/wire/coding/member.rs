//! Members of gzip (RFC 1952), one behind the other, as they arrive.
//!
//! Headers and trailers are read here: a decoder that is made anew for each member would cost more than most members are
//! long.

use flate2::{Crc, Decompress};

use super::DecodeError;
use super::decoder::inflate;

/// Bits of the flags (section 2.3.1).
const SUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
/// Those that nobody may set (section 2.3.1.2).
const RESERVED: u8 = 0b1110_0000;

/// The magic number and the method, with which each member begins.
const START: [u8; 3] = [0x1f, 0x8b, 8];
/// The last byte of a header that all members have.
const LAST_FIXED: u8 = 9;

#[derive(Debug)]
pub(super) struct Members {
    part: Part,
    /// Of the parts of the header that are still to come.
    flags: u8,
    /// Of the header so far.
    header_sum: Crc,
    inflate: Decompress,
    /// Of what came of the member so far.
    data_sum: Crc,
    trailer: [u8; 8],
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum Part {
    Header(Header),
    Data,
    /// This byte of the trailer.
    Trailer(usize),
}

/// What comes next of a header.
#[derive(Debug, Clone, Copy)]
enum Header {
    /// This byte of the fixed part.
    Fixed(u8),
    /// A byte of the length of what follows, behind the lower one.
    ExtraLength(Option<u8>),
    /// So many bytes of no meaning here.
    Extra(u16),
    /// A name or a comment, up to its zero.
    Text,
    /// A byte of the header's sum, behind the lower one.
    Sum(Option<u8>),
}

impl Members {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Header(Header::Fixed(0)),
            flags: 0,
            header_sum: Crc::new(),
            inflate: Decompress::new(false),
            data_sum: Crc::new(),
            trailer: [0; 8],
        }
    }

    /// Whether the bytes may end here.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.part, Part::Header(Header::Fixed(0)))
    }

    /// Decodes into the room that `output` has. Answers how many bytes were taken: all of them, or else there is no more
    /// room.
    pub(super) fn run(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, DecodeError> {
        let mut at = 0;
        loop {
            let left = &input[at..];
            match self.part {
                Part::Data => {
                    let from = output.len();
                    let (taken, is_over) = inflate(&mut self.inflate, left, output)?;
                    self.data_sum.update(&output[from..]);
                    at += taken;
                    if !is_over {
                        return Ok(at);
                    }
                    self.part = Part::Trailer(0);
                }
                Part::Header(_) | Part::Trailer(_) if left.is_empty() => return Ok(at),
                Part::Header(header) => at += self.header(header, left)?,
                Part::Trailer(place) => {
                    self.trailer(place, left[0])?;
                    at += 1;
                }
            }
        }
    }

    /// Reads the next bytes of a header, of which there are some. Answers how many.
    fn header(&mut self, header: Header, input: &[u8]) -> Result<usize, DecodeError> {
        let byte = input[0];
        let (length, next) = match header {
            Header::Fixed(place) => (1, self.fixed(place, byte)?),
            Header::ExtraLength(None) => (1, Some(Header::ExtraLength(Some(byte)))),
            Header::ExtraLength(Some(lower)) => (1, extra(u16::from_le_bytes([lower, byte]))),
            Header::Extra(left) => {
                let length = u16::try_from(input.len()).unwrap_or(u16::MAX).min(left);
                (usize::from(length), extra(left - length))
            }
            Header::Text => match memchr::memchr(0, input) {
                Some(zero) => (zero + 1, None),
                None => (input.len(), Some(Header::Text)),
            },
            Header::Sum(None) => (1, Some(Header::Sum(Some(byte)))),
            Header::Sum(Some(lower)) => {
                // The lower half of it.
                let told = u32::from(u16::from_le_bytes([lower, byte]));
                if self.header_sum.sum() & 0xffff != told {
                    return Err(DecodeError::Malformed);
                }
                (1, None)
            }
        };
        if !matches!(header, Header::Sum(_)) {
            self.header_sum.update(&input[..length]);
        }
        self.part = next.map_or_else(|| self.next(), Part::Header);
        Ok(length)
    }

    /// What follows a byte of the fixed part, if that is not at its end.
    fn fixed(&mut self, place: u8, byte: u8) -> Result<Option<Header>, DecodeError> {
        match place {
            0..3 if byte != START[usize::from(place)] => return Err(DecodeError::Malformed),
            0 => self.header_sum.reset(),
            3 if byte & RESERVED != 0 => return Err(DecodeError::Malformed),
            3 => self.flags = byte,
            // A time, a level and a system.
            _ => {}
        }
        Ok((place < LAST_FIXED).then_some(Header::Fixed(place + 1)))
    }

    /// The next part that the flags tell of, in the order of section 2.3.
    fn next(&mut self) -> Part {
        let parts = [
            (EXTRA, Header::ExtraLength(None)),
            (NAME, Header::Text),
            (COMMENT, Header::Text),
            (SUM, Header::Sum(None)),
        ];
        for (flag, header) in parts {
            if self.flags & flag != 0 {
                self.flags &= !flag;
                return Part::Header(header);
            }
        }
        self.inflate.reset(false);
        self.data_sum.reset();
        Part::Data
    }

    fn trailer(&mut self, place: usize, byte: u8) -> Result<(), DecodeError> {
        self.trailer[place] = byte;
        if place + 1 < self.trailer.len() {
            self.part = Part::Trailer(place + 1);
            return Ok(());
        }
        let [a, b, c, d, length @ ..] = self.trailer;
        let sum = u32::from_le_bytes([a, b, c, d]);
        // The length modulo 2^32.
        if (sum, u32::from_le_bytes(length)) != (self.data_sum.sum(), self.data_sum.amount()) {
            return Err(DecodeError::Malformed);
        }
        self.part = Part::Header(Header::Fixed(0));
        Ok(())
    }
}

fn extra(left: u16) -> Option<Header> {
    (left > 0).then_some(Header::Extra(left))
}
