//! What most plugins name, for `use tollgate_plugin_sdk::prelude::*`.

pub use crate::config::{self, ConfigError, Duration};
pub use crate::consumers::{self, Consumer};
pub use crate::limiter::{self, Quota};
pub use crate::{
    Action, Body, Chunk, ChunkAction, ClientCertificate, HeaderName, HeaderValue, LogEntry, Method, Origin, Plugin,
    Reply, Request, Response, StatusCode, Subject, clock, crypto, log, metrics, outbound, percent, plugin, setup,
    state,
};

#[cfg(not(target_family = "wasm"))]
pub use crate::testing;
#[doc(no_inline)]
pub use serde_json::json;
