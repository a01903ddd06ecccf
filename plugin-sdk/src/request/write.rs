//! What a hook changes of a request beside its headers.

use super::{QueryParams, Request};
use crate::backend;
use http::Method;
use std::fmt::{self, Display};

/// Why something other than a header cannot be written. Nothing is changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The value is not what its function takes.
    Invalid,
    /// There is no such thing, an upstream for instance.
    Unknown,
    /// What one exchange may keep is full.
    Full,
}

/// What the gateway refuses panics, which is a fault of the plugin.
impl Request {
    /// Changes the method.
    ///
    /// # Panics
    /// When the gateway refuses it.
    #[track_caller]
    pub fn set_method(&mut self, method: &Method) {
        written("method", method, backend::request::set_method(method.as_str()));
    }

    /// Changes the path: percent-encoded, starting with `/`, without a query. The route stays.
    ///
    /// # Panics
    /// When the gateway refuses it. [`try_set_path`](Self::try_set_path) answers an error instead.
    #[track_caller]
    pub fn set_path(&mut self, path: impl AsRef<str>) {
        let path = path.as_ref();
        let result = self.try_set_path(path);
        written("path", path, result);
    }

    /// Changes the path, if it is one and not too long: with the query it has 65,534 bytes at most.
    pub fn try_set_path(&mut self, path: impl AsRef<str>) -> Result<(), WriteError> {
        self.facts.path.take();
        backend::request::set_path(path.as_ref())
    }

    /// Changes the query, without its `?`, percent-encoded; `None` removes it.
    ///
    /// # Panics
    /// When the gateway refuses it. [`try_set_query`](Self::try_set_query) answers an error instead.
    #[track_caller]
    pub fn set_query(&mut self, query: Option<&str>) {
        let result = self.try_set_query(query);
        written("query", query.unwrap_or_default(), result);
    }

    /// Changes the query, if it is one and not too long: with the path it has 65,534 bytes at most.
    pub fn try_set_query(&mut self, query: Option<&str>) -> Result<(), WriteError> {
        self.facts.query.take();
        backend::request::set_query(query)
    }

    /// Changes the query to these parameters; none of them removes it.
    ///
    /// # Panics
    /// When the query is too long.
    #[track_caller]
    pub fn set_query_params(&mut self, params: &QueryParams) {
        let query = params.to_string();
        self.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
    }

    /// Sends the exchange to another upstream of the configuration, by name.
    ///
    /// # Panics
    /// When there is none of that name, or the route answers by itself. [`try_steer`](Self::try_steer) answers an error instead.
    #[track_caller]
    pub fn steer(&mut self, upstream: &str) {
        let result = self.try_steer(upstream);
        written("upstream", upstream, result);
    }

    /// Sends the exchange to another upstream, if there is one of that name.
    pub fn try_steer(&mut self, upstream: &str) -> Result<(), WriteError> {
        self.facts.upstream.take();
        backend::request::steer(upstream)
    }

    /// Keeps bytes with this exchange, under this plugin's own name, for its later hooks: at most
    /// 64 notes and 64 KiB.
    ///
    /// # Panics
    /// When the exchange keeps no more. [`try_set_note`](Self::try_set_note) answers an error instead.
    #[track_caller]
    pub fn set_note(&mut self, key: &str, value: impl AsRef<[u8]>) {
        written("note", key, self.try_set_note(key, value));
    }

    /// Keeps bytes with this exchange, if it has room for them.
    pub fn try_set_note(&mut self, key: &str, value: impl AsRef<[u8]>) -> Result<(), WriteError> {
        backend::request::set_note(key, value.as_ref())
    }
}

/// Panics when something was not written.
#[track_caller]
pub(crate) fn written(what: &str, value: impl Display, result: Result<(), WriteError>) {
    if let Err(error) = result {
        // The beginning says which it was, and one line of the log has room for it.
        let value = format!("{value:.100}");
        panic!("cannot write the {what} `{value}`: {error}");
    }
}

impl Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "it is not one",
            Self::Unknown => "there is no such one",
            Self::Full => "the exchange keeps no more",
        })
    }
}

impl std::error::Error for WriteError {}
