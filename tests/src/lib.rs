//! The harness of the end-to-end tests: a real gateway process, real sockets, scripted upstreams.
//!
//! [`Gateway`] starts the binary on a config; [`Client`] and [`http2`] talk to it, over [`tls`] too; [`Upstream`] stands behind it and does
//! what a test scripts. [`Folder::tollgate`] runs one command of the binary to its end. Nothing here sleeps to let
//! something happen: it waits for a condition, for at most [`PATIENCE`].
//!
//! It must know the gateway only from outside: its command line, its sockets, its streams.

pub mod attacks;
mod client;
pub mod dns;
mod folder;
pub mod frames;
mod gateway;
pub mod http2;
mod lines;
mod message;
mod process;
pub mod syscalls;
pub mod tls;
mod upstream;
mod upstream_http2;
mod upstream_refusing;
mod wait;

pub use client::Client;
pub use folder::{Folder, Ran};
pub use gateway::{Builder, Gateway};
pub use message::{Request, Response};
pub use process::Signal;
pub use upstream::{FAULTS, Flapping, Gate, Handshake, Received, Reply, Upstream, black_hole};
pub use upstream_http2::AgreeingUpstream;
pub use upstream_refusing::RefusingUpstream;
pub use wait::{PATIENCE, wait_for};
