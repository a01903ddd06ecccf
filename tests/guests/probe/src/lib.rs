//! What benchmarks call: a request hook that reads as many headers as it is told, so that the host's share of a call is
//! seen.
use std::collections::HashMap;

use tollgate_plugin_sdk::prelude::*;

struct Probe {
    /// Header reads of one call.
    reads: usize,
    entries: HashMap<String, String>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    reads: usize,
    /// What `configure` has to parse, and an instance to hold.
    #[serde(default)]
    entries: HashMap<String, String>,
}

/// What a browser sends.
const NAMES: [&str; 5] = ["accept", "accept-encoding", "accept-language", "user-agent", "x-api-key"];

#[plugin]
impl Plugin for Probe {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        Ok(Self { reads: config.reads, entries: config.entries })
    }

    fn on_request(&self, request: &mut Request) -> Action {
        for name in NAMES.iter().cycle().take(self.reads) {
            // An answer that nobody expects, so that no read is left out.
            if request.header_str(name).is_some_and(|value| self.entries.contains_key(&value)) {
                return Reply::forbidden().into();
            }
        }
        Action::Next
    }
}
