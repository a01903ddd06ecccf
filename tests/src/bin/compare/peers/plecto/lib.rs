//! What the filters share: PlectoProxy's contract, and how they read their configuration. Without `std`, because its
//! panics want WASI, which PlectoProxy lends no filter.

#![no_std]

extern crate alloc;

#[cfg(target_family = "wasm")]
mod runtime;

use alloc::string::String;
use alloc::vec::Vec;

pub mod contract {
    wit_bindgen::generate!({
        path: "wit",
        world: "filter",
        pub_export_macro: true,
        default_bindings_module: "filters::contract",
    });
}

pub use contract::plecto::filter::types::{Header, HttpRequest, HttpResponse, RequestEdit, ResponseEdit};
pub use contract::plecto::filter::{host_clock, host_config, host_counter, host_kv, host_ratelimit};
pub use contract::{Guest, RequestDecision, ResponseDecision, export};
pub use once_cell::race::OnceBox;

/// What the manifest says under `[filter.config]`. `plecto package` tries filters without any, so absence is no trap.
pub fn told(key: &str) -> String {
    host_config::get(key).unwrap_or_default()
}

/// A number of the manifest's.
pub fn number(key: &str) -> u64 {
    told(key).parse().unwrap_or_default()
}

/// The first value of a header.
pub fn value<'a>(headers: &'a [Header], name: &str) -> Option<&'a [u8]> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    Some(&header.value)
}

pub fn header(name: &str, value: impl Into<Vec<u8>>) -> Header {
    Header { name: name.into(), value: value.into() }
}

/// An answer instead of the upstream's.
pub fn refusal(status: u16, mut headers: Vec<Header>, body: &str) -> HttpResponse {
    headers.push(header("content-type", "application/problem+json"));
    HttpResponse { status, headers, body: body.into() }
}
