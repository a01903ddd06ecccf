//! Upstreams over real sockets, against endpoints that are scripted byte by byte.

mod bodies;
mod echoes;
mod failures;
pub(super) mod harness;
mod http2;
mod reuse;
mod spread;
