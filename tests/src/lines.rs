//! The lines that a child process writes to one of its streams, kept as they come.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::PATIENCE;

/// What was written so far.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// Reads a stream to its end, on a thread of its own.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let this = Self::default();
        let written = this.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                written.change(|written| written.lines.push(line));
            }
            written.change(|written| written.ended = true);
        });
        this
    }

    pub(crate) fn text(&self) -> String {
        self.locked().lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The lines that are JSON; others were written for people.
    pub(crate) fn json(&self) -> Vec<Value> {
        json(&self.locked().lines)
    }

    /// Waits for a JSON line. None when the stream ended, or [`PATIENCE`], without it.
    pub(crate) fn wait_for(&self, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        self.wait(|lines| json(lines).into_iter().find(&wanted))
    }

    /// Waits for a line in which `look` finds something, JSON or not.
    pub(crate) fn wait_for_text<T>(&self, look: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.wait(|lines| lines.iter().find_map(|line| look(line)))
    }

    /// Waits for the end of the stream.
    pub(crate) fn wait_for_end(&self) {
        let never: Option<()> = self.wait(|_| None);
        debug_assert!(never.is_none());
    }

    fn wait<T>(&self, look: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + PATIENCE;
        let mut written = self.locked();
        loop {
            let found = look(&written.lines);
            let left = deadline.saturating_duration_since(Instant::now());
            if found.is_some() || written.ended || left.is_zero() {
                return found;
            }
            written = self.0.1.wait_timeout(written, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        change(&mut self.locked());
        self.0.1.notify_all();
    }

    fn locked(&self) -> MutexGuard<'_, Written> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn json(lines: &[String]) -> Vec<Value> {
    lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
