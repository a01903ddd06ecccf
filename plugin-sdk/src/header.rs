//! Header names and values: what may be given, what comes back.

use http::{HeaderName, HeaderValue};
use std::borrow::Cow;
use std::fmt::{self, Display};

/// A header's name, or a string in any case that is one.
pub trait AsHeaderName {
    /// The name in lower case. A string that is no name reads as no header and cannot be written.
    fn as_header_name(&self) -> Cow<'_, str>;
}

impl AsHeaderName for HeaderName {
    fn as_header_name(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.as_str())
    }
}

impl AsHeaderName for str {
    fn as_header_name(&self) -> Cow<'_, str> {
        if self.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(self.to_ascii_lowercase())
        } else {
            Cow::Borrowed(self)
        }
    }
}

impl AsHeaderName for String {
    fn as_header_name(&self) -> Cow<'_, str> {
        self.as_str().as_header_name()
    }
}

impl<T: AsHeaderName + ?Sized> AsHeaderName for &T {
    fn as_header_name(&self) -> Cow<'_, str> {
        (**self).as_header_name()
    }
}

/// A header's value, or something that is written as one: text, bytes or a number.
pub trait AsHeaderValue {
    /// The bytes of the value. Those that may not stand on the wire cannot be written (RFC 9110,
    /// section 5.5: no control characters but the tab).
    fn as_header_value(&self) -> Cow<'_, [u8]>;
}

macro_rules! bytes {
    ($($bytes:ty),*) => {$(
        impl AsHeaderValue for $bytes {
            fn as_header_value(&self) -> Cow<'_, [u8]> {
                Cow::Borrowed(self.as_ref())
            }
        }
    )*};
}
bytes!(HeaderValue, str, String, [u8], Vec<u8>);

macro_rules! number {
    ($($number:ty),*) => {$(
        impl AsHeaderValue for $number {
            fn as_header_value(&self) -> Cow<'_, [u8]> {
                Cow::Owned(self.to_string().into_bytes())
            }
        }
    )*};
}
number!(u16, u32, u64, u128, usize, i32, i64);

impl<T: AsHeaderValue + ?Sized> AsHeaderValue for &T {
    fn as_header_value(&self) -> Cow<'_, [u8]> {
        (**self).as_header_value()
    }
}

/// Why a header cannot be written. Nothing is changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The name is not a header name.
    InvalidName,
    /// The value holds a byte that may not stand in a header: a line break, another control.
    InvalidValue,
    /// The header frames messages or concerns one connection only, such as `content-length`,
    /// `connection` or `host`: the gateway alone sets it.
    Forbidden,
    /// The message has as many fields as it may.
    TooMany,
}

impl Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidName => "the name is not a header name",
            Self::InvalidValue => "the value holds a byte that may not stand in a header",
            Self::Forbidden => "the gateway alone sets this header",
            Self::TooMany => "the message has as many fields as it may",
        })
    }
}

impl std::error::Error for HeaderError {}

/// A header came more than once that must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeveralValues;

impl Display for SeveralValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the header has several values")
    }
}

impl std::error::Error for SeveralValues {}

/// Panics when a header was not written. The value may be a secret, so the message lacks it.
#[track_caller]
pub(crate) fn written(name: &str, result: Result<(), HeaderError>) {
    if let Err(error) = result {
        panic!("cannot write the header `{name}`: {error}");
    }
}

/// A value as the gateway gives it. It holds them in the types of `http` too, so none is lost.
pub(crate) fn value(bytes: Vec<u8>) -> Option<HeaderValue> {
    HeaderValue::try_from(bytes).ok()
}

/// Every header as the gateway gives them.
pub(crate) fn fields(fields: Vec<(String, Vec<u8>)>) -> Vec<(HeaderName, HeaderValue)> {
    let parsed = |(name, bytes): (String, Vec<u8>)| Some((name.parse().ok()?, value(bytes)?));
    fields.into_iter().filter_map(parsed).collect()
}

/// The values of one header among all.
pub(crate) fn values(values: Vec<Vec<u8>>) -> Vec<HeaderValue> {
    values.into_iter().filter_map(value).collect()
}
