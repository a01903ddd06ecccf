//! A plugin that misbehaves as it is told: by `do` in its configuration, or else by the request's
//! header `x-do`; in the hook that `at` names, or else in `on-request`.

mod deeds;
mod handles;

use std::sync::atomic::{AtomicU64, Ordering};

use tollgate_plugin_sdk::prelude::*;

struct Hostile {
    config: Config,
}

#[derive(serde::Deserialize)]
struct Config {
    /// The same deed for every request; without it each request says its own.
    #[serde(default, rename = "do")]
    deed: Option<String>,
    #[serde(default)]
    at: At,
}

#[derive(serde::Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum At {
    Configure,
    #[default]
    Request,
    Response,
    Log,
}

/// What an instance has seen of other requests, which a fresh one has not.
static CALLS: AtomicU64 = AtomicU64::new(0);

#[plugin]
impl Plugin for Hostile {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        if let (At::Configure, Some(deed)) = (config.at, &config.deed) {
            deeds::perform(deed).map_err(ConfigError::new)?;
        }
        Ok(Self { config })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action, String> {
        request.set_header("x-calls", CALLS.fetch_add(1, Ordering::Relaxed) + 1);
        match self.deed(At::Request, request) {
            Some(deed) => deeds::to_request(&deed, request),
            None => Ok(Action::Next),
        }
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result<Action, String> {
        match self.deed(At::Response, request) {
            Some(deed) => deeds::to_response(&deed, response),
            None => Ok(Action::Next),
        }
    }

    fn on_log(&self, entry: &LogEntry) -> Result<(), String> {
        match self.deed(At::Log, entry.request()) {
            Some(deed) => deeds::perform(&deed).map(drop),
            None => Ok(()),
        }
    }
}

impl Hostile {
    fn deed(&self, here: At, request: &Request) -> Option<String> {
        if self.config.at != here {
            return None;
        }
        self.config.deed.clone().or_else(|| request.header_str("x-do"))
    }
}
