//! How a gateway is set up, where a section wants something else than one worker with a scenario's own policies.

use std::path::PathBuf;

use crate::scenario::Scenario;

/// Who is started, and how.
#[derive(Debug, Clone)]
pub struct Setup {
    pub scenario: Scenario,
    /// Worker threads, or processes in nginx. Caddy, Traefik and PlectoProxy always have one.
    pub workers: usize,
    /// Left to the scheduler on all cores, instead of pinned to the first.
    pub unpinned: bool,
    /// Client connections that it has to hold.
    pub connections: usize,
    /// Tollgate: whether the admin listener is on.
    pub admin: bool,
    /// Tollgate: another chain than the scenario's.
    pub chain: Option<Chain>,
    /// nginx: `proxy_buffering`.
    pub buffering: bool,
    /// nginx + Lua: that responses are upper-cased, instead of the scenario's policies.
    pub shouts: bool,
    /// Where `strace` writes the futex calls of all threads; without it they are not traced.
    pub futexes: Option<PathBuf>,
}

/// Plugins of Tollgate's one route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// In their order.
    pub names: Vec<String>,
    /// `[[plugin]]` of those that need one.
    pub plugins: String,
}

impl From<Scenario> for Setup {
    fn from(scenario: Scenario) -> Self {
        Self {
            scenario,
            workers: 1,
            unpinned: false,
            connections: 4096,
            admin: false,
            chain: None,
            // What nginx does if nothing is said.
            buffering: true,
            shouts: false,
            futexes: None,
        }
    }
}

impl Chain {
    /// The guest `shout`, which upper-cases bodies.
    pub fn of_shout() -> Self {
        let source = concat!(env!("TOLLGATE_GUESTS"), "/shout.wasm");
        let plugins = format!("[[plugin]]\nname = \"shout\"\nsource = \"{source}\"\n");
        Self { names: vec!["shout".to_owned()], plugins }
    }

    /// `count` times the guest `probe`, which reads nothing and holds a table of `entries`; `more` are further keys of
    /// each.
    pub fn of_probes(count: usize, entries: usize, more: &str) -> Self {
        let table: Vec<String> =
            (0..entries).map(|number| format!("\"key-of-entry-{number:04}\" = \"value {number}\"")).collect();
        let config = format!("reads = 0, entries = {{ {} }}", table.join(", "));
        let source = concat!(env!("TOLLGATE_GUESTS"), "/probe.wasm");
        let names: Vec<String> = (0..count).map(|number| format!("probe-{number}")).collect();
        let plugin =
            |name| format!("[[plugin]]\nname = \"{name}\"\nsource = \"{source}\"\nconfig = {{ {config} }}\n{more}\n");
        let plugins = names.iter().map(plugin).collect();
        Self { names, plugins }
    }
}
