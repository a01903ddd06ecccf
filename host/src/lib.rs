//! Tollgate: an API gateway whose every policy is a sandboxed WebAssembly component.
//!
//! The modules stand in the order in which a request meets them; calls go down only.

#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "gateway"), allow(dead_code, unused_imports, reason = "the fuzz targets are no gateway"))]

/// What the binaries allocate with.
#[cfg(feature = "gateway")]
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
mod crypto;
mod config;
mod admin;
mod telemetry;

#[cfg(feature = "bench")]
#[doc(hidden)]
pub mod bench;

#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod fuzz;

// What is pure is fuzzed without the rest of the gateway, which takes long to compile.
#[cfg(not(feature = "gateway"))]
mod listener {
    mod address;
    pub mod http2 {
        mod block;
        pub mod breach;
        mod budget;
        mod fields;
        mod frames;
        pub mod streams;
        pub mod watch;
    }
    mod limits;
    mod room;
    mod told;
    pub use address::{Address, LONGEST_PATH};
    pub use limits::ClientLimits;
    pub use room::ConnectionLimits;
}
#[cfg(not(feature = "gateway"))]
mod proxy {
    pub mod forwarded;
}
