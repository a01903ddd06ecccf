//! Takes a body out of the bytes of a connection, by its framing.

use bytes::{Buf, Bytes, BytesMut};

use super::error::{BodyError, HeadError};
use super::framing::Framing;

/// The longest line of a chunk's size, with its extensions.
const MOST_SIZE_LINE: usize = 1024;
/// All trailers of one body; they are read and dropped (RFC 9110, section 6.5.1).
const MOST_TRAILERS: usize = 16 * 1024;
const MOST_TRAILER_FIELDS: usize = 64;

/// What is left of a body.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

#[derive(Debug, PartialEq)]
enum State {
    Length(u64),
    UntilClose,
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    Done,
}

/// What the bytes at hand hold.
#[derive(Debug, PartialEq)]
pub enum Decoded {
    Data(Bytes),
    /// More bytes are needed.
    Wanting,
    End,
}

impl Decoder {
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Whether the whole body was taken.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Bytes that are left, if that is known.
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Done => Some(0),
            State::Length(remaining) => Some(remaining),
            _ => None,
        }
    }

    /// Whether the end of the connection is the end of the body.
    pub fn ends_with_connection(&self) -> bool {
        self.state == State::UntilClose
    }

    /// Takes the next piece out of `input`.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Decoded, BodyError> {
        loop {
            match &mut self.state {
                State::Done => return Ok(Decoded::End),
                State::UntilClose if input.is_empty() => return Ok(Decoded::Wanting),
                State::UntilClose => return Ok(Decoded::Data(input.split().freeze())),
                State::Length(remaining) => {
                    let Some(data) = take(input, remaining) else { return Ok(Decoded::Wanting) };
                    if *remaining == 0 {
                        self.state = State::Done;
                    }
                    return Ok(Decoded::Data(data));
                }
                State::ChunkData(remaining) => {
                    let Some(data) = take(input, remaining) else { return Ok(Decoded::Wanting) };
                    if *remaining == 0 {
                        self.state = State::ChunkEnd;
                    }
                    return Ok(Decoded::Data(data));
                }
                State::ChunkSize => {
                    let Some(length) = line(input, MOST_SIZE_LINE)? else { return Ok(Decoded::Wanting) };
                    let size = chunk_size(&input[..length])?;
                    input.advance(length + 2);
                    self.state = if size == 0 { State::Trailers } else { State::ChunkData(size) };
                }
                State::ChunkEnd => {
                    if input.len() < 2 {
                        return if input.first().is_none_or(|byte| *byte == b'\r') {
                            Ok(Decoded::Wanting)
                        } else {
                            Err(BodyError::Chunk)
                        };
                    }
                    if !input.starts_with(b"\r\n") {
                        return Err(BodyError::Chunk);
                    }
                    input.advance(2);
                    self.state = State::ChunkSize;
                }
                State::Trailers => {
                    let Some(length) = trailers(input)? else { return Ok(Decoded::Wanting) };
                    input.advance(length);
                    self.state = State::Done;
                }
            }
        }
    }
}

/// What can be told of a body by the bytes that came with its head: so the response can still be another one.
pub fn begins(framing: Framing, input: &[u8]) -> Result<(), HeadError> {
    match framing {
        Framing::Length(length) if input.len() as u64 > length => Err(HeadError::Surplus),
        Framing::Length(_) | Framing::UntilClose => Ok(()),
        Framing::Chunked => {
            let first = line(input, MOST_SIZE_LINE).and_then(|length| match length {
                Some(length) => chunk_size(&input[..length]).map(drop),
                None => Ok(()),
            });
            first.map_err(|_| HeadError::FirstChunk)
        }
    }
}

fn take(input: &mut BytesMut, remaining: &mut u64) -> Option<Bytes> {
    if input.is_empty() {
        return None;
    }
    let length = usize::try_from(*remaining).map_or(input.len(), |most| most.min(input.len()));
    *remaining -= length as u64;
    Some(input.split_to(length).freeze())
}

/// The length of the next line without its CRLF, once it is there.
fn line(input: &[u8], most: usize) -> Result<Option<usize>, BodyError> {
    match input.iter().take(most + 2).position(|byte| *byte == b'\n') {
        Some(end) if end > 0 && input[end - 1] == b'\r' => Ok(Some(end - 1)),
        Some(_) => Err(BodyError::Chunk),
        None if input.len() > most => Err(BodyError::Chunk),
        None => Ok(None),
    }
}

/// RFC 9112, section 7.1: hexadecimal digits, and extensions that mean nothing here.
fn chunk_size(line: &[u8]) -> Result<u64, BodyError> {
    let digits = line.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(line.len());
    let (digits, rest) = line.split_at(digits);
    // Only these two are white space here; what stands before a CR or a form feed ends elsewhere for others.
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let extension = &rest[blanks..];
    let is_extension = rest.is_empty() || extension.starts_with(b";");
    let is_text = |byte: &u8| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f;
    // 15 digits: no sum of sizes comes near the end of a number.
    if digits.is_empty() || digits.len() > 15 || !is_extension || !extension.iter().all(is_text) {
        return Err(BodyError::Chunk);
    }
    Ok(digits.iter().fold(0, |size, digit| size << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or(0))))
}

