//! The callers that the configuration knows. Needs the grant `consumers`.

use crate::backend;
use std::cell::OnceCell;

/// A caller that the gateway knows.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: OnceCell<String>,
    groups: OnceCell<Vec<String>>,
    /// A pointer, so that a plugin imports only the way that it uses.
    read_groups: fn(&str) -> Vec<String>,
}

impl Consumer {
    fn found(name: String) -> Self {
        Self { name: name.into(), groups: OnceCell::new(), read_groups: backend::consumers::groups }
    }

    /// The caller of this exchange, whose groups need no grant. What is not known of it yet is asked for
    /// when it is needed.
    pub(crate) fn identified(name: Option<String>) -> Self {
        let read_groups = |_: &str| backend::request::consumer_groups();
        Self { name: name.map_or_else(OnceCell::new, OnceCell::from), groups: OnceCell::new(), read_groups }
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        self.name.get_or_init(|| backend::request::consumer().unwrap_or_default())
    }

    /// The groups that the consumer is in.
    pub fn groups(&self) -> &[String] {
        self.groups.get_or_init(|| (self.read_groups)(self.name()))
    }
}

/// The consumer that has a credential of this kind with this public id: a user name, a key id.
///
/// That proves nothing about the caller; [`verify`] does.
pub fn find(kind: &str, id: &str) -> Option<Consumer> {
    backend::consumers::find(kind, id).map(Consumer::found)
}

/// The consumer whose credential this is. The comparison takes the same time for unknown and wrong
/// secrets.
pub fn verify(kind: &str, id: &str, secret: impl AsRef<[u8]>) -> Option<Consumer> {
    backend::consumers::verify(kind, id, secret.as_ref()).map(Consumer::found)
}

/// The consumer whose key this is: [`verify`] for the kind `key`, a secret without a public id.
pub fn verify_key(secret: impl AsRef<[u8]>) -> Option<Consumer> {
    verify("key", "", secret)
}
