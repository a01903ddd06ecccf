//! The name of a header as a configuration writes it.

use crate::header::AsHeaderName;
use serde::de::{Deserialize, Deserializer, Error};
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::str::FromStr;

/// The name of a header, in any case in the file and in lower case here (a token of RFC 9110,
/// section 5.6.2). It goes wherever the SDK takes a header's name.
///
/// [`crate::HeaderName`] reads one too, with a table of all known names that would be a tenth of a
/// component.
///
/// ```
/// # use tollgate_plugin_sdk::config::HeaderName;
/// let name: HeaderName = "X-Api-Key".parse()?;
/// assert_eq!(&*name, "x-api-key");
/// assert!("x api key".parse::<HeaderName>().is_err());
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HeaderName(String);

impl FromStr for HeaderName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(format!("`{name}` is no name of a header"));
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

impl<'de> Deserialize<'de> for HeaderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl AsHeaderName for HeaderName {
    fn as_header_name(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.0)
    }
}

impl Deref for HeaderName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<HeaderName> for String {
    fn from(name: HeaderName) -> Self {
        name.0
    }
}
