//! What a guest may call while its snapshot is made: what leaves no handle behind and answers every instance alike.

use std::sync::{Arc, OnceLock};

use wasmparser::{CanonicalFunction, Parser, Payload};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{self, Linker, LinkerInstance, ResourceType};

use crate::sandbox::engine::Engine;
use crate::sandbox::host::Host;
use crate::sandbox::{imports, wasi};

/// Interfaces that may be called; every other function traps. Of WASI that is what Rust's standard library calls to
/// start (an empty environment, no terminals), and the seed of its hash maps, which an instance keeps anyway.
/// `wasi:random/random` is not among them: a generator that was seeded by it would say the same numbers to every
/// request.
const PERMITTED: [&str; 11] = [
    "tollgate:plugin/crypto",
    "tollgate:plugin/log",
    "tollgate:plugin/metrics",
    "tollgate:plugin/setup",
    "wasi:cli/environment",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:random/insecure-seed",
];

/// The first function that was called and is not permitted.
#[derive(Debug, Clone, Default)]
pub(super) struct Called(Arc<OnceLock<String>>);

impl Called {
    pub(super) fn first(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

/// Links what is permitted as it is, and everything else that the component imports as a trap.
pub(super) fn linker(
    engine: &Engine,
    component: &component::Component,
    called: &Called,
) -> wasmtime::Result<Arc<Linker<Host>>> {
    let mut linker = Linker::new(&engine.wasmtime);
    imports::link_setup(&mut linker)?;
    wasi::link_start(&mut linker)?;
    for (name, import) in component.component_type().imports(&engine.wasmtime) {
        let interface = name.split_once('@').map_or(name, |(interface, _version)| interface);
        if PERMITTED.contains(&interface) {
            continue;
        }
        if let ComponentItem::ComponentInstance(instance) = import.ty {
            let mut linked = linker.instance(name)?;
            for (function, export) in instance.exports(&engine.wasmtime) {
                trap(&mut linked, interface, function, &export.ty, called)?;
            }
        }
    }
    Ok(Arc::new(linker))
}

fn trap(
    linker: &mut LinkerInstance<'_, Host>,
    interface: &str,
    function: &str,
    kind: &ComponentItem,
    called: &Called,
) -> wasmtime::Result<()> {
    match kind {
        ComponentItem::ComponentFunc(_) => {
            let (name, called) = (format!("{interface}.{function}"), called.clone());
            linker.func_new(function, move |_, _, _, _| {
                let first = called.0.get_or_init(|| name.clone());
                Err(wasmtime::Error::msg(format!("called {first}")))
            })
        }
        ComponentItem::Resource(_) => linker.resource(function, ResourceType::host::<()>(), |_, _| Ok(())),
        _ => Ok(()),
    }
}

/// Whether a component can make resources, whose handles are kept outside of its memory.
pub(super) fn makes_resources(component: &[u8]) -> bool {
    Parser::new(0).parse_all(component).map_while(Result::ok).any(|payload| match payload {
        Payload::ComponentCanonicalSection(functions) => {
            functions.into_iter().flatten().any(|function| matches!(function, CanonicalFunction::ResourceNew { .. }))
        }
        _ => false,
    })
}
