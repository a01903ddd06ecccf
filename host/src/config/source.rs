//! The files: reads a config and what it includes into one document.

use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Surroundings;
use super::file;
use super::form::{Document, Part};
use super::interpolate::Interpolation;
use super::node::{self, Text};
use super::problem::{Place, Problem, quote};
use super::read::{Form, Reading};

/// Bytes of one file.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;
/// Bytes of all files.
const LARGEST_CONFIG: usize = 64 * 1024 * 1024;
/// Included files.
const MOST_INCLUDES: usize = 1_000;

/// What was read.
pub(super) struct Sources {
    pub(super) document: Document,
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
    /// Whether every file could be read.
    pub(super) complete: bool,
}

/// Reads a config and what it includes.
pub(super) fn read(path: &Path, surroundings: &Surroundings, problems: &mut Vec<Problem>) -> Sources {
    let mut reader =
        Reader { surroundings, problems, files: Vec::new(), folders: Vec::new(), bytes: 0, complete: true };
    let mut document: Document = reader.form(path, None).unwrap_or_else(|| Document::empty(&Place::whole(path)));
    let includes = std::mem::take(&mut document.include);
    for (path, place) in reader.included(path, &includes) {
        if let Some(part) = reader.form::<Part>(&path, Some(&place)) {
            document.extend(part);
        }
    }
    let Reader { mut files, folders, complete, .. } = reader;
    let mut seen = HashSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Sources { document, files, folders, complete }
}

/// A document that is in no file, and includes none.
#[cfg(feature = "fuzz")]
pub(super) fn of_text(text: &str, surroundings: &Surroundings, problems: &mut Vec<Problem>) -> Document {
    let (file, mut files) = (Arc::<Path>::from(Path::new("gateway.toml")), Vec::new());
    let folder = Path::new("/nowhere");
    let node = node::parse(&file, text, &mut Interpolation { surroundings, folder, files: &mut files, problems });
    let document = node.and_then(|node| Document::read(&node, &mut Reading::new(problems)));
    document.unwrap_or_else(|| Document::empty(&Place::whole(&file)))
}

struct Reader<'a> {
    surroundings: &'a Surroundings,
    problems: &'a mut Vec<Problem>,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    /// Of all files so far.
    bytes: usize,
    complete: bool,
}

impl Reader<'_> {
    /// One file in its form. `named` is where another file includes it.
    fn form<T: Form>(&mut self, path: &Path, named: Option<&Place>) -> Option<T> {
        let form = self.try_form(path, named);
        self.complete &= form.is_some();
        form
    }

    fn try_form<T: Form>(&mut self, path: &Path, named: Option<&Place>) -> Option<T> {
        self.files.push(path.to_owned());
        let file: Arc<Path> = path.into();
        let text = text(path).and_then(|text| {
            self.bytes += text.len();
            if self.bytes > LARGEST_CONFIG { Err("makes the config larger than 64 MiB".to_owned()) } else { Ok(text) }
        });
        let text = match text {
            Ok(text) => text,
            Err(why) => {
                self.problems.push(match named {
                    Some(place) => Problem::new(place, format!("{} {why}", quote(&path.display().to_string()))),
                    None if path.exists() => Problem::new(&Place::whole(path), why),
                    None => Problem::new(&Place::whole(path), why)
                        .help("name the configuration with `--config FILE` or `TOLLGATE_CONFIG`"),
                });
                return None;
            }
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let Self { surroundings, files, problems, .. } = self;
        let node = node::parse(&file, &text, &mut Interpolation { surroundings, folder, files, problems })?;
        T::read(&node, &mut Reading::new(problems))
    }

    /// The files that a config includes, each once, with where it says so.
    fn included(&mut self, config: &Path, includes: &[Text]) -> Vec<(PathBuf, Place)> {
        let folder = config.parent().unwrap_or(Path::new(""));
        let mut found = Vec::new();
        for include in includes {
            match self.matches(&plain(&folder.join(&include.value)), include) {
                Ok(paths) => found.extend(paths.into_iter().map(|path| (path, include.place.clone()))),
                Err(problem) => {
                    self.problems.push(problem);
                    self.complete = false;
                }
            }
        }
        let identity = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut seen = HashSet::from([identity(config)]);
        found.retain(|(path, _)| seen.insert(identity(path)));
        if let Some((_, place)) = found.get(MOST_INCLUDES) {
            let message = format!("more than {MOST_INCLUDES} files are included");
            self.problems.push(Problem::new(place, message));
            found.truncate(MOST_INCLUDES);
        }
        found
    }

    /// The files that one pattern names, sorted.
    fn matches(&mut self, pattern: &Path, include: &Text) -> Result<Vec<PathBuf>, Problem> {
        let shown = quote(include.written());
        let folder = pattern.parent().unwrap_or(Path::new(""));
        if folder.to_string_lossy().contains('*') {
            let problem = Problem::new(&include.place, format!("{shown} has a `*` before its last `/`"));
            return Err(problem.help("`*` stands for a part of a file's name: `routes/*.toml`"));
        }
        let Some(name) = pattern.file_name().map(|name| name.to_string_lossy().into_owned()) else {
            return Err(Problem::new(&include.place, format!("{shown} names no file")));
        };
        if !name.contains('*') {
            return Ok(vec![pattern.to_owned()]);
        }
        let unreadable = |error: std::io::Error| {
            let folder = quote(&folder.display().to_string());
            Problem::new(&include.place, format!("cannot look into {folder}: {error}"))
        };
        let place = if folder == Path::new("") { Path::new(".") } else { folder };
        self.folders.push(place.to_owned());
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(place).map_err(unreadable)? {
            let found = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
            // Hidden files are editors' and package managers' leftovers.
            if !found.starts_with('.') && glob(&name, &found) && !folder.join(&found).is_dir() {
                paths.push(folder.join(found));
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// What a file holds, or why not.
fn text(path: &Path) -> Result<String, String> {
    let bytes = file::read(path, LARGEST_FILE).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| format!("is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()))
}

/// A path without `.` in it, as a person would write it.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

/// Whether a name fits a pattern in which `*` stands for anything.
fn glob(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}
