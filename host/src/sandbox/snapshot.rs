//! Snapshots: a component as it stands after `configure`, made once when a plugin is loaded, so that a fresh
//! instance costs a memory image in place of another `configure`.
//!
//! `wasmtime-wizer` exports what is inside the component ([`Wizer::instrument_component`]), `configure` runs, and the
//! memory and the globals that it left are written into a new component. That one holds the secrets of the
//! configuration: it is compiled by an engine without a cache and never leaves memory.
//!
//! What is not in memory or a global is not in the snapshot, so while it is made a guest may call only what leaves
//! nothing behind ([`permitted`]). This module must not know when a snapshot is wanted.

mod permitted;
mod reader;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use thiserror::Error;
use wasmtime_wizer::Wizer;

use self::permitted::Called;
use self::reader::Reader;
use super::component::{Component, LoadError};
use super::engine::Engine;
use super::host::{Declarations, Identity};
use super::instance::Instance;
use super::outbound::at_once;
use super::plugin::PluginSpec;
use crate::crypto::Key;

/// A configured component, and what it declared on the way.
pub(super) struct Snapshot {
    pub(super) component: Component,
    pub(super) declarations: Declarations,
    pub(super) keys: Vec<Key>,
}

/// Why there is no snapshot of a plugin.
#[derive(Debug, Error)]
pub(super) enum Unfit {
    #[error("it calls `{0}` there, which a snapshot cannot keep")]
    Calls(String),
    #[error("the component makes resources of its own, which a snapshot cannot keep")]
    Resources,
    #[error("no snapshot can be made of its component: {0}")]
    Form(String),
    #[error("{0}")]
    Load(#[from] LoadError),
}

/// Configures an instance and makes a component of what it became. Compiles twice: not for a worker's thread.
///
/// A failure says nothing about the plugin: it may well be good, and only unfit to be kept.
pub(super) fn take(
    engine: &Engine,
    source: &[u8],
    plugin: &Arc<Identity>,
    spec: &PluginSpec,
) -> Result<Snapshot, Unfit> {
    // The source may be anyone's, and wizer panics at some forms of a component that it did not reckon with.
    let attempt = AssertUnwindSafe(|| attempt(engine, source, plugin, spec));
    catch_unwind(attempt).unwrap_or_else(|_| Err(Unfit::Form("it cannot be written anew".into())))
}

fn attempt(engine: &Engine, source: &[u8], plugin: &Arc<Identity>, spec: &PluginSpec) -> Result<Snapshot, Unfit> {
    if permitted::makes_resources(source) {
        return Err(Unfit::Resources);
    }
    let mut wizer = Wizer::new();
    // Nothing of the component is to be removed for having the name that wizer calls by default.
    wizer.keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(source).map_err(form)?;
    // Holds no secret yet, and may be cached.
    let called = Called::default();
    let component = Component::link(engine, &instrumented, |compiled| permitted::linker(engine, compiled, &called))?;
    let mut instance = Instance::start(&component, plugin.clone(), &spec.limits)?;
    let configured = instance.configure(&component, &spec.config);
    if let Some(import) = called.first() {
        return Err(Unfit::Calls(import));
    }
    configured?;
    let declarations = instance.declarations().clone();
    let keys = instance.take_keys();

    let mut reader = Reader::new(&mut instance);
    // Wizer is asynchronous for stores that are.
    let configured = at_once(wizer.snapshot_component(&context, &mut reader)).map_err(form)?;
    reader.check().map_err(form)?;
    drop(instance);
    let component = engine.uncached()?.compile(&configured)?;
    // Proves that instances of it can be made, before one has to be.
    drop(Instance::start(&component, plugin.clone(), &spec.limits)?);
    Ok(Snapshot { component, declarations, keys })
}

fn form(error: wasmtime::Error) -> Unfit {
    Unfit::Form(format!("{error:#}"))
}
