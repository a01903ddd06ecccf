//! The two back ends behind the SDK's surface: the gateway's imports in a component, a fake in
//! native tests. Nothing outside this module names a binding.

#[cfg(target_family = "wasm")]
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated: the ABI of components is pointers and lengths"
)]
pub mod bindings;
#[cfg(target_family = "wasm")]
pub mod export;
#[cfg(target_family = "wasm")]
mod guest;
#[cfg(target_family = "wasm")]
pub(crate) use guest::*;

#[cfg(not(target_family = "wasm"))]
mod fake;
#[cfg(not(target_family = "wasm"))]
pub(crate) use fake::*;
