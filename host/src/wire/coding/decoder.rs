//! Takes codings off bytes as they arrive, a bounded piece at a time, up to a ratio of what comes out to what went in.

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};

use super::member::Members;
use super::{Coding, DecodeError};

/// Bytes that may come out whatever went in: the ratio of little says little.
const FREE: u64 = 256 * 1024;
/// Bytes that come out at once.
const PIECE: usize = 64 * 1024;
/// Bytes between one coding and the next.
const BETWEEN: usize = 16 * 1024;
/// Bytes that are taken at once.
const MOST_TAKEN: usize = 64 * 1024;
/// How often all codings have a turn before others have theirs.
const MOST_ROUNDS: usize = 4;
/// Bytes that one coding may take in memory: a window of 32 KiB, tables, and what came out.
const MEMORY: usize = 128 * 1024;

/// Decodes one body.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which they come off.
    stages: Vec<Stage>,
    ratio: u32,
    /// Bytes that were taken.
    taken: u64,
}

/// What comes next of a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    Data(Bytes),
    /// All of the input was taken, and more is wanted.
    Wanting,
    /// Nothing came out so far: others may have their turn.
    Busy,
    /// The body is whole.
    End,
}

/// One coding on its way off.
#[derive(Debug)]
struct Stage {
    unpacker: Unpacker,
    /// What came out, and how much of it the next one has taken.
    output: Vec<u8>,
    passed: usize,
    /// Room of the output.
    room: usize,
    /// Bytes that came out in all.
    made: u64,
}

#[derive(Debug)]
enum Unpacker {
    Gzip(Box<Members>),
    Deflate { inflate: Decompress, is_over: bool },
}

impl Decoder {
    /// `codings` in the order in which they were applied, at least one; `ratio`: how many times as long a body may become.
    pub fn new(codings: &[Coding], ratio: u32) -> Self {
        let stages = codings.iter().rev().enumerate();
        let room = |place| if place + 1 == codings.len() { PIECE } else { BETWEEN };
        Self { stages: stages.map(|(place, coding)| Stage::new(*coding, room(place))).collect(), ratio, taken: 0 }
    }

    /// Bytes that it takes at most, besides those that it is given and gives.
    pub fn memory(&self) -> usize {
        self.stages.len() * MEMORY
    }

    /// Bytes that have come out.
    pub fn made(&self) -> u64 {
        self.stages.last().map_or(0, |stage| stage.made)
    }

    /// Decodes some of what has come. `is_last`: nothing comes behind it.
    pub fn decode(&mut self, input: &mut Bytes, is_last: bool) -> Result<Decoded, DecodeError> {
        for _ in 0..MOST_ROUNDS {
            let has_moved = self.round(input)?;
            if let Some(data) = self.stages.last_mut().and_then(Stage::take) {
                return Ok(Decoded::Data(data));
            }
            if !has_moved {
                return match is_last {
                    false => Ok(Decoded::Wanting),
                    true if self.stages.iter().all(Stage::is_whole) => Ok(Decoded::End),
                    true => Err(DecodeError::Truncated),
                };
            }
        }
        Ok(Decoded::Busy)
    }

    /// From the last one on, so that what there is goes on before more is made. Answers whether anything has.
    fn round(&mut self, input: &mut Bytes) -> Result<bool, DecodeError> {
        let mut has_moved = false;
        for place in (0..self.stages.len()).rev() {
            let (before, from) = self.stages.split_at_mut(place);
            let stage = &mut from[0];
            if stage.has_output() {
                continue;
            }
            let taken = match before.last_mut() {
                Some(before) => {
                    let taken = stage.run(&before.output[before.passed..])?;
                    before.passed += taken;
                    taken
                }
                None => {
                    let taken = stage.run(&input[..input.len().min(MOST_TAKEN)])?;
                    input.advance(taken);
                    self.taken += taken as u64;
                    taken
                }
            };
            // What is between two codings costs time as well.
            if stage.made > FREE && stage.made > self.taken.saturating_mul(self.ratio.into()) {
                return Err(DecodeError::Ratio(self.ratio));
            }
            has_moved |= taken > 0 || stage.has_output();
        }
        Ok(has_moved)
    }
}

