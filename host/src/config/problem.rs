//! Problems: faults in the config, each with its place in the file, in the form in which a person
//! reads them. It knows nothing of what a config holds.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where something is written. Ordered by file, line and column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: Arc<Path>,
    /// From 1; 0 stands for the file as a whole.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Place {
    /// A file as a whole.
    pub fn whole(file: &Path) -> Self {
        Self { file: file.into(), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.line {
            0 => write!(f, "{file}"),
            line => write!(f, "{file}:{line}:{}", self.column),
        }
    }
}

/// A fault in the config. Holds no secret value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub place: Place,
    /// What is wrong; one line.
    pub message: String,
    /// What would be right; one line.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without help.
    pub fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), help: None }
    }

    /// The same problem with what would be right.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same problem with what it is about: " (route `users`)".
    pub(super) fn about(self, about: &str) -> Self {
        Self { message: self.message + about, ..self }
    }

    /// The same problem with a suggestion, if there is one.
    pub(super) fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        match suggestion {
            Some(name) => self.help(format!("did you mean {}?", quote(name))),
            None => self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// At least one problem, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    list: Vec<Problem>,
    files: Vec<PathBuf>,
}

impl Problems {
    /// `Ok` when there are none. `files` are what was read on the way.
    pub fn check(mut list: Vec<Problem>, files: &[PathBuf]) -> Result<(), Self> {
        if list.is_empty() {
            return Ok(());
        }
        list.sort();
        list.dedup();
        Err(Self { list, files: files.to_vec() })
    }

    /// In the order of their places.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// Every file that was read before giving up: an edit of one of them may mend it.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            writeln!(f, "{problem}")?;
        }
        match self.list.len() {
            1 => write!(f, "1 problem"),
            many => write!(f, "{many} problems"),
        }
    }
}

/// A piece of a file as it stands in a message: in backticks, on one line, not endless.
pub(super) fn quote(text: &str) -> String {
    const MOST: usize = 80;
    let mut quoted = String::from("`");
    for (at, char) in text.chars().enumerate() {
        if at == MOST {
            quoted.push('…');
            break;
        }
        match char {
            // Quotes need no escape in backticks.
            '"' | '\'' | '\\' => quoted.push(char),
            other => quoted.extend(other.escape_debug()),
        }
    }
    quoted.push('`');
    quoted
}

/// Words as they stand in a message: "`a`, `b`, `c`".
pub(super) fn quote_all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

/// The candidate that a misspelt word was probably meant to be.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing takes the product of both lengths.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let most = (word.chars().count() / 3).max(1);
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * most && candidate.len() <= LONGEST)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
