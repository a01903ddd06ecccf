//! The config: from `gateway.toml`'s file form to a checked form that cannot be wrong, or to every
//! problem at once, each with its place.
//!
//! In order: `source` reads files and what they include, `node` makes a tree with places of each,
//! putting in what `${env:..}` and `${file:..}` stand for, `read` and `form` give the tree its shape,
//! `check` finds what no single key can show and builds `checked`.
//!
//! It must not know what is done with a config: it opens no socket, loads no component, and runs no
//! plugin. Whether a plugin likes its own part is found by who loads it, with
//! [`PluginConfig::locate`] for the places.

mod check;
mod checked;
pub mod file;
mod form;
mod interpolate;
mod node;
mod problem;
mod read;
mod secret;
mod source;
#[cfg(test)]
mod tests;
mod values;

pub use checked::*;
pub use problem::{Place, Problem, Problems};
pub use secret::Secret;

use std::path::Path as FilePath;

use read::Form;

/// What a config may refer to outside of its files.
pub struct Surroundings {
    /// The names of the bundled plugins.
    pub bundled: Vec<String>,
    /// The environment, for `${env:NAME}`.
    pub env: Environment,
}

/// The value of a variable, if there is one.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

impl Surroundings {
    /// The process's environment. A variable that is not UTF-8 counts as absent.
    pub fn new(bundled: Vec<String>) -> Self {
        Self { bundled, env: Box::new(|name| std::env::var(name).ok()) }
    }
}

/// Reads a config and everything that it includes, and checks it.
///
/// Blocks on files: not for a worker. Names in it are resolved, but no component is looked at: that a
/// `Source::File` exists, that grants are enough and that `configure` accepts is for who loads them.
pub fn load(path: &FilePath, surroundings: &Surroundings) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let sources = source::read(path, surroundings, &mut problems);
    if !sources.complete {
        // What the others seem to lack may be in a file that cannot be read.
        Problems::check(std::mem::take(&mut problems), &sources.files)?;
    }
    let config = check::check(&sources.document, surroundings, &mut problems);
    Problems::check(problems, &sources.files)?;
    Ok(Config { files: sources.files, folders: sources.folders, ..config })
}

/// As [`load`], of a text that is in no file and has none beside it. What it includes is left out.
#[cfg(feature = "fuzz")]
pub fn of_text(text: &str, surroundings: &Surroundings) -> Result<Config, Problems> {
    let mut problems = Vec::new();
    let document = source::of_text(text, surroundings, &mut problems);
    let config = check::check(&document, surroundings, &mut problems);
    Problems::check(problems, &[])?;
    Ok(config)
}

/// The JSON Schema (draft 2020-12) of the file form, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = form::Document::schema();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Tollgate's gateway.toml".into();
    schema
}
