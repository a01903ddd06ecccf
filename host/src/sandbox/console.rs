//! What a guest writes, as lines of the gateway's log: calls of `log`, and prints.

use tracing::Level;

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

impl Console {
    pub(super) fn begin_call(&mut self) {
        self.lines = 0;
    }

    /// One line by `log`.
    pub(super) fn line(&mut self, plugin: &str, level: Level, line: &str) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > MOST_LINES {
            return;
        }
        let line = cut(line);
        match level {
            Level::TRACE => tracing::trace!(target: "plugin", plugin, "{line}"),
            Level::DEBUG => tracing::debug!(target: "plugin", plugin, "{line}"),
            Level::INFO => tracing::info!(target: "plugin", plugin, "{line}"),
            Level::WARN => tracing::warn!(target: "plugin", plugin, "{line}"),
            Level::ERROR => tracing::error!(target: "plugin", plugin, "{line}"),
        }
    }

    /// Bytes written to stdout or stderr. A line ends at its newline, or when it gets too long.
    pub(super) fn print(&mut self, plugin: &str, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let room = MOST_LINE_BYTES.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.flush(plugin);
            }
        }
    }

    /// Writes out what has no newline, and says how many lines were dropped.
    pub(super) fn end_call(&mut self, plugin: &str) {
        if !self.partial.is_empty() {
            self.flush(plugin);
        }
        if self.lines > MOST_LINES {
            let dropped = self.lines - MOST_LINES;
            tracing::warn!(target: "plugin", plugin, "{dropped} lines of one call were dropped");
        }
    }

    fn flush(&mut self, plugin: &str) {
        let line = std::mem::take(&mut self.partial);
        self.line(plugin, Level::INFO, String::from_utf8_lossy(&line).trim_end());
    }
}

fn cut(line: &str) -> &str {
    let mut end = line.len().min(MOST_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}
