//! Declares what the plugin owns. Only inside `configure`; needs no grant.

use crate::backend;
use crate::header::AsHeaderName;

/// The plugin is the only one who may say this request header: the gateway strips every copy that
/// a client sends, in any case and with `_` or `.` for `-`, on every route, before any plugin runs.
pub fn own_header(name: impl AsHeaderName) {
    backend::setup::own_header(&name.as_header_name());
}

/// `on_log` is called only for exchanges of which this plugin's `on_response` saw no response: the
/// client left before there was one, or the plugin itself replied. The others cost nothing. For a
/// plugin that gives back what it took.
pub fn log_unanswered_only() {
    backend::setup::log_unanswered_only();
}
