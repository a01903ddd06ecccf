//! The trait that a plugin implements.

use crate::ConfigError;
use serde::de::DeserializeOwned;

/// A plugin: its configuration, and the hooks that it wants.
///
/// Implement it under [`#[plugin]`](macro@crate::plugin), and write only the hooks that you need:
/// one that is not written is not exported and costs nothing. A crate has one plugin. (E0407 for a
/// hook? `#[plugin]` is missing.)
///
/// ```
/// # use tollgate_plugin_sdk::prelude::*;
/// # #[derive(serde::Deserialize)] struct Config {}
/// # struct Example;
/// # #[plugin]
/// impl Plugin for Example {
/// #   type Config = Config;
/// #   fn configure(_: Config) -> Result<Self, ConfigError> { Ok(Self) }
///     fn on_request(&self, request: &mut Request) -> Action {
///         // before the request goes to the upstream
/// #       let _ = request; Action::Next
///     }
///     fn on_response(&self, request: &Request, response: &mut Response) -> Action {
///         // before the response goes to the client, whoever made it
/// #       let _ = (request, response); Action::Next
///     }
///     fn on_log(&self, entry: &LogEntry) {
///         // once, after the last byte, also when the client went away
/// #       let _ = entry;
///     }
/// }
/// ```
///
/// `on_request` and `on_response` may also answer a [`Reply`](crate::Reply) or a `Result<_, E>`
/// with any `E: Display`, so that `?` works; `on_log` may answer a `Result<(), E>`. `Err` is a fault of
/// the kind `error`, a panic one of the kind `trap`: the gateway logs the text, discards the
/// instance, and does what the plugin's `on-error` says.
///
/// The plugin lives in one instance of the component, which may be discarded at any time and has
/// copies on other workers. What must outlive a call goes to a note ([`Request::set_note`]) or to
/// [`state`](crate::state).
///
/// [`Request::set_note`]: crate::Request::set_note
pub trait Plugin: Sized {
    /// The form of the `config` table. See [`config`](crate::config).
    type Config: DeserializeOwned;

    /// Takes the configuration, once in the life of an instance. Do here what can be done here:
    /// parse, compile, precompute. Only [`log`](crate::log), [`setup`](crate::setup), and what declares [`metrics`](crate::metrics) and makes
    /// keys of [`crypto`](crate::crypto) may be called.
    fn configure(config: Self::Config) -> Result<Self, ConfigError>;
}
