//! A compiled component: which hooks it exports, which grants its imports need.

use std::io;
use std::sync::Arc;

use thiserror::Error;
use wasmtime::component::{self, ComponentExportIndex, InstancePre, Linker};

use super::complexity;
use super::condition::Condition;
use super::engine::Engine;
use super::host::{Declarations, Host};
use super::plugin::ConfigureProblem;
use super::wasi;
use crate::config::Grant;
use crate::telemetry::metrics::Hook;

/// The package that a component's imports and exports of the contract belong to.
const PACKAGE: &str = "tollgate:plugin/";
/// The version of the contract in `wit/`.
const VERSION: &str = "0.1.0";

/// A compiled component. Cloning it is cheap.
#[derive(Clone)]
pub struct Component {
    pub(super) pre: InstancePre<Host>,
    pub(super) exports: Exports,
    /// Grants that its imports need.
    needs: Vec<Need>,
}

/// A grant that an import needs.
#[derive(Debug, Clone)]
pub struct Need {
    pub grant: Grant,
    /// The interface.
    pub import: Box<str>,
}

/// Which hooks a component exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hooks {
    pub on_request: bool,
    pub on_request_body: bool,
    pub on_request_chunk: bool,
    pub on_response: bool,
    pub on_response_body: bool,
    pub on_response_chunk: bool,
    pub on_log: bool,
}

impl Hooks {
    /// Whether anything is ever called.
    pub fn any(self) -> bool {
        self.on_request || self.on_response || self.on_log || self.bodies() || self.chunks()
    }

    /// Whether it sees whole bodies.
    pub fn bodies(self) -> bool {
        self.on_request_body || self.on_response_body
    }

    /// Whether it sees bodies piece by piece, for which an exchange keeps an instance.
    pub fn chunks(self) -> bool {
        self.on_request_chunk || self.on_response_chunk
    }
}

/// Where the hooks are, looked up once.
#[derive(Clone)]
pub(super) struct Exports {
    pub(super) configure: ComponentExportIndex,
    pub(super) on_request: Option<ComponentExportIndex>,
    pub(super) on_request_body: Option<ComponentExportIndex>,
    pub(super) on_request_chunk: Option<ComponentExportIndex>,
    pub(super) on_response: Option<ComponentExportIndex>,
    pub(super) on_response_body: Option<ComponentExportIndex>,
    pub(super) on_response_chunk: Option<ComponentExportIndex>,
    pub(super) on_log: Option<ComponentExportIndex>,
}

/// Why a plugin cannot be loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("the sandbox cannot start: {0}")]
    Engine(String),
    #[error("the thread of the deadlines cannot start: {0}")]
    Ticker(#[source] io::Error),
    #[error("the component takes {bytes} bytes, the most is {most}")]
    TooLarge { bytes: usize, most: usize },
    #[error("the component would take too long to compile: its largest function has {largest} bytes and variables")]
    TooComplex { largest: u64 },
    #[error("this is a core module, not a component: build it with `--target wasm32-wasip2`")]
    CoreModule,
    #[error("this is not a WebAssembly component")]
    NotWasm,
    #[error("the component does not compile: {0}")]
    Compile(String),
    #[error("the component was built against version {found} of tollgate:plugin, this gateway speaks {VERSION}")]
    OtherVersion { found: String },
    #[error("this is not a plugin: the component exports no `{PACKAGE}configure@{VERSION}`")]
    NotAPlugin,
    #[error("the component exports no hook of a request: one of {}", hook_names())]
    NoHook,
    #[error("the component exports `{0}`, which this gateway does not know")]
    UnknownHook(String),
    #[error("the component imports `{import}`, which this gateway does not provide; there are `tollgate:plugin` and {}", wasi::PROVIDED.join(", "))]
    UnknownImport { import: String },
    #[error("the component imports {}, which the configuration does not grant", interfaces(.0))]
    MissingGrants(Vec<Need>),
    #[error("an import or export has another type than the contract says: {0}")]
    OtherType(String),
    #[error("the component cannot be started: {0}")]
    Start(String),
    #[error("`configure` failed: {0}")]
    Configure(String),
    #[error("the plugin refuses its configuration")]
    Refused(Vec<ConfigureProblem>),
    #[error("limits.memory is {asked} bytes, [gateway] sandbox.memory allows {most}")]
    Memory { asked: u64, most: usize },
}

impl LoadError {
    pub(super) fn engine(error: wasmtime::Error) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}

impl Component {
    pub(super) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Self, LoadError> {
        Self::link(engine, bytes, |component| Ok(engine.linker(speaks_http(engine, component))))
    }

    /// Compiles a component whose imports are linked as `linker` says.
    pub(super) fn link(
        engine: &Engine,
        bytes: &[u8],
        linker: impl FnOnce(&component::Component) -> wasmtime::Result<Arc<Linker<Host>>>,
    ) -> Result<Self, LoadError> {
        match bytes.get(..8) {
            Some(b"\0asm\x01\0\0\0") => return Err(LoadError::CoreModule),
            Some(preamble) if preamble.starts_with(b"\0asm") => {}
            _ => return Err(LoadError::NotWasm),
        }
        complexity::check(bytes)?;
        let compiled = component::Component::from_binary(&engine.wasmtime, bytes)
            .map_err(|error| LoadError::Compile(format!("{error:#}")))?;
        let needs = needs(engine, &compiled)?;
        let exports = exports(engine, &compiled)?;
        let pre = linker(&compiled).and_then(|linker| linker.instantiate_pre(&compiled));
        let pre = pre.map_err(|error| LoadError::OtherType(format!("{error:#}")))?;
        Ok(Self { pre, exports, needs })
    }

