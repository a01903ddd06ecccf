//! Version 1, a line of text (section 2.1): `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, Malformed, Source};

/// Bytes of the shortest: `PROXY UNKNOWN`, with its end of line.
pub(super) const LEAST: usize = 15;
/// Bytes of the longest that a proxy may send.
const MOST: usize = 107;
const BEGINNING: &[u8] = b"PROXY ";

pub(super) fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    let common = bytes.len().min(BEGINNING.len());
    if bytes[..common] != BEGINNING[..common] {
        return Err(Malformed::Absent);
    }
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        // The end of the line is still to come, or half of it.
        let missing = if bytes.last() == Some(&b'\r') { 1 } else { 2 };
        let missing = missing.max(LEAST.saturating_sub(bytes.len()));
        return if bytes.len() + missing <= MOST { Ok(Header::Partial(missing)) } else { Err(Malformed::TooLong) };
    };
    // It begins as it should, so the end of the line is behind that.
    if end + 2 > MOST {
        return Err(Malformed::TooLong);
    }
    if end + 2 < bytes.len() {
        return Err(Malformed::Fields);
    }
    let rest = &bytes[BEGINNING.len()..end];
    if rest == b"UNKNOWN" || rest.starts_with(b"UNKNOWN ") {
        return Ok(Header::Whole(Source::Proxy));
    }
    let line = str::from_utf8(rest).map_err(|_| Malformed::Addresses)?;
    addresses(line).map(|source| Header::Whole(Source::Client(source))).ok_or(Malformed::Addresses)
}

/// Five words with one space between them. The destination is read too: a line that is wrong in one half is not
/// believed in the other.
fn addresses(line: &str) -> Option<SocketAddr> {
    let mut words = line.split(' ');
    let address: fn(&str) -> Option<IpAddr> = match words.next()? {
        "TCP4" => |text| text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        "TCP6" => |text| text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        _ => return None,
    };
    let (source, _) = (address(words.next()?)?, address(words.next()?)?);
    let (source_port, _) = (port(words.next()?)?, port(words.next()?)?);
    words.next().is_none().then_some(SocketAddr::new(source, source_port))
}

/// A number without a sign or zeros before it.
fn port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}