impl Stage {
    fn new(coding: Coding, room: usize) -> Self {
        let unpacker = match coding {
            Coding::Gzip => Unpacker::Gzip(Box::new(Members::new())),
            Coding::Deflate => Unpacker::Deflate { inflate: Decompress::new(true), is_over: false },
        };
        Self { unpacker, output: Vec::new(), passed: 0, room, made: 0 }
    }

    fn has_output(&self) -> bool {
        self.passed < self.output.len()
    }

    /// All that came out.
    fn take(&mut self) -> Option<Bytes> {
        if !self.has_output() {
            return None;
        }
        // Small pieces do not hold the room of large ones.
        let data = match self.output.len() * 2 < self.room {
            true => Bytes::copy_from_slice(&self.output),
            false => std::mem::take(&mut self.output).into(),
        };
        self.output.clear();
        Some(data)
    }

    /// There is no output that the next one has not taken. Answers how many bytes were taken.
    fn run(&mut self, input: &[u8]) -> Result<usize, DecodeError> {
        self.output.clear();
        self.passed = 0;
        self.output.reserve_exact(self.room);
        let taken = match &mut self.unpacker {
            Unpacker::Gzip(members) => members.run(input, &mut self.output)?,
            // One of them is all that there is.
            Unpacker::Deflate { is_over: true, .. } if !input.is_empty() => return Err(DecodeError::Malformed),
            Unpacker::Deflate { is_over: true, .. } => 0,
            Unpacker::Deflate { inflate: deflated, is_over } => {
                let (taken, ends) = inflate(deflated, input, &mut self.output)?;
                *is_over = ends;
                taken
            }
        };
        self.made += self.output.len() as u64;
        Ok(taken)
    }

    /// Whether the bytes may end here: no bytes at all are what many senders make of nothing.
    fn is_whole(&self) -> bool {
        match &self.unpacker {
            Unpacker::Gzip(members) => members.is_whole(),
            Unpacker::Deflate { inflate, is_over } => *is_over || inflate.total_in() == 0,
        }
    }
}

