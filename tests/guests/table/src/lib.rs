//! A plugin whose `configure` builds a table of many entries, as a list of keys, addresses or rules is; for
//! measuring, and for tests of what is kept of `configure`.
//!
//! The request's header `x-key` is looked up, and what is found goes on as `x-value`. With `x-ask: seed`, `x-seed` and
//! `x-seed-of-table` tell the seeds of a hash map that is made for the request and of the one made in `configure`.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use tollgate_plugin_sdk::prelude::*;

struct Table {
    entries: HashMap<String, String>,
}

#[derive(serde::Deserialize)]
struct Config {
    #[serde(default)]
    entries: HashMap<String, String>,
    /// Reads a clock in `configure`.
    #[serde(default)]
    clock: bool,
    /// Prints in `configure`.
    #[serde(default)]
    print: bool,
}

#[plugin]
impl Plugin for Table {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, ConfigError> {
        if config.clock {
            std::hint::black_box(std::time::Instant::now());
        }
        if config.print {
            println!("configured");
        }
        Ok(Self { entries: config.entries })
    }

    fn on_request(&self, request: &mut Request) -> Action {
        if let Some(value) = request.header_str("x-key").and_then(|key| self.entries.get(&key)) {
            request.set_header("x-value", value.as_str());
        }
        if request.header_str("x-ask").as_deref() == Some("seed") {
            println!("a line from a hook");
            request.set_header("x-seed", RandomState::new().hash_one("the same"));
            request.set_header("x-seed-of-table", self.entries.hasher().hash_one("the same"));
        }
        Action::Next
    }
}
