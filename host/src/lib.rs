//! Tollgate: an API gateway whose every policy is a sandboxed WebAssembly component.
//!
//! The modules stand in the order in which a request meets them; calls go down only.

#![forbid(unsafe_code)]

/// What the binaries allocate with.
pub use mimalloc::MiMalloc as Allocator;

pub mod cli;
mod gateway;

mod listener;
mod proxy;
mod router;
mod chain;
mod sandbox;
mod upstream;

mod live;
mod exchange;
mod http1;
mod wire;
mod problem;
mod state;
mod config;
mod admin;
mod telemetry;

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;
