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

#[cfg(test)]
mod tests {
    use super::PLUGINS;

    #[test]
    fn a_plugin_weighs_at_most_150_kb() {
        assert!(!PLUGINS.is_empty());
        for plugin in PLUGINS {
            let size = plugin.component.len();
            assert!(size <= 150_000, "{} weighs {size} bytes", plugin.name);
        }
    }
}
