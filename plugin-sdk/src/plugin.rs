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
///     fn on_request_body(&self, request: &mut Request, body: &mut Body) -> Action {
///         // with its whole body, when every plugin has seen the head
/// #       let _ = (request, body); Action::Next
///     }
///     fn on_request_chunk(&self, request: &Request, chunk: &mut Chunk) -> ChunkAction {
///         // with each piece of its body, on the way to the upstream
/// #       let _ = (request, chunk); ChunkAction::Next
///     }
///     fn on_response(&self, request: &Request, response: &mut Response) -> Action {
///         // before the response goes to the client, whoever made it
/// #       let _ = (request, response); Action::Next
///     }
///     fn on_response_body(&self, request: &Request, response: &mut Response, body: &mut Body) -> Action {
///         // with its whole body, when every plugin has seen the head
/// #       let _ = (request, response, body); Action::Next
///     }
///     fn on_response_chunk(&self, request: &Request, response: &Response, chunk: &mut Chunk) -> ChunkAction {
///         // with each piece of its body, on the way to the client
/// #       let _ = (request, response, chunk); ChunkAction::Next
///     }
///     fn on_log(&self, entry: &LogEntry) {
///         // once, after the last byte, also when the client went away
/// #       let _ = entry;
///     }
/// }
/// ```
///
/// Whole bodies cost the gateway memory and the client time, and have a limit (`limits.max-body` of the plugin's entry);
/// pieces cost neither, but one instance of the plugin for the time of the exchange.
///
/// `on_request`, `on_response` and the hooks of whole bodies may also answer a [`Reply`](crate::Reply) or a `Result<_, E>`
/// with any `E: Display`, so that `?` works; those of chunks a `Result<ChunkAction, E>`; `on_log` may answer a `Result<(), E>`. `Err` is a fault of
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
