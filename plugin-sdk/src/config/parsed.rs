//! Values that a configuration writes as text and that parse into a type.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;

/// A value that a configuration writes as text: methods, addresses.
///
/// ```
/// # use tollgate_plugin_sdk::prelude::*;
/// # use tollgate_plugin_sdk::config::Parsed;
/// #[derive(serde::Deserialize)]
/// struct Config {
///     methods: Vec<Parsed<Method>>,
///     network: Option<Parsed<std::net::IpAddr>>,
/// }
/// ```
///
/// For a plain field, [`parsed`] saves the wrapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parsed<T>(pub T);

impl<T> Deref for Parsed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer).map(Self)
    }
}

/// Reads text and parses it, for `#[serde(deserialize_with = "config::parsed")]`.
///
/// ```
/// # use tollgate_plugin_sdk::prelude::*;
/// #[derive(serde::Deserialize)]
/// struct Config {
///     #[serde(deserialize_with = "config::parsed")]
///     method: Method,
/// }
/// ```
pub fn parsed<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: FromStr<Err: Display>> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|error| E::custom(format_args!("`{text}`: {error}")))
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}
