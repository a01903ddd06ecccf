//! The configuration of a plugin: the `config` table of its entry in `gateway.toml`.
//!
//! It is read with serde into [`Plugin::Config`]. Keys that the type does not know are problems, all of
//! them at once, with or without `deny_unknown_fields`, and every problem carries a JSON Pointer to its
//! place, which `tollgate check` turns into a line and column. An entry without `config` reads as
//! an empty table. (Behind `flatten`, `untagged` and `tag`, serde hides the place and the unknown
//! fields: the pointer is then the table's, and `deny_unknown_fields` is yours to write.)

use crate::Plugin;
use std::fmt::Display;

mod duration;
mod header_name;
mod json;
mod parsed;
pub use duration::Duration;
pub use header_name::HeaderName;
pub use parsed::{Parsed, parsed};

/// What is wrong with a configuration: one problem or more.
///
/// ```
/// # use tollgate_plugin_sdk::ConfigError;
/// # fn check(methods: &[&str]) -> Result<(), ConfigError> {
/// let mut error = ConfigError::default();
/// for (index, method) in methods.iter().enumerate() {
///     if method.is_empty() {
///         error.add(format!("/methods/{index}"), "a method cannot be empty");
///     }
/// }
/// error.or(())
/// # }
/// # assert!(check(&["GET"]).is_ok() && check(&[""]).is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

/// A fault in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// JSON Pointer (RFC 6901) to the value in the configuration; `""` is the whole.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl ConfigError {
    /// A problem with the configuration as a whole.
    pub fn new(message: impl Display) -> Self {
        Self::at("", message)
    }

    /// A problem at a JSON Pointer such as `/header` or `/rules/0/path`.
    pub fn at(pointer: impl Display, message: impl Display) -> Self {
        let mut error = Self::default();
        error.add(pointer, message);
        error
    }

    /// Adds a problem, so that all are reported at once.
    pub fn add(&mut self, pointer: impl Display, message: impl Display) {
        self.push(pointer.to_string(), message.to_string());
    }

    fn push(&mut self, pointer: String, message: String) {
        self.problems.push(Problem { pointer, message });
    }

    /// The value, if no problem was added.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.problems.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The problems, in the order in which they were added.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(crate) fn into_problems(mut self) -> impl Iterator<Item = Problem> {
        if self.problems.is_empty() {
            self.add("", "the plugin refused its configuration without saying why");
        }
        self.problems.into_iter()
    }
}

/// Reads a configuration and makes the plugin of it.
pub(crate) fn configure<P: Plugin>(config: &str) -> Result<P, ConfigError> {
    P::configure(json::read(config)?)
}
