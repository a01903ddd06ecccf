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
    seen: HashMap<PathBuf, Option<Looks>>,
}

/// What a file looks like from outside; another content nearly always changes one of them.
type Looks = (u64, u64, i64, i64, u64);

impl Watch {
    pub(super) fn new(files: &[PathBuf]) -> Self {
        // One waiting event says as much as many.
        let (sender, events) = mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |_| {
            // A full channel already says what this event would.
            let _ = sender.try_send(());
        });
        let watcher = watcher.inspect_err(|error| tracing::warn!("files are looked at every {POLL:?}: {error}")).ok();
        let mut this = Self { watcher, events, folders: HashSet::new(), seen: HashMap::new() };
        this.follow(files);
        this
    }

    /// From now on these files count, as they look now or looked when they were followed first.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        let mut seen = HashMap::new();
        for file in files {
            let looks = self.seen.remove(file).unwrap_or_else(|| looks(file));
            seen.insert(file.clone(), looks);
        }
        self.seen = seen;
        let folders: HashSet<PathBuf> = files.iter().map(|file| folder_of(file)).collect();
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
            if let Ok(Some(())) = timeout(POLL, self.events.recv()).await {
                self.settle().await;
            } else if self.watcher.is_none() {
                sleep(POLL).await;
            }
            if self.look() {
                return;
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

fn looks(file: &Path) -> Option<Looks> {
    let facts = std::fs::metadata(file).ok()?;
    Some((facts.dev(), facts.ino(), facts.mtime(), facts.mtime_nsec(), facts.size()))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
