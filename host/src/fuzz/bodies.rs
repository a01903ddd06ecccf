//! Bodies: one that arrives in pieces is read as it is read whole, no byte is lost, and what we frame in chunks is what
//! comes out of them.

use bytes::BytesMut;

use super::pieces::pieces;
use crate::http1::body::{Decoded, Decoder};
use crate::http1::framing::Framing;
use crate::http1::write;

/// The first byte says how the body is framed.
pub(super) fn body(bytes: &[u8]) {
    let Some((&framing, bytes)) = bytes.split_first() else { return };
    let framing = match framing {
        0..128 => Framing::Chunked,
        128..254 => Framing::Length(u64::from(framing - 128)),
        254 => Framing::Length(u64::MAX),
        255 => Framing::UntilClose,
    };
    let (bytes, pieces) = pieces(bytes);
    let whole = decode(framing, [bytes].into_iter());
    assert_eq!(whole, decode(framing, pieces), "whole and in pieces");
    let Ok(read) = whole else { return };
    match framing {
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
            assert_eq!((read.data.as_slice(), read.rest.as_slice()), bytes.split_at(length));
        }
        Framing::UntilClose => assert_eq!((read.data.as_slice(), read.ended), (bytes, false)),
        // What is behind the body is left as it came.
        Framing::Chunked => assert!(bytes.ends_with(&read.rest) && read.data.len() + read.rest.len() <= bytes.len()),
    }
}

/// What we write in chunks is read as it was.
pub(super) fn chunks(bytes: &[u8]) {
    let (bytes, pieces) = pieces(bytes);
    let mut wire = BytesMut::new();
    for piece in pieces {
        write::chunk(&mut wire, piece.len());
        wire.extend_from_slice(piece);
        wire.extend_from_slice(write::CHUNK_END.as_bytes());
    }
    wire.extend_from_slice(write::LAST_CHUNK.as_bytes());
    wire.extend_from_slice(b"GET");
    let read = decode(Framing::Chunked, wire.chunks(1 + bytes.len() % 7)).expect("we wrote it");
    assert!(read.ended && read.data == bytes && read.rest == b"GET");
}

#[derive(Debug, PartialEq)]
struct Read {
    data: Vec<u8>,
    /// What follows the body; what is there of its next part, if it is not at its end.
    rest: Vec<u8>,
    ended: bool,
}

fn decode<'p>(framing: Framing, mut pieces: impl Iterator<Item = &'p [u8]>) -> Result<Read, Vec<u8>> {
    let (mut decoder, mut input, mut data) = (Decoder::new(framing), BytesMut::new(), Vec::new());
    loop {
        match decoder.decode(&mut input) {
            Ok(Decoded::Data(more)) => {
                assert!(!more.is_empty(), "no bytes are no data");
                data.extend_from_slice(&more);
            }
            Ok(Decoded::End) => {
                assert!(decoder.is_done() && decoder.remaining() == Some(0));
                pieces.for_each(|piece| input.extend_from_slice(piece));
                return Ok(Read { data, rest: input.to_vec(), ended: true });
            }
            Ok(Decoded::Wanting) => match pieces.next() {
                Some(piece) => input.extend_from_slice(piece),
                None => return Ok(Read { data, rest: input.to_vec(), ended: false }),
            },
            // The same bytes came out before it.
            Err(_) => return Err(data),
        }
    }
}
