//! Log lines on stderr: what the gateway and its plugins have to say, through `tracing`'s events.
//!
//! Text on a terminal, else one JSON object per line with the keys of the access log (`time`, `type` = `log`), so that
//! both streams can be read together. Events only: spans cost every request, and the request id is a field.
//! Libraries are heard from `WARN` up, or from `DEBUG` when the level is `TRACE`: what hyper or wasmtime do on a good
//! day is not the operator's business. What plugins say has the target `plugin`.

mod findings;
mod layer;

use std::io;
use std::panic;
use std::sync::Arc;
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::{Registry, reload};

pub use self::findings::{Finding, Findings};
use self::layer::LogLayer;
use super::spool::{Drops, Spool};
use super::{CurrentStyle, Format};

/// Keeps the log running. Dropping it writes out what is left, for at most a second.
pub struct Guard {
    spool: Spool,
    controls: Controls,
}

impl Guard {
    /// For [`Registry::count_drops`](super::metrics::Registry::count_drops).
    pub fn drops(&self) -> Drops {
        self.spool.drops()
    }

    /// For who changes it later.
    pub fn controls(&self) -> Controls {
        self.controls.clone()
    }
}

/// Changes what is logged, and how, while the process runs.
#[derive(Clone)]
pub struct Controls {
    style: Arc<CurrentStyle>,
    filter: reload::Handle<Targets, Registry>,
}

impl Controls {
    /// From the next event on.
    pub fn set(&self, format: Format, level: Level) {
        self.style.set(format.style(&io::stderr()));
        // It fails where the subscriber is gone: nobody logs any more.
        let _ = self.filter.reload(filter(level));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(panic::take_hook()); // nobody writes the log any more: later panics go to stderr directly
        }
    }
}

/// Sends the events of `tracing` and the texts of panics to stderr. Once per process: a later call changes nothing.
///
/// Fails when the thread that writes cannot be started.
pub fn init(format: Format, level: Level) -> io::Result<Guard> {
    let stderr = io::stderr();
    let style = Arc::new(CurrentStyle::new(format.style(&stderr)));
    // No linger: the lines before a crash are the ones that matter.
    let spool = Spool::start("log", Duration::ZERO, stderr)?;
    let (filter, handle) = reload::Layer::new(filter(level));
    let controls = Controls { style: Arc::clone(&style), filter: handle };
    let layer = LogLayer::new(spool.lane(), style).with_filter(filter);
    let subscriber = tracing_subscriber::registry().with(layer);
    // Not unit-tested: subscriber and panic hook are the process's, and tests share theirs.
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        log_panics();
    }
    Ok(Guard { spool, controls })
}

fn filter(level: Level) -> Targets {
    let libraries = if level == Level::TRACE { Level::DEBUG } else { level.min(Level::WARN) };
    let level = LevelFilter::from_level(level);
    Targets::new().with_default(libraries).with_target("tollgate", level).with_target("plugin", level)
}

/// The default hook writes to stderr under its lock, which the log's thread holds while a reader is stuck: a worker
/// that panics then would hang.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("a panic without text");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "tollgate::panic", place, "panicked: {text}");
    }));
}

#[cfg(test)]
mod tests;
