//! Version 2, in binary (section 2.2): a signature, what is said, its length, two addresses, and fields of a type, a
//! length and a value, of which only the checksum means something here.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, Malformed, Source};

pub(super) const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of the shortest, and of what each begins with.
pub(super) const LEAST: usize = 16;
/// Bytes of the longest that is read: addresses take 216, and few proxies say more than a few hundred of TLS.
pub(super) const MOST: usize = 4096;

/// The type of the field that holds the CRC32c of the header (section 2.2.3).
const CHECKSUM: u8 = 0x03;

pub(super) fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    let common = bytes.len().min(SIGNATURE.len());
    if bytes[..common] != SIGNATURE[..common] {
        return Err(Malformed::Absent);
    }
    let Some((start, rest)) = bytes.split_at_checked(LEAST) else { return Ok(Header::Partial(LEAST - bytes.len())) };
    let length = usize::from(u16::from_be_bytes([start[14], start[15]]));
    if LEAST + length > MOST {
        return Err(Malformed::TooLarge);
    }
    match length.checked_sub(rest.len()) {
        Some(0) => {}
        Some(missing) => return Ok(Header::Partial(missing)),
        None => return Err(Malformed::Fields),
    }
    match start[12] {
        // LOCAL: whatever it says besides is to be ignored.
        0x20 => return Ok(Header::Whole(Source::Proxy)),
        // PROXY
        0x21 => {}
        _ => return Err(Malformed::Command),
    }
    let (source, fields) = match start[13] {
        0x00 => return Ok(Header::Whole(Source::Proxy)),
        0x11 => ipv4(rest).ok_or(Malformed::Addresses)?,
        0x21 => ipv6(rest).ok_or(Malformed::Addresses)?,
        // Two paths of 108 bytes: a client of the proxy's own machine.
        0x31 => (Source::Proxy, rest.get(216..).ok_or(Malformed::Addresses)?),
        _ => return Err(Malformed::Transport),
    };
    match checksum(fields)? {
        Some(place) if !is_sum(bytes, bytes.len() - fields.len() + place) => Err(Malformed::Checksum),
        _ => Ok(Header::Whole(source)),
    }
}

/// The source, and the fields behind both addresses and both ports.
fn ipv4(rest: &[u8]) -> Option<(Source, &[u8])> {
    let (addresses, fields) = rest.split_first_chunk::<12>()?;
    let (address, port) = (addresses.first_chunk::<4>()?, u16::from_be_bytes([addresses[8], addresses[9]]));
    Some((Source::Client(SocketAddr::from((Ipv4Addr::from(*address), port))), fields))
}

fn ipv6(rest: &[u8]) -> Option<(Source, &[u8])> {
    let (addresses, fields) = rest.split_first_chunk::<36>()?;
    let (address, port) = (addresses.first_chunk::<16>()?, u16::from_be_bytes([addresses[32], addresses[33]]));
    Some((Source::Client(SocketAddr::from((Ipv6Addr::from(*address), port))), fields))
}

/// Where the checksum stands in the fields, if there is one. There is at most one.
fn checksum(fields: &[u8]) -> Result<Option<usize>, Malformed> {
    let mut found = None;
    let mut rest = fields;
    while let Some((field, after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([field[1], field[2]]));
        if field[0] == CHECKSUM {
            let place = fields.len() - after.len();
            if length != 4 || found.replace(place).is_some() {
                return Err(Malformed::Fields);
            }
        }
        rest = after.get(length..).ok_or(Malformed::Fields)?;
    }
    if rest.is_empty() { Ok(found) } else { Err(Malformed::Fields) }
}

/// Whether the four bytes at `place` are the sum of the header in which they are zero.
fn is_sum(header: &[u8], place: usize) -> bool {
    let (before, rest) = header.split_at(place);
    let Some((told, after)) = rest.split_first_chunk::<4>() else { return false };
    let zeros = [0; 4];
    let bytes = before.iter().chain(&zeros).chain(after).copied();
    crc32c(bytes) == u32::from_be_bytes(*told)
}

/// Castagnoli's (RFC 3385), bit by bit: a header is short, and few proxies send one.
pub(super) fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    !bytes.fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(byte), |sum, _| (sum >> 1) ^ (POLYNOMIAL * (sum & 1))))
}