/// Inflates into the room that `output` has. Answers how many bytes were taken, and whether the data is at its end.
pub(super) fn inflate(
    inflate: &mut Decompress,
    input: &[u8],
    output: &mut Vec<u8>,
) -> Result<(usize, bool), DecodeError> {
    let before = inflate.total_in();
    let status = inflate.decompress_vec(input, output, FlushDecompress::None).map_err(|_| DecodeError::Malformed)?;
    let taken = usize::try_from(inflate.total_in() - before).expect("not more than there is");
    Ok((taken, status == Status::StreamEnd))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use flate2::Compression;
    use flate2::GzBuilder;
    use flate2::read::{GzEncoder, ZlibEncoder};

    use super::*;

    const RATIO: u32 = 100;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        GzEncoder::new(data, Compression::best()).read_to_end(&mut encoded).expect("it is in memory");
        encoded
    }

    fn zlib(data: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        ZlibEncoder::new(data, Compression::best()).read_to_end(&mut encoded).expect("it is in memory");
        encoded
    }

    /// What comes out of these bytes, in pieces of so many.
    fn decoded(codings: &[Coding], encoded: &[u8], piece: usize) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = Decoder::new(codings, RATIO);
        let (mut pieces, mut input, mut data) = (encoded.chunks(piece), Bytes::new(), Vec::new());
        let mut is_last = false;
        loop {
            match decoder.decode(&mut input, is_last)? {
                Decoded::Data(more) => data.extend_from_slice(&more),
                Decoded::Busy => {}
                Decoded::Wanting => match pieces.next() {
                    Some(piece) => input = Bytes::copy_from_slice(piece),
                    None => is_last = true,
                },
                Decoded::End => return Ok(data),
            }
        }
    }

    fn text() -> Vec<u8> {
        (0..20_000_u32).flat_map(|number| format!("{} ", number.wrapping_mul(2_654_435_761)).into_bytes()).collect()
    }

    #[test]
    fn what_was_encoded_comes_out_however_it_arrives() {
        let text = text();
        for piece in [1, 7, 1 << 20] {
            assert_eq!(decoded(&[Coding::Gzip], &gzip(&text), piece), Ok(text.clone()));
            assert_eq!(decoded(&[Coding::Deflate], &zlib(&text), piece), Ok(text.clone()));
            let twice = gzip(&zlib(&text));
            assert_eq!(decoded(&[Coding::Deflate, Coding::Gzip], &twice, piece), Ok(text.clone()));
            assert!(decoded(&[Coding::Gzip, Coding::Deflate], &twice, piece).is_err());
        }
    }

    #[test]
    fn members_may_follow_each_other_and_nothing_else_may() {
        let encoded = [gzip(b"one, "), gzip(b""), gzip(b"two")].concat();
        assert_eq!(decoded(&[Coding::Gzip], &encoded, 3), Ok(b"one, two".to_vec()));
        for behind in [&b"\0"[..], b"more", &[0x1f, 0x8b, 9]] {
            let encoded = [&encoded, behind].concat();
            assert_eq!(decoded(&[Coding::Gzip], &encoded, 100), Err(DecodeError::Malformed));
            let encoded = [&zlib(b"one"), behind].concat();
            assert_eq!(decoded(&[Coding::Deflate], &encoded, 100), Err(DecodeError::Malformed));
        }
    }

    #[test]
    fn every_part_of_a_header_is_read() {
        let mut encoder =
            GzBuilder::new().extra("more").filename("name").comment("words").write(Vec::new(), Compression::fast());
        encoder.write_all(b"data").expect("it is in memory");
        let mut encoded = encoder.finish().expect("it is in memory");
        assert_eq!(decoded(&[Coding::Gzip], &encoded, 1), Ok(b"data".to_vec()));
        // With a sum of the header, right and wrong.
        let header = 10 + 2 + 4 + 5 + 6;
        encoded[3] |= 2;
        let mut sum = flate2::Crc::new();
        sum.update(&encoded[..header]);
        let [lower, upper, ..] = sum.sum().to_le_bytes();
        encoded.splice(header..header, [lower, upper]);
        assert_eq!(decoded(&[Coding::Gzip], &encoded, 1), Ok(b"data".to_vec()));
        encoded[header] ^= 1;
        assert_eq!(decoded(&[Coding::Gzip], &encoded, 1), Err(DecodeError::Malformed));
        encoded[3] = 0x80;
        assert_eq!(decoded(&[Coding::Gzip], &encoded, 1), Err(DecodeError::Malformed));
    }

    #[test]
    fn what_is_cut_or_changed_is_not_whole() {
        for (coding, encoded) in [(Coding::Gzip, gzip(b"some bytes")), (Coding::Deflate, zlib(b"some bytes"))] {
            assert_eq!(decoded(&[coding], &[], 1), Ok(Vec::new()));
            for length in 1..encoded.len() {
                assert_eq!(decoded(&[coding], &encoded[..length], 100), Err(DecodeError::Truncated), "{length}");
            }
            let sums = if coding == Coding::Gzip { 8 } else { 4 };
            for place in encoded.len() - sums..encoded.len() {
                let mut changed = encoded.clone();
                changed[place] ^= 1;
                assert_eq!(decoded(&[coding], &changed, 100), Err(DecodeError::Malformed), "{place}");
            }
        }
    }

    #[test]
    fn what_becomes_too_long_is_given_up() {
        let free = usize::try_from(FREE).expect("it is little");
        let zeros = |count| vec![0; count];
        assert_eq!(decoded(&[Coding::Gzip], &gzip(&zeros(free)), 100), Ok(zeros(free)));
        for bomb in [gzip(&zeros(2 * free)), gzip(&zeros(64 << 20))] {
            assert_eq!(decoded(&[Coding::Gzip], &bomb, 100), Err(DecodeError::Ratio(RATIO)));
        }
        // What is between two codings counts as well, though nothing comes out: empty members.
        let nothing = gzip(&gzip(b"").repeat(100_000));
        assert_eq!(decoded(&[Coding::Gzip, Coding::Gzip], &nothing, 100), Err(DecodeError::Ratio(RATIO)));
    }
}
