//! The callers that the configuration knows. Needs the grant `consumers`.

use crate::backend;
use std::cell::OnceCell;
use std::rc::Rc;

/// A caller that the gateway knows. Clones are cheap and are the same caller.
#[derive(Debug, Clone)]
pub struct Consumer(Rc<Known>);

#[derive(Debug)]
struct Known {
    handle: backend::Consumer,
    name: OnceCell<String>,
    groups: OnceCell<Vec<String>>,
}

impl Consumer {
    pub(crate) fn new(handle: backend::Consumer) -> Self {
        Self(Rc::new(Known { handle, name: OnceCell::new(), groups: OnceCell::new() }))
    }

    pub(crate) fn handle(&self) -> &backend::Consumer {
        &self.0.handle
    }

    /// The name in the configuration.
    pub fn name(&self) -> &str {
        self.0.name.get_or_init(|| self.0.handle.name())
    }

    /// The groups that the consumer is in.
    pub fn groups(&self) -> &[String] {
        self.0.groups.get_or_init(|| self.0.handle.groups())
    }
}

/// The consumer that has a credential of this kind with this public id: a user name, a key id.
///
/// That proves nothing about the caller; [`verify`] does.
pub fn find(kind: &str, id: &str) -> Option<Consumer> {
    backend::consumers::find(kind, id).map(Consumer::new)
}

/// The consumer whose credential this is. The comparison takes the same time for unknown and wrong
/// secrets.
pub fn verify(kind: &str, id: &str, secret: impl AsRef<[u8]>) -> Option<Consumer> {
    backend::consumers::verify(kind, id, secret.as_ref()).map(Consumer::new)
}

/// The consumer whose key this is: [`verify`] for the kind `key`, a secret without a public id.
pub fn verify_key(secret: impl AsRef<[u8]>) -> Option<Consumer> {
    verify("key", "", secret)
}
