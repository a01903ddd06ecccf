//! What may be given where a header's name or value is wanted.

use http::{HeaderName, HeaderValue};
use std::borrow::Cow;

/// A header's name, or a string in any case that is one.
///
/// A name that is parsed once, in `configure`, is cheaper than a string.
pub trait AsHeaderName {
    /// The name, or `None` for a string that cannot be one.
    fn as_header_name(&self) -> Option<Cow<'_, HeaderName>>;
}

impl AsHeaderName for HeaderName {
    fn as_header_name(&self) -> Option<Cow<'_, HeaderName>> {
        Some(Cow::Borrowed(self))
    }
}

impl AsHeaderName for str {
    fn as_header_name(&self) -> Option<Cow<'_, HeaderName>> {
        HeaderName::from_bytes(self.as_bytes()).ok().map(Cow::Owned)
    }
}

impl AsHeaderName for String {
    fn as_header_name(&self) -> Option<Cow<'_, HeaderName>> {
        self.as_str().as_header_name()
    }
}

impl<T: AsHeaderName + ?Sized> AsHeaderName for &T {
    fn as_header_name(&self) -> Option<Cow<'_, HeaderName>> {
        (**self).as_header_name()
    }
}

/// A header's value, or something that becomes one: text, bytes or a number.
pub trait IntoHeaderValue {
    /// The value, or `None` when its bytes may not stand on the wire (RFC 9110, section 5.5: no
    /// control characters but the tab).
    fn into_header_value(self) -> Option<HeaderValue>;
}

impl IntoHeaderValue for HeaderValue {
    fn into_header_value(self) -> Option<HeaderValue> {
        Some(self)
    }
}

impl IntoHeaderValue for &HeaderValue {
    fn into_header_value(self) -> Option<HeaderValue> {
        Some(self.clone())
    }
}

macro_rules! from_bytes {
    ($($bytes:ty),*) => {$(
        impl IntoHeaderValue for $bytes {
            fn into_header_value(self) -> Option<HeaderValue> {
                HeaderValue::from_bytes(self.as_ref()).ok()
            }
        }
    )*};
}
from_bytes!(&str, &String, &[u8], &Vec<u8>);

impl IntoHeaderValue for String {
    fn into_header_value(self) -> Option<HeaderValue> {
        self.into_bytes().into_header_value()
    }
}

impl IntoHeaderValue for Vec<u8> {
    fn into_header_value(self) -> Option<HeaderValue> {
        HeaderValue::try_from(self).ok()
    }
}

macro_rules! from_number {
    ($($number:ty),*) => {$(
        impl IntoHeaderValue for $number {
            fn into_header_value(self) -> Option<HeaderValue> {
                Some(HeaderValue::from(self))
            }
        }
    )*};
}
from_number!(u16, u32, u64, usize, i32, i64);

/// The name to write under.
#[track_caller]
pub(crate) fn name(name: &impl AsHeaderName) -> HeaderName {
    match name.as_header_name() {
        Some(name) => name.into_owned(),
        None => panic!("not a legal header name"),
    }
}

/// The value to write. It may be a secret, so the panic does not say it.
#[track_caller]
pub(crate) fn value(value: impl IntoHeaderValue, name: &HeaderName) -> HeaderValue {
    match value.into_header_value() {
        Some(value) => value,
        None => panic!("not a legal value for the header `{name}`"),
    }
}
