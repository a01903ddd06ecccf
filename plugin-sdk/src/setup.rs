//! Declares what the plugin owns. Only inside `configure`; needs no grant.

use crate::backend;
use crate::header::AsHeaderName;

/// The plugin is the only one who may say this request header: the gateway strips every copy that
/// a client sends, in any case and with `_` or `.` for `-`, on every route, before any plugin runs.
pub fn own_header(name: impl AsHeaderName) {
    backend::setup::own_header(&name.as_header_name());
}