    /// The hooks that it exports, but for those that a plugin declares to need no call ever.
    pub(super) fn hooks(&self, declarations: &Declarations) -> Hooks {
        let ever = |when: &Option<Vec<Condition>>| when.as_ref().is_none_or(|when| !when.is_empty());
        Hooks {
            on_request: self.exports.on_request.is_some() && ever(&declarations.request_when),
            on_request_body: self.exports.on_request_body.is_some(),
            on_request_chunk: self.exports.on_request_chunk.is_some(),
            on_response_body: self.exports.on_response_body.is_some(),
            on_response_chunk: self.exports.on_response_chunk.is_some(),
            on_response: self.exports.on_response.is_some() && ever(&declarations.response_when),
            on_log: self.exports.on_log.is_some(),
        }
    }

    /// Whether it has an import that waits: then all of its calls are made on fibers.
    pub(super) fn waits(&self) -> bool {
        self.needs.iter().any(|need| need.grant == Grant::Outbound)
    }

    /// Whether it imports `wasi:http`.
    pub(super) fn speaks_http(&self) -> bool {
        self.needs.iter().any(|need| wasi::HTTP.contains(&&*need.import))
    }

    /// Refuses grants that lack what the component needs.
    pub(super) fn check_grants(&self, granted: &[Grant]) -> Result<(), LoadError> {
        let missing: Vec<Need> = self.needs.iter().filter(|need| !granted.contains(&need.grant)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(LoadError::MissingGrants(missing)) }
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("hooks", &self.hooks(&Declarations::default()))
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}

/// The interface of the contract that a grant opens.
fn interface(grant: Grant) -> &'static str {
    match grant {
        Grant::State => "state",
        Grant::Limiter => "limiter",
        Grant::Consumers => "consumers",
        Grant::Identify => "identity",
        Grant::Outbound => "outbound",
    }
}

fn interfaces(needs: &[Need]) -> String {
    needs.iter().map(|need| format!("`{}`", need.import)).collect::<Vec<_>>().join(", ")
}

/// Interfaces of the contract that need no grant.
const FREE: [&str; 12] = [
    "http",
    "request",
    "response",
    "answer",
    "body",
    "outcome",
    "setup",
    "log",
    "subjects",
    "client-certificate",
    "metrics",
    "crypto",
];

/// The grants that the imports of a component need.
fn needs(engine: &Engine, component: &component::Component) -> Result<Vec<Need>, LoadError> {
    let mut needs = Vec::new();
    for (import, _) in component.component_type().imports(&engine.wasmtime) {
        let Some(interface) = import.strip_prefix(PACKAGE) else {
            if let Some(interface) = http_interface(import) {
                needs.push(Need { grant: Grant::Outbound, import: interface.into() });
                continue;
            }
            if !import.starts_with("wasi:http/")
                && wasi::PROVIDED.iter().any(|package| import.starts_with(&format!("{package}/")))
            {
                continue;
            }
            return Err(LoadError::UnknownImport { import: import.to_owned() });
        };
        let interface = of_our_version(interface)?;
        match Grant::ALL.into_iter().find(|&grant| self::interface(grant) == interface) {
            Some(grant) => needs.push(Need { grant, import: interface.into() }),
            None if FREE.contains(&interface) => {}
            None => return Err(LoadError::UnknownImport { import: import.to_owned() }),
        }
    }
    Ok(needs)
}

/// The interface of `wasi:http` that is imported, if a plugin may.
fn http_interface(import: &str) -> Option<&'static str> {
    let name = import.split_once('@').map_or(import, |(name, _version)| name);
    wasi::HTTP.into_iter().find(|interface| *interface == name)
}

fn speaks_http(engine: &Engine, component: &component::Component) -> bool {
    component.component_type().imports(&engine.wasmtime).any(|(import, _)| http_interface(import).is_some())
}

fn exports(engine: &Engine, component: &component::Component) -> Result<Exports, LoadError> {
    for (export, _) in component.component_type().exports(&engine.wasmtime) {
        if let Some(interface) = export.strip_prefix(PACKAGE) {
            let interface = of_our_version(interface)?;
            if interface != "configure" && !Hook::ALL.iter().any(|hook| hook.name() == interface) {
                return Err(LoadError::UnknownHook(interface.to_owned()));
            }
        }
    }
    let find = |hook: Hook| self::hook(component, hook.name());
    let configure = hook(component, "configure").ok_or(LoadError::NotAPlugin)?;
    if Hook::ALL.into_iter().all(|hook| find(hook).is_none()) {
        return Err(LoadError::NoHook);
    }
    Ok(Exports {
        configure,
        on_request: find(Hook::Request),
        on_request_body: find(Hook::RequestBody),
        on_request_chunk: find(Hook::RequestChunk),
        on_response: find(Hook::Response),
        on_response_body: find(Hook::ResponseBody),
        on_response_chunk: find(Hook::ResponseChunk),
        on_log: find(Hook::Log),
    })
}

fn hook_names() -> String {
    Hook::ALL.map(|hook| format!("`{}`", hook.name())).join(", ")
}

/// A hook is an interface of one function that has the interface's name.
fn hook(component: &component::Component, name: &str) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, format!("{PACKAGE}{name}@{VERSION}"))?;
    component.get_export_index(Some(&interface), name)
}

/// The interface's name without its version, which has to be ours: before 1.0 each minor version
/// is another contract, and patch versions only add.
fn of_our_version(interface: &str) -> Result<&str, LoadError> {
    let (name, version) = interface.split_once('@').unwrap_or((interface, ""));
    if version == VERSION {
        return Ok(name);
    }
    Err(LoadError::OtherVersion { found: version.to_owned() })
}
