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
use node::Node;
use reader::Reader;

/// Reads the JSON of a configuration.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, ConfigError> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(Node::new(&mut reader)).and_then(|value| {
        reader.end()?;
        Ok(value)
    });
    value.map_err(|Fault(message)| {
        let steps = reader.path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")));
        ConfigError::at(steps.collect::<String>(), message)
    })
}

/// What does not fit.
#[derive(Debug)]
struct Fault(String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
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
