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
        Err(Fault(told)) if told.missing.is_some_and(|key| reader.meant.contains(&key)) => {}
        Err(Fault(told)) => error.push(reader.pointer(), told.message),
    }
    Err(error)
}

/// What does not fit. Every function that reads passes it on: a pointer, for what it holds would be a twentieth of a
/// component.
#[derive(Debug)]
struct Fault(Box<Told>);

#[derive(Debug)]
struct Told {
    message: String,
    /// The key that is missing, if that is what is wrong.
    missing: Option<&'static str>,
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}

impl Fault {
    #[cold]
    #[inline(never)]
    fn new(message: fmt::Arguments<'_>) -> Self {
        Self(Box::new(Told { message: message.to_string(), missing: None }))
    }
}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(format_args!("{message}"))
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {}, found {}", words::expected(expected), words::kind(&unexpected)))
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // The value stands at the place of the problem; to write a number out takes a hundredth of a component.
        let expected = words::expected(expected);
        let more = match unexpected {
            Unexpected::Signed(_) if expected == words::WHOLE => " that is higher",
            Unexpected::Unsigned(_) if expected == words::WHOLE => " that is lower",
            _ => "",
        };
        Self::new(format_args!("expected {expected}{more}"))
    }

    #[cold]
    #[inline(never)]
    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {}, of another length", words::expected(expected)))
    }

    #[cold]
    #[inline(never)]
    fn unknown_variant(variant: &str, expected: Fields) -> Self {
        Self::new(format_args!("{}", words::unknown("value", variant, expected)))
    }

    #[cold]
    #[inline(never)]
    fn unknown_field(field: &str, expected: Fields) -> Self {
        Self::new(format_args!("{}", words::unknown("key", field, expected)))
    }

    #[cold]
    #[inline(never)]
    fn missing_field(field: &'static str) -> Self {
        Self(Box::new(Told { message: format!("the key `{field}` is missing"), missing: Some(field) }))
    }
}

#[cfg(test)]
mod tests;
