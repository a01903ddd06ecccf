//! The bundled plugins: built for wasm32-wasip2 by this crate's build script, and embedded.

/// A bundled plugin.
#[derive(Debug)]
pub struct Plugin {
    /// As `source` in the configuration names it.
    pub name: &'static str,
    /// Grants that it comes with when the configuration lists none.
    pub grants: &'static [&'static str],
    /// The component.
    pub component: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/bundle.rs"));
