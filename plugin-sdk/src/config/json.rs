//! Reads JSON into a type, and says where it cannot: a JSON Pointer grows on an error's way up.
//!
//! Made by hand because size counts in a component: wrapping `serde_json` to track the place costs
//! a third of what a small plugin weighs, most of it for floats and trees that few need.

use super::ConfigError;
use serde::de::{DeserializeOwned, Error, Expected, Unexpected};
use std::fmt::{self, Display};

mod access;
mod node;
mod reader;
use node::Node;
use reader::Reader;

/// Reads the JSON of a configuration.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, ConfigError> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(Node::new(&mut reader)).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    value.map_err(|fault| {
        let steps = fault.path.iter().rev();
        let steps = steps.map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")));
        ConfigError::at(steps.collect::<String>(), fault.message)
    })
}

/// What does not fit, with the path to it from the inside out.
#[derive(Debug)]
struct Fault {
    path: Vec<String>,
    message: String,
}

impl Fault {
    fn under(mut self, step: impl Display) -> Self {
        self.path.push(step.to_string());
        self
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self { path: Vec::new(), message: message.to_string() }
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid type: {}, expected {expected}", Seen(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("invalid value: {}, expected {expected}", Seen(unexpected)))
    }
}

/// As serde shows what it did not expect, but in the words of the configuration, and without the
/// value of a float: the code that formats one would be a tenth of a component.
struct Seen<'a>(Unexpected<'a>);

impl Display for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(value) => write!(f, "boolean `{value}`"),
            Unexpected::Unsigned(value) => write!(f, "integer `{value}`"),
            Unexpected::Signed(value) => write!(f, "integer `{value}`"),
            Unexpected::Float(_) => f.write_str("a float"),
            Unexpected::Str(text) => write!(f, "string `{text}`"),
            Unexpected::Unit => f.write_str("null"),
            Unexpected::Seq => f.write_str("an array"),
            Unexpected::Map => f.write_str("a table"),
            Unexpected::Other(what) => f.write_str(what),
            _ => f.write_str("something else"),
        }
    }
}

#[cfg(test)]
mod tests;
