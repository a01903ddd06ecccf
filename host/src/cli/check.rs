//! `tollgate check`: loads everything as a start would, and serves nothing.

use std::sync::Arc;

use crate::config::Config;
use crate::gateway::loader::{self, Loader};
use crate::gateway::{self, GatewayError, cache, count};
use crate::telemetry::metrics::Registry;

/// Compiles every component and runs every `configure`. Answers what the configuration amounts to.
pub(super) fn check(config: &Config) -> Result<String, GatewayError> {
    let workers = gateway::workers(config);
    let engine = gateway::engine(config, cache::folder())?;
    let state = Arc::new(loader::state(&config.gateway));
    let registry = Arc::new(Registry::new(workers));
    Loader::new(engine, state, registry, workers).load(config)?;
    Ok(format!(
        "no problems in {}, {}, {}, {} and {}",
        count(config.listeners.len(), "listener"),
        count(config.routes.len(), "route"),
        count(config.upstreams.len(), "upstream"),
        count(config.plugins.len(), "plugin"),
        count(config.consumers.len(), "consumer"),
    ))
}
