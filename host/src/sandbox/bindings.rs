//! Rust types of the contract in `wit/`, made by wasmtime's macro.

wasmtime::component::bindgen!({
    path: "../wit",
    world: "capabilities",
    imports: {
        // On a fiber; all else answers at once.
        "tollgate:plugin/outbound": async | trappable,
        default: trappable,
    },
    require_store_data_send: true,
});

pub(super) use self::tollgate::plugin::*;

/// A fault in a plugin's configuration. `configure` is an export, which `capabilities` does not
/// name, so the macro does not make its types.
#[derive(wasmtime::component::ComponentType, wasmtime::component::Lift, Debug)]
#[component(record)]
pub(super) struct Problem {
    pub pointer: String,
    pub message: String,
}
