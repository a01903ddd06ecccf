//! Reads JSON into a type, and says where it cannot: the reader knows which keys and indices it is under.
//!
//! Made by hand because size counts in a component: wrapping `serde_json` to track the place costs
//! a third of what a small plugin weighs, most of it for floats and trees that few need.

use super::ConfigError;
use serde::de::{DeserializeOwned, Error, Expected, Unexpected};
use std::fmt::{self, Display};

mod access;
mod node;
mod reader;
mod words;
use node::{Fields, Node};
use reader::Reader;

/// Reads the JSON of a configuration. Keys that nobody knows are problems, all of them at once.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, ConfigError> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(Node::new(&mut reader)).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    let mut error = ConfigError { problems: std::mem::take(&mut reader.unknown) };
    match value {
        Ok(value) => return error.or(value),
        // A key that is misspelt is missing under its name.
        Err(fault) if fault.missing.is_some_and(|key| reader.meant.contains(&key)) => {}
        Err(fault) => error.push(reader.pointer(), fault.message),
    }
    Err(error)
}

/// What does not fit.
#[derive(Debug)]
struct Fault {
    message: String,
    /// The key that is missing, if that is what is wrong.
    missing: Option<&'static str>,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self { message: message.to_string(), missing: None }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {}, found {}", words::expected(expected), words::kind(&unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = words::expected_value(expected);
        match unexpected {
            Unexpected::Unsigned(number) => Self::custom(format_args!("expected {expected}, found {number}")),
            Unexpected::Signed(number) => Self::custom(format_args!("expected {expected}, found {number}")),
            // Of other kinds the value may be long, or nobody's business.
            other => Self::custom(format_args!("expected {expected}, found another {}", words::bare_kind(&other))),
        }
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {}, found {length} of them", words::expected(expected)))
    }

    fn unknown_variant(variant: &str, expected: Fields) -> Self {
        Self::custom(words::unknown("value", variant, expected))
    }

    fn unknown_field(field: &str, expected: Fields) -> Self {
        Self::custom(words::unknown("key", field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { message: format!("the key `{field}` is missing"), missing: Some(field) }
    }
}

#[cfg(test)]
mod tests;
