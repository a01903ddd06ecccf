//! Where compiled components are kept between runs.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder of the compile cache: `TOLLGATE_CACHE_DIR`, or `tollgate` in the user's cache folder.
///
/// What is in it is run as machine code, so it has to be this user's and nobody else's. None, with a
/// warning, when it is not, or when there is no such folder: components then compile at each start.
pub fn folder() -> Option<PathBuf> {
    let folder = wanted()?;
    match private(&folder) {
        Ok(()) => Some(folder),
        Err(reason) => {
            tracing::warn!("no compile cache: {} {reason}; components compile at each start", folder.display());
            None
        }
    }
}

fn wanted() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = variable("TOLLGATE_CACHE_DIR")
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("tollgate")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/tollgate")))?;
    std::path::absolute(folder).ok()
}

fn private(folder: &Path) -> Result<(), String> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| format!("cannot be made: {error}"))?;
    let facts = fs::symlink_metadata(folder).map_err(|error| format!("cannot be looked at: {error}"))?;
    if !facts.is_dir() {
        return Err("is not a folder".into());
    }
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err("belongs to another user".into());
    }
    if facts.permissions().mode() & 0o077 != 0 {
        return Err("is open to other users (it needs mode 0700)".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_can_write_is_no_cache() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path().join("cache");
        assert_eq!(private(&folder), Ok(()));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o770)).expect("it is ours");
        assert!(private(&folder).expect_err("open to the group").contains("0700"));
    }
}
