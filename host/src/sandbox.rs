//! The only door to wasmtime: nothing outside this module names it.
//!
//! [`Engine`] compiles a [`Component`] once. A [`Plugin`] is a component with its configuration,
//! grants and limits; it hands out instances from a pool per worker and calls hooks on them. A call
//! lends the exchange to the guest and takes it back; whatever a guest does ends as an answer or as
//! a [`Fault`], never as a panic and never late.
//!
//! It narrows wasmtime to: components only, synchronous calls on the worker's own stack (on a fiber for
//! plugins that wait for answers of others), the pooling allocator, one epoch-driven deadline per call, and
//! imports that a grant covers. It must not know what a route is, who calls, or in which order plugins run.

#![cfg(feature = "gateway")]

mod answer;
mod bindings;
mod complexity;
mod component;
mod condition;
mod console;
mod deadline;
mod engine;
mod fault;
mod host;
mod imports;
mod instance;
mod outbound;
mod plugin;
mod pool;
mod snapshot;
mod wasi;

pub use answer::Action;
pub use component::{Component, Hooks, LoadError};
pub use engine::{Engine, EngineSettings};
pub use fault::Fault;
pub use outbound::{Answer, Incoming, Named, Outbound, OutboundPolicy, Outgoing, SendError, Sending, attend};
pub use plugin::{Plugin, PluginSpec};
pub use pool::Lease;