/// What a trailer may not say (RFC 9110, section 6.5.1): where the message ends, or who it is for. They are dropped like
/// all of them, but who sends one of these hopes that somebody believes it.
const NO_TRAILERS: [&str; 3] = ["content-length", "host", "transfer-encoding"];

/// The length of the trailer section with its empty line, once it is there.
fn trailers(input: &[u8]) -> Result<Option<usize>, BodyError> {
    if input.starts_with(b"\r\n") {
        return Ok(Some(2));
    }
    let mut fields = [httparse::EMPTY_HEADER; MOST_TRAILER_FIELDS];
    match httparse::parse_headers(input, &mut fields) {
        Ok(httparse::Status::Complete((length, fields)))
            if length <= MOST_TRAILERS && ends_lines_with_cr(&input[..length]) && fields.iter().all(may_trail) =>
        {
            Ok(Some(length))
        }
        Ok(httparse::Status::Partial) if input.len() < MOST_TRAILERS => Ok(None),
        _ => Err(BodyError::Trailers),
    }
}

fn may_trail(field: &httparse::Header<'_>) -> bool {
    !NO_TRAILERS.iter().any(|name| field.name.eq_ignore_ascii_case(name))
}

/// Whether CR stands before each LF.
pub fn ends_lines_with_cr(lines: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', lines).all(|end| end > 0 && lines[end - 1] == b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes bytes that arrive in pieces of `size`. Answers the body and what follows it.
    fn decode(framing: Framing, wire: &[u8], size: usize) -> Result<Option<(String, String)>, BodyError> {
        let (mut decoder, mut input, mut body) = (Decoder::new(framing), BytesMut::new(), Vec::new());
        let mut pieces = wire.chunks(size);
        loop {
            match decoder.decode(&mut input)? {
                Decoded::Data(data) => body.extend_from_slice(&data),
                Decoded::End => {
                    pieces.for_each(|piece| input.extend_from_slice(piece));
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    return Ok(Some((text(&body), text(&input))));
                }
                Decoded::Wanting => match pieces.next() {
                    Some(piece) => input.extend_from_slice(piece),
                    None => return Ok(None),
                },
            }
        }
    }

    fn chunked(wire: &str) -> Result<Option<(String, String)>, BodyError> {
        let whole = decode(Framing::Chunked, wire.as_bytes(), usize::MAX);
        let bytes = decode(Framing::Chunked, wire.as_bytes(), 1);
        assert_eq!(format!("{whole:?}"), format!("{bytes:?}"), "{wire:?}");
        whole
    }

    #[test]
    fn a_body_ends_where_its_length_says() {
        for size in 1..12 {
            let decoded = decode(Framing::Length(5), b"helloGET /", size).expect("good");
            assert_eq!(decoded, Some(("hello".into(), "GET /".into())));
        }
        assert_eq!(decode(Framing::Length(5), b"hell", 2).expect("good"), None);
        assert_eq!(decode(Framing::Length(0), b"x", 1).expect("good"), Some((String::new(), "x".into())));
    }

    #[test]
    fn chunks_are_read_with_extensions_and_trailers() {
        let wire = "5;name=value\r\nhello\r\n0A ;x\r\n, world ok\r\n000\r\nx-sum: 1\r\nx-more: 2\r\n\r\nGET /";
        assert_eq!(chunked(wire).expect("good"), Some(("hello, world ok".into(), "GET /".into())));
        assert_eq!(chunked("0\r\n\r\n").expect("good"), Some((String::new(), String::new())));
        assert_eq!(chunked("5\r\nhel").expect("good"), None);
        assert_eq!(chunked("5\r\nhello\r\n0\r\nx-").expect("good"), None);
    }

    #[test]
    fn what_is_framed_in_another_way_is_refused() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(MOST_SIZE_LINE));
        let wires = [
            "+5\r\nhello\r\n0\r\n\r\n",
            "0x5\r\nhello\r\n0\r\n\r\n",
            "6_0\r\n",
            " 5\r\nhello\r\n",
            "5 x\r\nhello\r\n",
            "5 \r\nhello\r\n0\r\n\r\n",
            "5\r;x\r\nhello\r\n0\r\n\r\n",
            "5\x0c\r\nhello\r\n0\r\n\r\n",
            "5\r\r\nhello\r\n0\r\n\r\n",
            "\r\n",
            ";x\r\n",
            "fffffffffffffffff\r\n",
            "5\nhello\n0\n\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhellox0\r\n\r\n",
            "5;a\x01b\r\nhello\r\n",
            "0\r\nx: 1\n\r\n",
            "0\r\nx : 1\r\n\r\n",
            "0\r\nx: 1\r\nContent-Length: 5\r\n\r\n",
            "0\r\nhost: x\r\n\r\n",
            "0\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
            &long,
        ];
        for wire in wires {
            assert!(chunked(wire).is_err(), "{wire:?}");
        }
        let many = format!("0\r\n{}\r\n", "x: 1\r\n".repeat(MOST_TRAILER_FIELDS + 1));
        assert!(decode(Framing::Chunked, many.as_bytes(), 512).is_err());
        let endless = format!("0\r\nx: {}", "y".repeat(MOST_TRAILERS));
        assert!(decode(Framing::Chunked, endless.as_bytes(), 512).is_err());
    }
}
