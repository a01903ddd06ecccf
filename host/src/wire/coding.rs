//! Content codings that are taken off bodies (RFC 9110, section 8.4.1): which ones a message has, and what its head may no
//! longer say without them.
//!
//! How the bytes are decoded stands below (`coding/`). Who wants that, and what a client is told when it cannot be done, is
//! not known here.

mod decoder;
mod member;

use http::header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderMap, HeaderName, HeaderValue};

pub use decoder::{Decoded, Decoder};

/// Codings that one body may have: each has a decoder of its own.
pub const MOST_CODINGS: usize = 3;

/// Fields that tell a sum of the bytes as they were sent (RFC 9530, and what came before it).
pub const SUMS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
];

/// A coding that can be taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950: deflated data within the zlib format.
    Deflate,
}

/// Why codings cannot be taken off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCoding {
    /// As it was written, or the beginning of it.
    #[error("the content coding {0:?} is not known here")]
    Name(String),
    #[error("it has more than {MOST_CODINGS} content codings")]
    TooMany,
}

/// Why a body cannot be decoded to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("it is not what its content coding says")]
    Malformed,
    #[error("it ends in the middle of its content coding")]
    Truncated,
    #[error("it is more than {0} times as long when it is decoded")]
    Ratio(u32),
}

/// The codings of a body, in the order in which they were applied; none if it is as it is.
pub fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, UnknownCoding> {
    let mut codings = Vec::new();
    let values = headers.get_all(CONTENT_ENCODING).iter();
    for name in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let coding = Coding::named(name).ok_or_else(|| unknown(name))?;
        if codings.len() == MOST_CODINGS {
            return Err(UnknownCoding::TooMany);
        }
        codings.push(coding);
    }
    Ok(codings)
}

/// Takes out of a head what is true only of the encoded bytes. The length is that of the framing, and not for the head to
/// tell.
pub fn forget(headers: &mut HeaderMap) {
    for name in [CONTENT_ENCODING, CONTENT_LENGTH, ACCEPT_RANGES].iter().chain(&SUMS) {
        headers.remove(name);
    }
    weaken(headers);
}

/// Other bytes under one tag: as good for a cache, and no more for a range (RFC 9110, section 8.8.1).
pub fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers.get_mut(ETAG) else { return };
    if !tag.as_bytes().starts_with(b"W/")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
}

impl DecodeError {
    /// In one word, as clients are told.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Malformed | Self::Truncated => "content-coding-malformed",
            Self::Ratio(_) => "content-coding-ratio",
        }
    }
}

impl Coding {
    /// What `Accept-Encoding` says of them.
    pub const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, deflate");

    pub fn named(name: &[u8]) -> Option<Self> {
        match name.to_ascii_lowercase().as_slice() {
            b"gzip" | b"x-gzip" => Some(Self::Gzip),
            b"deflate" => Some(Self::Deflate),
            _ => None,
        }
    }
}

fn unknown(name: &[u8]) -> UnknownCoding {
    const MOST_SHOWN: usize = 64;
    UnknownCoding::Name(String::from_utf8_lossy(&name[..name.len().min(MOST_SHOWN)]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&'static str]) -> Result<Vec<Coding>, UnknownCoding> {
        let field = |value: &&'static str| (CONTENT_ENCODING, HeaderValue::from_static(value));
        codings(&values.iter().map(field).collect())
    }

    #[test]
    fn codings_are_told_in_their_order() {
        assert_eq!(of(&[]), Ok(vec![]));
        assert_eq!(of(&["identity, ,"]), Ok(vec![]));
        assert_eq!(of(&["GZip"]), Ok(vec![Coding::Gzip]));
        assert_eq!(of(&["deflate, identity", " x-gzip "]), Ok(vec![Coding::Deflate, Coding::Gzip]));
        assert_eq!(of(&["br"]), Err(UnknownCoding::Name("br".into())));
        assert_eq!(of(&["gzip;q=1"]), Err(UnknownCoding::Name("gzip;q=1".into())));
        assert_eq!(of(&["gzip, gzip, gzip, gzip"]), Err(UnknownCoding::TooMany));
    }

    #[test]
    fn a_head_says_nothing_more_of_encoded_bytes() {
        let fields = [
            (CONTENT_ENCODING, "gzip"),
            (CONTENT_LENGTH, "9"),
            (ACCEPT_RANGES, "bytes"),
            (SUMS[0].clone(), "sha-256=:x:"),
            (ETAG, "\"v1\""),
        ];
        let mut headers: HeaderMap =
            fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
        forget(&mut headers);
        assert_eq!((headers.len(), headers[ETAG].as_bytes()), (1, &b"W/\"v1\""[..]));
        forget(&mut headers);
        assert_eq!(headers[ETAG], "W/\"v1\"");
    }
}
