//! `tollgate check`: loads everything as a start would, and serves nothing.

use std::sync::Arc;

use crate::config::{Config, Problem};
use crate::gateway::loader::{self, Loader};
use crate::gateway::{self, GatewayError, cache, count};
use crate::telemetry::metrics::Registry;

/// What was found in a configuration without problems.
pub(super) struct Checked {
    /// What it amounts to.
    pub(super) summary: String,
    /// What is not wrong, but dear; with help if there is some.
    pub(super) warnings: Vec<String>,
}

/// Compiles every component and runs every `configure`.
pub(super) fn check(config: &Config) -> Result<Checked, GatewayError> {
    let workers = gateway::workers(config);
    let engine = gateway::engine(config, cache::folder())?;
    let state = Arc::new(loader::state(&config.gateway));
    let registry = Arc::new(Registry::new(workers));
    let mut loader = Loader::new(engine, state, registry, workers);
    loader.load(config)?;
    let warnings = loader.warnings().iter();
    let warnings = warnings.map(told).collect();
    let summary = format!(
        "no problems in {}, {}, {}, {} and {}",
        count(config.listeners.len(), "listener"),
        count(config.routes.len(), "route"),
        count(config.upstreams.len(), "upstream"),
        count(config.plugins.len(), "plugin"),
        count(config.consumers.len(), "consumer"),
    );
    Ok(Checked { summary, warnings })
}

/// As a problem is shown, and as none.
fn told(warning: &Problem) -> String {
    let help = warning.help.as_ref().map_or(String::new(), |help| format!("\n  help: {help}"));
    format!("{}: warning: {}{help}", warning.place, warning.message)
}
