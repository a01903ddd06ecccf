//! Interpolation: `${env:NAME}` and `${file:path}` in a string stand for what is found there,
//! `$${` stands for `${`. What was put in is a secret from then on, and is not looked at again.

use std::path::{Path, PathBuf};

use super::Surroundings;
use super::file;
use super::node::{Interpolated, Text, Value};
use super::problem::{Place, Problem, quote};
use super::secret::Secret;

/// Bytes of a `${file:..}` secret.
const LARGEST_SECRET: u64 = 64 * 1024;

/// What interpolation looks at, and what it leaves.
pub(super) struct Interpolation<'a> {
    pub(super) surroundings: &'a Surroundings,
    /// From where relative paths go: the folder of the file that is read.
    pub(super) folder: &'a Path,
    pub(super) files: &'a mut Vec<PathBuf>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl Interpolation<'_> {
    /// A string with everything put in.
    pub(super) fn text(&mut self, written: &str, place: &Place) -> Value {
        let mut text = Text { value: String::new(), place: place.clone(), interpolated: None };
        let mut secrets = Vec::new();
        let mut rest = written;
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                text.value += &rest[..at - 1];
                text.value += "${";
                rest = &rest[at + 2..];
                continue;
            }
            text.value += &rest[..at];
            let Some((inner, after)) = rest[at + 2..].split_once('}') else {
                return self.broken(
                    Problem::new(place, format!("{} has no `}}`", quote(&rest[at..])))
                        .help("write `$${` for a `${` that stands for itself"),
                );
            };
            match self.find(inner) {
                Ok(found) => {
                    text.value += &found;
                    secrets.push(Secret::new(found));
                }
                Err(Missing { message, help }) => {
                    return self.broken(Problem { place: place.clone(), message, help });
                }
            }
            rest = after;
        }
        text.value += rest;
        if !secrets.is_empty() {
            // The whole may be quoted too, and is as secret as its pieces.
            secrets.push(Secret::new(text.value.clone()));
            text.interpolated = Some(Interpolated { written: written.to_owned(), secrets });
        }
        Value::Text(text)
    }

    /// Notes a problem.
    pub(super) fn broken(&mut self, problem: Problem) -> Value {
        self.problems.push(problem);
        Value::Broken
    }

    fn find(&mut self, inner: &str) -> Result<String, Missing> {
        if let Some(name) = inner.strip_prefix("env:") {
            return match (self.surroundings.env)(name) {
                Some(value) => Ok(value),
                None => Err(Missing::new(format!("no environment variable named {}", quote(name)))),
            };
        }
        if let Some(path) = inner.strip_prefix("file:") {
            let path = self.folder.join(path);
            self.files.push(path.clone());
            return secret_file(&path);
        }
        let unknown = Missing::new(format!("unknown interpolation {}", quote(&format!("${{{inner}}}"))));
        let help = "`${env:NAME}` and `${file:path}` are known; write `$${` for a `${` that stands for itself";
        Err(Missing { help: Some(help.to_owned()), ..unknown })
    }
}

/// Why nothing can be put in.
struct Missing {
    message: String,
    help: Option<String>,
}

impl Missing {
    fn new(message: String) -> Self {
        Self { message, help: None }
    }
}

/// What a file holds, without the newline at its end.
fn secret_file(path: &Path) -> Result<String, Missing> {
    let shown = quote(&path.display().to_string());
    let bytes =
        file::read(path, LARGEST_SECRET).map_err(|error| Missing::new(format!("cannot read {shown}: {error}")))?;
    let mut text = String::from_utf8(bytes).map_err(|_| Missing::new(format!("{shown} is not UTF-8")))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}
