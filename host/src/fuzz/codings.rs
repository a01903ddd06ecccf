//! Content codings: a body that arrives in pieces is decoded as it is whole, what comes out is what flate2's own readers make
//! of it, and what was encoded comes out as it was.

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};

use super::pieces::pieces;
use crate::wire::coding::{Coding, DecodeError, Decoded, Decoder};

/// No coding makes more of a byte alone; two together do.
const RATIO: u32 = 2_000;

/// The first byte says which codings, and whether the rest is encoded or is to be.
pub(super) fn coding(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let codings: &[Coding] = match kind % 4 {
        0 => &[Coding::Gzip],
        1 => &[Coding::Deflate],
        2 => &[Coding::Deflate, Coding::Gzip],
        _ => &[Coding::Gzip, Coding::Gzip],
    };
    let (bytes, pieces) = pieces(bytes);
    if kind >= 128 {
        let encoded = encode(codings, pieces, u32::from(kind % 10));
        match decode(codings, encoded.chunks(1 + usize::from(kind))) {
            Ok(decoded) => assert_eq!(decoded, bytes, "what was encoded"),
            Err(error) => assert_eq!(error, DecodeError::Ratio(RATIO)),
        }
        return;
    }
    let (whole, split) = (decode(codings, [bytes].into_iter()), decode(codings, pieces));
    // When it is looked at how much has come out depends on how much came in at once.
    if [&whole, &split].iter().any(|decoded| matches!(decoded, Err(DecodeError::Ratio(_)))) {
        assert!(codings.len() > 1, "one coding alone");
        return;
    }
    assert_eq!(whole, split, "whole and in pieces");
    let mut other = Vec::new();
    let read = match codings {
        [Coding::Gzip] => MultiGzDecoder::new(bytes).read_to_end(&mut other),
        [Coding::Deflate] => ZlibDecoder::new(bytes).read_to_end(&mut other),
        _ => return,
    };
    match whole {
        Ok(decoded) if !bytes.is_empty() => assert_eq!((read.is_ok(), decoded), (true, other), "by flate2"),
        Err(DecodeError::Truncated) => assert!(read.is_err(), "it is whole to flate2"),
        _ => {}
    }
}

fn decode<'p>(codings: &[Coding], mut pieces: impl Iterator<Item = &'p [u8]>) -> Result<Vec<u8>, DecodeError> {
    let (mut decoder, mut input, mut decoded) = (Decoder::new(codings, RATIO), Bytes::new(), Vec::new());
    let mut is_last = false;
    loop {
        match decoder.decode(&mut input, is_last)? {
            Decoded::Data(data) => {
                assert!(!data.is_empty(), "no bytes are no data");
                decoded.extend_from_slice(&data);
                assert_eq!(decoder.made(), decoded.len() as u64);
            }
            Decoded::Busy => assert!(codings.len() > 1 || !input.is_empty(), "there is something to do"),
            Decoded::Wanting => {
                assert!(input.is_empty() && !is_last, "all of it was taken");
                match pieces.next() {
                    Some(piece) => input = Bytes::copy_from_slice(piece),
                    None => is_last = true,
                }
            }
            Decoded::End => return Ok(decoded),
        }
    }
}

/// Each piece is a member of the first coding, where that is gzip.
fn encode<'p>(codings: &[Coding], pieces: impl Iterator<Item = &'p [u8]>, level: u32) -> Vec<u8> {
    let level = Compression::new(level);
    let gzip = |data: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), level);
        encoder.write_all(data).expect("it is in memory");
        encoder.finish().expect("it is in memory")
    };
    let zlib = |data: &[u8]| {
        let mut encoder = ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(data).expect("it is in memory");
        encoder.finish().expect("it is in memory")
    };
    let first = match codings[0] {
        Coding::Gzip => pieces.flat_map(gzip).collect(),
        Coding::Deflate => zlib(&pieces.collect::<Vec<_>>().concat()),
    };
    codings[1..].iter().fold(first, |data, coding| match coding {
        Coding::Gzip => gzip(&data),
        Coding::Deflate => zlib(&data),
    })
}
