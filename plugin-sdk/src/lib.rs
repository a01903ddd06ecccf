//! Write plugins for the Tollgate API gateway in Rust.
//!
//! A plugin is a type that implements [`Plugin`] under [`#[plugin]`](macro@plugin): its
//! configuration, and the hooks that it wants.
//!
//! ```
//! use tollgate_plugin_sdk::prelude::*;
//!
//! /// Rejects requests that carry no known API key.
//! struct KeyAuth {
//!     header: HeaderName,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     /// Where clients put their key.
//!     #[serde(deserialize_with = "config::parsed")]
//!     header: HeaderName,
//! }
//!
//! #[plugin]
//! impl Plugin for KeyAuth {
//!     type Config = Config;
//!
//!     fn configure(config: Config) -> Result<Self, ConfigError> {
//!         if config.header == "authorization" {
//!             return Err(ConfigError::at("/header", "`authorization` is not for keys"));
//!         }
//!         setup::own_header("x-consumer");
//!         Ok(Self { header: config.header })
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Action {
//!         let Some(key) = request.header(&self.header) else {
//!             return Reply::unauthorized().header("www-authenticate", "Key").into();
//!         };
//!         let Some(consumer) = request.authenticate("key", "", &key) else {
//!             return Reply::unauthorized().detail("unknown key").into();
//!         };
//!         request.remove_header(&self.header);
//!         request.set_header("x-consumer", consumer.name());
//!         Action::Next
//!     }
//! }
//!
//! // A native test: no WebAssembly, no gateway.
//! let gateway = testing::Gateway::new();
//! gateway.consumer("acme").key("secret");
//!
//! let plugin = testing::configure::<KeyAuth>(json!({ "header": "x-api-key" })).unwrap();
//! let request = plugin.request(testing::get("/users").header("x-api-key", "secret")).next();
//! assert_eq!(request.header("x-consumer"), Some("acme"));
//! assert_eq!(request.header("x-api-key"), None);
//!
//! let reply = plugin.request(testing::get("/users")).reply();
//! assert_eq!(reply.status(), 401);
//! ```
//!
//! Build it as a `cdylib` for the target `wasm32-wasip2`; add `rlib` to the `crate-type` only if other crates
//! use the plugin, or its tests stand in a `tests/` folder. The component
//! exports the hooks that are written and imports the capabilities that are used, nothing else of
//! the contract. A small one comes with `opt-level = "s"`, `lto`, `codegen-units = 1`,
//! `panic = "abort"` and `strip`.
//!
//! What a plugin may do beside changing its request and response stands in one module for each
//! capability: [`setup`], [`log`], [`metrics`], [`crypto`], [`clock`], and with a grant [`state`], [`limiter`],
//! [`consumers`] and [`outbound`]. [`testing`] has a fake of each.
#![warn(missing_docs)]
#![deny(unsafe_code)]

#[cfg(test)]
extern crate self as tollgate_plugin_sdk;

mod action;
mod backend;
mod body;
mod client_certificate;
pub mod clock;
pub mod config;
pub mod consumers;
pub mod crypto;
pub mod header;
pub mod hook;
pub mod limiter;
pub mod log;
mod log_entry;
pub mod metrics;
pub mod outbound;
pub mod percent;
mod plugin;
pub mod prelude;
mod reply;
mod request;
mod response;
pub mod setup;
pub mod state;
mod subject;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use action::{Action, ChunkAction};
pub use body::{Body, Chunk};
pub use client_certificate::ClientCertificate;
pub use config::ConfigError;
pub use header::HeaderError;
pub use http::{self, HeaderName, HeaderValue, Method, StatusCode};
pub use log_entry::LogEntry;
pub use plugin::Plugin;
pub use reply::Reply;
pub use request::{QueryParams, Request, WriteError};
pub use response::{Origin, Response};
pub use subject::Subject;
pub use tollgate_plugin_sdk_macros::plugin;

/// For the code that `#[plugin]` writes.
#[doc(hidden)]
pub mod __private {
    #[cfg(target_family = "wasm")]
    pub use crate::backend::{bindings, export};
}
