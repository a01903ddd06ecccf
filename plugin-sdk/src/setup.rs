//! Declares what the plugin owns, and what it does to every exchange alike, which then needs no call.
//! Only inside `configure`; needs no grant.

use crate::header::{AsHeaderName, AsHeaderValue};
use crate::{Subject, backend};
use std::ops::RangeInclusive;

/// The plugin is the only one who may say this request header: the gateway strips every copy that
/// a client sends, in any case and with `_` or `.` for `-`, on every route, before any plugin runs.
pub fn own_header(name: impl AsHeaderName) {
    backend::setup::own_header(&name.as_header_name());
}

/// What the gateway knows of a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// Its name.
    Name,
    /// Its groups, separated by commas.
    Groups,
}

/// Owns a header, and has the gateway say in it who the caller is: from when this plugin identifies
/// the caller. A fact that the consumer lacks removes the header.
pub fn tell_consumer(name: impl AsHeaderName, fact: Fact) {
    backend::setup::tell_consumer(&name.as_header_name(), fact);
}

/// A change of a message's header fields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edit {
    /// Removes every value of the header.
    Remove(String),
    /// Moves every value from the first name to the second, in place of the second's own.
    Rename(String, String),
    /// Replaces every value by one.
    Set(String, Vec<u8>),
    /// Adds the header if it is not there.
    Add(String, Vec<u8>),
    /// Adds a value behind those that the header has.
    Append(String, Vec<u8>),
}

impl Edit {
    /// Removes every value of a header.
    pub fn remove(name: impl AsHeaderName) -> Self {
        Self::Remove(name.as_header_name().into_owned())
    }

    /// Moves every value to another name.
    pub fn rename(from: impl AsHeaderName, to: impl AsHeaderName) -> Self {
        Self::Rename(from.as_header_name().into_owned(), to.as_header_name().into_owned())
    }

    /// Replaces every value of a header by one.
    pub fn set(name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        Self::Set(name.as_header_name().into_owned(), value.as_header_value().into_owned())
    }

    /// Adds a header if it is not there.
    pub fn add(name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        Self::Add(name.as_header_name().into_owned(), value.as_header_value().into_owned())
    }

    /// Adds a value behind those that a header has.
    pub fn append(name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        Self::Append(name.as_header_name().into_owned(), value.as_header_value().into_owned())
    }
}

/// Changes every request in this way, after `on_request` has answered [`Action::Next`]. A header that
/// the gateway alone may write is a fault. At most 64 edits.
///
/// [`Action::Next`]: crate::Action::Next
pub fn edit_request(edits: impl IntoIterator<Item = Edit>) {
    backend::setup::edit_request(edits.into_iter().collect());
}

/// Changes every response that the plugin sees in this way, before `on_response`.
pub fn edit_response(edits: impl IntoIterator<Item = Edit>) {
    backend::setup::edit_response(edits.into_iter().collect());
}

/// A hook that need not always be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// `on_request`
    OnRequest,
    /// `on_response`
    OnResponse,
}

/// What makes a hook worth its call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// The plugin keeps an entry of [`state`](crate::state) under this key.
    Kept(Subject, &'static str),
    /// The response has such a status.
    Status(RangeInclusive<u16>),
}

/// The hook is called only when one of these holds: at other times it would do nothing. A call that is not
/// made costs a look at the conditions, of which there are at most 16.
///
/// ```
/// # use tollgate_plugin_sdk::{prelude::*, setup::*, testing};
/// # #[derive(serde::Deserialize)] struct Config {}
/// # struct Example;
/// # #[plugin]
/// # impl Plugin for Example {
/// #   type Config = Config;
/// fn configure(_: Config) -> Result<Self, ConfigError> {
///     // Nothing is to be done for an upstream that answers well.
///     setup::call_when(Hook::OnResponse, [Condition::Kept(Subject::Upstream, "failures"), Condition::Status(500..=599)]);
///     Ok(Self)
/// }
/// #   fn on_response(&self, _: &Request, _: &mut Response) -> Action { Action::Next }
/// # }
/// ```
pub fn call_when(hook: Hook, conditions: impl IntoIterator<Item = Condition>) {
    backend::setup::call_when(hook, conditions.into_iter().collect());
}

/// The hook is never called: all that it would do is declared, or the configuration leaves it nothing to do.
pub fn omit(hook: Hook) {
    backend::setup::call_when(hook, Vec::new());
}

/// `on_log` is called only for exchanges of which this plugin's `on_response` saw no response: the
/// client left before there was one, or the plugin itself replied. The others cost nothing. For a
/// plugin that gives back what it took.
pub fn log_unanswered_only() {
    backend::setup::log_unanswered_only();
}
