//! What is logged, and how, as the live configuration says.

use std::io;

use crate::config::{Log, LogFormat, LogLevel};
use crate::telemetry::Drops;
use crate::telemetry::Format;
use crate::telemetry::access_log::AccessLog;
use crate::telemetry::logging::{self, Controls, Guard};
use crate::telemetry::metrics::Registry;

/// Both streams of lines. Dropping it writes out what is left of the access log.
pub struct Logs {
    log: Controls,
    log_drops: Drops,
    pub(super) access: AccessLog,
}

impl Logs {
    /// The guard outlives all that is logged. Once per process.
    ///
    /// Fails when a thread that writes cannot be started.
    pub fn start(wanted: Log) -> io::Result<(Self, Guard)> {
        let guard = logging::init(format(wanted.format), level(wanted.level))?;
        let access = AccessLog::to_stdout(format(wanted.format), wanted.access)?;
        Ok((Self { log: guard.controls(), log_drops: guard.drops(), access }, guard))
    }

    /// Takes effect with the next line.
    pub(super) fn set(&self, wanted: Log) {
        self.log.set(format(wanted.format), level(wanted.level));
        self.access.set(format(wanted.format), wanted.access);
    }

    pub(super) fn show_drops(&self, registry: &Registry) {
        registry.count_drops("log", self.log_drops.clone());
        registry.count_drops("access", self.access.drops());
    }
}

fn format(format: LogFormat) -> Format {
    match format {
        LogFormat::Auto => Format::Auto,
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    }
}

fn level(level: LogLevel) -> tracing::Level {
    match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
        LogLevel::Trace => tracing::Level::TRACE,
    }
}
