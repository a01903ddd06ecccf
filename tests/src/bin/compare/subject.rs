//! The Tollgate that is measured: which file, built how.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The binary that every section starts.
#[derive(Debug)]
pub struct Subject {
    pub file: PathBuf,
    /// For the report.
    pub about: String,
    pub is_debug: bool,
}

impl Subject {
    /// The given one, or this program, which is the gateway too.
    pub fn new(given: Option<&Path>) -> Result<Self> {
        let file = match given {
            Some(file) => file.canonicalize().with_context(|| format!("{} cannot be measured", file.display()))?,
            None => std::env::current_exe()?,
        };
        let facts = file.metadata()?;
        ensure!(facts.is_file(), "{} is no file", file.display());
        // Cargo builds into a folder that is named for the profile.
        let profile = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let size = facts.len() as f64 / 1e6;
        let about = match given {
            Some(file) => format!("{} (folder `{profile}`, {size:.1} MB)", file.display()),
            None => format!("this build (profile `{profile}`, {size:.1} MB with the comparison)"),
        };
        Ok(Self { file, about, is_debug: given.is_none() && cfg!(debug_assertions) })
    }
}
