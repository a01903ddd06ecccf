//! Bodies, whole or in pieces, as hooks see and change them.

use crate::backend;
use serde::de::DeserializeOwned;

/// The whole body of a request or a response.
///
/// It is here as it is sent: a `content-encoding` is the plugin's to look at, unless the configuration says
/// `decode = true`. Then it is decoded, and the headers say nothing of a coding any more. The gateway sets `content-length`; what else
/// the headers say of the body, such as `content-type` or `etag`, is for the plugin to change with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Body {}

/// A piece of a body, as it came, or decoded if the configuration says `decode = true`. Where pieces begin and end means nothing: a word may lie in two of them.
///
/// What a plugin has to remember from one to the next it keeps in itself, in a `RefCell` for instance: all hooks of one
/// exchange run in one instance. It forgets that at the last chunk, for the instance goes on to another exchange then. One
/// whose body did not come to its end is discarded.
///
/// ```
/// # use tollgate_plugin_sdk::prelude::*;
/// struct Shout;
///
/// #[plugin]
/// impl Plugin for Shout {
///     type Config = ();
///
///     fn configure(_: ()) -> Result<Self, ConfigError> {
///         Ok(Self)
///     }
///
///     fn on_response_chunk(&self, _: &Request, _: &Response, chunk: &mut Chunk) -> ChunkAction {
///         chunk.replace(chunk.bytes().to_ascii_uppercase());
///         ChunkAction::Next
///     }
/// }
///
/// let plugin = testing::configure::<Shout>(json!(null)).unwrap();
/// assert_eq!(plugin.response_chunks(&["not so ", "loud"]), (b"NOT SO LOUD".to_vec(), true));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Chunk {}

impl Body {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// Bytes of it, without reading them.
    pub fn len(&self) -> usize {
        length()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, copied out of the gateway.
    pub fn bytes(&self) -> Vec<u8> {
        backend::body::read()
    }

    /// Its bytes as JSON of this form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.bytes())
    }

    /// Puts other bytes in its place: at most `limits.max-body` of the configuration, else it is a fault of the plugin.
    pub fn replace(&mut self, bytes: impl AsRef<[u8]>) {
        backend::body::replace(bytes.as_ref());
    }
}

impl Chunk {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// Bytes of it, without reading them. The last one may have none.
    pub fn len(&self) -> usize {
        length()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its bytes, copied out of the gateway.
    pub fn bytes(&self) -> Vec<u8> {
        backend::body::read()
    }

    /// Whether the body ends with it.
    pub fn is_last(&self) -> bool {
        backend::body::is_last()
    }

    /// Puts other bytes in its place: at most `limits.max-body` of the configuration, else it is a fault of the plugin.
    pub fn replace(&mut self, bytes: impl AsRef<[u8]>) {
        backend::body::replace(bytes.as_ref());
    }

    /// Drops it: nothing goes on in its place.
    pub fn remove(&mut self) {
        self.replace([]);
    }
}

fn length() -> usize {
    usize::try_from(backend::body::length()).unwrap_or(usize::MAX)
}
