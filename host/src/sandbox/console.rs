//! What a guest writes, as lines of the gateway's log: calls of `log`, and prints.

use tracing::Level;

use super::fault;

/// Bytes of a line that are kept.
const MOST_LINE_BYTES: usize = 4 * 1024;
/// Lines of one call that are kept.
const MOST_LINES: u32 = 64;

/// The writing side of one instance.
#[derive(Debug, Default)]
pub(super) struct Console {
    /// A printed line that has no end yet.
    partial: Vec<u8>,
    /// Lines of this call, the dropped ones included.
    lines: u32,
}

/// Who writes, and for which exchange: the fields of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speaker<'a> {
    pub(super) plugin: &'a str,
    pub(super) hook: &'static str,
    pub(super) route: Option<&'a str>,
    pub(super) id: Option<&'a str>,
}

impl Speaker<'_> {
    /// Where in its code a call failed, for the plugin's author.
    pub(super) fn backtrace(self, error: &wasmtime::Error) {
        if tracing::enabled!(target: "plugin", Level::DEBUG)
            && let Some(backtrace) = fault::backtrace(error)
        {
            let Speaker { plugin, hook, route, id } = self;
            tracing::debug!(target: "plugin", plugin, hook, route, id, "{backtrace}");
        }
    }
}

impl Console {
    pub(super) fn begin_call(&mut self) {
        self.lines = 0;
    }

    /// One line by `log`.
    pub(super) fn line(&mut self, speaker: Speaker<'_>, level: Level, line: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > MOST_LINES {
            return;
        }
        let line = cut(line);
        let Speaker { plugin, hook, route, id } = speaker;
        match level {
            Level::TRACE => tracing::trace!(target: "plugin", plugin, hook, route, id, "{line}"),
            Level::DEBUG => tracing::debug!(target: "plugin", plugin, hook, route, id, "{line}"),
            Level::INFO => tracing::info!(target: "plugin", plugin, hook, route, id, "{line}"),
            Level::WARN => tracing::warn!(target: "plugin", plugin, hook, route, id, "{line}"),
            Level::ERROR => tracing::error!(target: "plugin", plugin, hook, route, id, "{line}"),
        }
    }

    /// Bytes written to stdout or stderr. A line ends at its newline, or when it gets too long.
    pub(super) fn print(&mut self, speaker: Speaker<'_>, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = MOST_LINE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.flush(speaker);
            }
        }
    }

    /// Writes out what has no newline, and says how many lines were dropped.
    pub(super) fn end_call(&mut self, speaker: Speaker<'_>) {
        if !self.partial.is_empty() {
            self.flush(speaker);
        }
        if self.lines > MOST_LINES {
            let dropped = self.lines - MOST_LINES;
            let Speaker { plugin, hook, route, id } = speaker;
            tracing::warn!(target: "plugin", plugin, hook, route, id, "{dropped} lines of one call were dropped");
        }
    }

    fn flush(&mut self, speaker: Speaker<'_>) {
        let line = std::mem::take(&mut self.partial);
        self.line(speaker, Level::INFO, String::from_utf8_lossy(&line).trim_end());
    }
}

pub(super) fn cut(line: &str) -> &str {
    let mut end = line.len().min(MOST_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}
