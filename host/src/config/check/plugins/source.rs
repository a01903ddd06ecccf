//! Where a plugin's component comes from.

use std::path::Path;

use crate::config::Source;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};

use super::super::names::suggestion;

/// What a source means; `bundled` are the plugins that there are without a file.
pub(super) fn source(text: &Text, bundled: &[String]) -> Result<Source, Problem> {
    let (value, shown) = (text.value.as_str(), quote(text.written()));
    let problem = |message: String| Err(Problem::new(&text.place, message));
    if is_path(value) {
        let folder = text.place.file.parent().unwrap_or(Path::new(""));
        return match value.ends_with(".wasm") {
            true => Ok(Source::File(folder.join(value))),
            false => problem(format!("{shown} does not end with `.wasm`")),
        };
    }
    if bundled.iter().any(|name| name == value) {
        return Ok(Source::Bundled(value.to_owned()));
    }
    if value.contains("://") {
        let problem = Problem::new(&text.place, format!("{shown}: sources over the network are not supported yet"));
        return Err(problem.help("download it, and write its path: `./plugin.wasm`"));
    }
    if value.contains('/') || value.ends_with(".wasm") {
        let problem = Problem::new(&text.place, format!("{shown} is not a bundled plugin"));
        return Err(problem.help(format!("a path begins with `./`: {}", quote(&format!("./{}", text.written())))));
    }
    let problem = Problem::new(&text.place, format!("no bundled plugin named {shown}"));
    Err(suggestion(problem, "bundled plugin", text.written(), bundled.iter().map(String::as_str)))
}

/// What a source is called: its own name, or its file's without `.wasm`.
pub(super) fn stem(source: &Text) -> Text {
    let mut name = source.clone();
    if is_path(&source.value) {
        let stem = Path::new(&source.value).file_stem().unwrap_or_default();
        name.value = stem.to_string_lossy().into_owned();
    }
    name
}

pub(super) fn is_path(source: &str) -> bool {
    ["./", "../", "/"].iter().any(|start| source.starts_with(start))
}
