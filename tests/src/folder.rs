//! A folder of a test's own, and the commands of the binary that run in it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::process::Process;

/// A temporary folder. Dropped, it is gone.
pub struct Folder {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    /// None when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("the system's temporary folder can be written") }
    }

    /// A folder with a `gateway.toml`.
    pub fn with_config(text: &str) -> Self {
        let this = Self::new();
        this.write("gateway.toml", text);
        this
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a file into the folder; missing folders of its path are made. A file that is there is replaced in one step,
    /// as editors and deployments do.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        let parent = path.parent().expect("it lies in our folder");
        fs::create_dir_all(parent).expect("the folder is ours");
        let new = parent.join(".new");
        fs::write(&new, contents).expect("the folder is ours");
        fs::rename(&new, &path).expect("both names are ours");
        path
    }

    /// Runs the binary in this folder to its end.
    pub fn tollgate(&self, binary: &str, arguments: &[&str]) -> Ran {
        self.tollgate_with(binary, arguments, &[])
    }

    /// The same with environment variables.
    pub fn tollgate_with(&self, binary: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let mut process = Process::start(Path::new(binary), self.path(), arguments, &variables, None);
        let status = process.wait_exit();
        Ran { code: status.code(), stdout: process.stdout.text(), stderr: process.stderr.text() }
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}
