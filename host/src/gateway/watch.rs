//! Tells when a file of the configuration may have changed.
//!
//! Editors and deployments replace files by renaming, and mounted configurations swap a link above
//! them: so folders are watched, and what counts is whether a file looks different afterwards.

use std::collections::{HashMap, HashSet};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// How long after an event to look: a save is several events.
const SETTLE: Duration = Duration::from_millis(50);
/// How often to look without events: for file systems that have none, and when the system has no
/// watch left to give.
const POLL: Duration = Duration::from_millis(500);

/// Watches files for change.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    events: mpsc::Receiver<()>,
    folders: HashSet<PathBuf>,
    seen: Seen,
}

/// Files, and what they looked like.
pub(super) type Seen = HashMap<PathBuf, Option<Looks>>;

/// What a file looks like from outside; another content nearly always changes one of them.
pub(super) type Looks = (u64, u64, i64, i64, u64);

/// What files look like now. Ask before they are read: what is changed while a configuration is made of them counts.
pub(super) fn seen(files: &[PathBuf]) -> Seen {
    files.iter().map(|file| (file.clone(), looks(file))).collect()
}

impl Watch {
    pub(super) fn new(files: &Seen) -> Self {
        // One waiting event says as much as many.
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |_| {
            // A full channel already says what this event would.
            let _ = sender.try_send(());
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!("files are looked at every {POLL:?}: {error}")).ok();
        let mut this = Self { watcher, events, folders: HashSet::new(), seen: Seen::new() };
        this.follow(files);
        this
    }

    /// From now on these files count. What differs from how one looked when it was followed first is a change.
    pub(super) fn follow(&mut self, files: &Seen) {
        let mut seen = files.clone();
        for (file, looks) in &mut seen {
            *looks = self.seen.remove(file).unwrap_or(*looks);
        }
        self.seen = seen;
        let folders: HashSet<PathBuf> = files.keys().map(|file| folder_of(file)).collect();
        if let Some(watcher) = &mut self.watcher {
            for gone in self.folders.difference(&folders) {
                let _ = watcher.unwatch(gone);
            }
            for new in folders.difference(&self.folders) {
                if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                    tracing::warn!("{} is looked at every {POLL:?}: {error}", new.display());
                }
            }
        }
        self.folders = folders;
    }

    /// Returns when one of the files looks different. Safe to drop at any time.
    pub(super) async fn changed(&mut self) {
        loop {
            if self.look() {
                return;
            }
            if let Ok(Some(())) = timeout(POLL, self.events.recv()).await {
                self.settle().await;
            } else if self.watcher.is_none() {
                sleep(POLL).await;
            }
        }
    }

    async fn settle(&mut self) {
        let latest = Instant::now() + 4 * SETTLE;
        while Instant::now() < latest && timeout(SETTLE, self.events.recv()).await.is_ok_and(|event| event.is_some()) {}
    }

    fn look(&mut self) -> bool {
        let mut changed = false;
        for (file, seen) in &mut self.seen {
            let now = looks(file);
            if now != *seen {
                *seen = now;
                changed = true;
            }
        }
        changed
    }
}

pub(super) fn looks(file: &Path) -> Option<Looks> {
    let facts = std::fs::metadata(file).ok()?;
    Some((facts.dev(), facts.ino(), facts.mtime(), facts.mtime_nsec(), facts.size()))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_before_it_was_watched_is_noticed_and_noticed_once() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let folder = tempfile::tempdir().expect("a folder");
            let (file, new) = (folder.path().join("gateway.toml"), folder.path().join("plugin.wasm"));
            std::fs::write(&file, "old").expect("it is our folder");
            let first = seen(std::slice::from_ref(&file));
            std::fs::write(&file, "newer").expect("it is our folder");
            let mut watch = Watch::new(&first);
            watch.changed().await;
            assert!(!watch.look());
            // A file that joins later, and one that appears.
            let joined = seen(&[file, new.clone()]);
            std::fs::write(&new, "appeared").expect("it is our folder");
            watch.follow(&joined);
            watch.changed().await;
            assert!(!watch.look());
        });
    }
}
