//! What the gateway says about itself: logs, the access log, metrics.
//!
//! | stream | carries | as |
//! | --- | --- | --- |
//! | stderr | the gateway's and the plugins' log lines ([`logging`]) | text on a terminal, else JSON |
//! | stdout | one line per request ([`access_log`]) | text on a terminal, else JSON |
//! | `/metrics` | counters and histograms ([`metrics`]) | Prometheus text |
//!
//! Two streams, as nginx's and Kong's containers have them: a platform that collects both loses nothing, `tollgate |
//! jq` sees requests only, and a stuck reader of one does not silence the other. Both carry UTC times.
//!
//! A worker never waits for a reader: lines go into bounded buffers that one thread per stream empties, and a line
//! that finds its buffer full is dropped and counted ([`Drops`]).
//!
//! This module must not know what a request, a route or a plugin is beyond names and numbers.

#![cfg(feature = "gateway")]

pub mod access_log;
#[cfg(test)]
mod captured;
mod escape;
pub mod logging;
pub mod metrics;
mod spool;
mod timestamp;

pub(crate) use escape::json_string;
pub use spool::Drops;

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// How lines are written to a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text when the stream is a terminal, JSON otherwise.
    #[default]
    Auto,
    Text,
    Json,
}

impl Format {
    /// The form for one stream. Colours need a terminal and no `NO_COLOR` (<https://no-color.org>).
    fn style(self, stream: &impl IsTerminal) -> Style {
        let terminal = stream.is_terminal();
        match self {
            Self::Auto if !terminal => Style::Json,
            Self::Json => Style::Json,
            Self::Auto | Self::Text => Style::Text { colour: terminal && !no_color() },
        }
    }
}

fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Text { colour: bool },
    Json,
}

/// A style that may become another one while lines are written.
#[derive(Debug)]
struct CurrentStyle(AtomicU8);

impl CurrentStyle {
    fn new(style: Style) -> Self {
        let this = Self(AtomicU8::new(0));
        this.set(style);
        this
    }

    fn set(&self, style: Style) {
        let number = match style {
            Style::Json => 0,
            Style::Text { colour: false } => 1,
            Style::Text { colour: true } => 2,
        };
        self.0.store(number, Relaxed);
    }

    fn get(&self) -> Style {
        match self.0.load(Relaxed) {
            0 => Style::Json,
            number => Style::Text { colour: number == 2 },
        }
    }
}
