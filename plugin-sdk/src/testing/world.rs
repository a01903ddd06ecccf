//! What the fake gateway of this thread knows.

use super::meters::Meters;
use super::store::Store;
use super::{Entry, Request, Response};
use crate::request::WriteError;
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

/// Reads or changes the world. What `with` calls must not.
pub(crate) fn with<T>(with: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(with)
}

pub(crate) struct World {
    /// Milliseconds since 1970 in UTC.
    pub(crate) now: u64,
    /// `level: line`.
    pub(crate) log: Vec<String>,
    pub(crate) store: Store,
    pub(crate) meters: Meters,
    pub(crate) consumers: Vec<Known>,
    /// Names of the upstreams to steer to; any when there are none.
    pub(crate) upstreams: Vec<String>,
    /// Whether `configure` runs.
    pub(crate) configuring: bool,
    pub(crate) own_headers: Vec<String>,
    pub(crate) log_unanswered_only: bool,
    pub(crate) exchange: Option<Exchange>,
}

/// A consumer.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) credentials: Vec<Credential>,
}

pub(crate) struct Credential {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
}

/// The exchange that hooks are called for.
#[derive(Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
    /// Name of the caller.
    pub(crate) consumer: Option<String>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
    /// Whether `on_response` was called.
    pub(crate) answered: bool,
    /// What became of it, once `on_log` runs.
    pub(crate) entry: Option<Entry>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_767_225_600_000, // 2026-01-01, midnight
            log: Vec::new(),
            store: Store::default(),
            meters: Meters::default(),
            consumers: Vec::new(),
            upstreams: Vec::new(),
            configuring: false,
            own_headers: Vec::new(),
            log_unanswered_only: false,
            exchange: None,
        }
    }

    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        self.exchange.as_mut().expect("no exchange yet: it traps in the gateway")
    }

    pub(crate) fn has_upstream(&self, name: &str) -> bool {
        self.upstreams.is_empty() || self.upstreams.iter().any(|upstream| upstream == name)
    }

    /// Begins an exchange, without the client's copies of headers that plugins own.
    pub(crate) fn begin(&mut self, mut request: Request) {
        let plain = |name: &str| name.replace(['_', '.'], "-");
        let owned = |name: &str| self.own_headers.iter().any(|own| plain(own) == plain(name));
        request.headers.retain(|(name, _)| !owned(name.as_str()));
        let (response, consumer, entry) = (None, request.consumer.clone(), None);
        let notes = BTreeMap::new();
        self.exchange = Some(Exchange { request, response, consumer, notes, answered: false, entry });
    }

    /// Name of the consumer that has such a credential.
    pub(crate) fn consumer(&self, is: impl Fn(&Credential) -> bool) -> Option<String> {
        let mut consumers = self.consumers.iter();
        let found = consumers.find(|consumer| consumer.credentials.iter().any(&is))?;
        Some(found.name.clone())
    }

    /// The groups of a consumer.
    pub(crate) fn groups(&self, name: &str) -> Vec<String> {
        let mut consumers = self.consumers.iter();
        consumers.find(|consumer| consumer.name == name).map(|found| found.groups.clone()).unwrap_or_default()
    }
}

impl Exchange {
    /// Keeps a note, within the bounds of the gateway.
    pub(crate) fn keep(&mut self, key: &str, value: &[u8]) -> Result<(), WriteError> {
        let others = self.notes.iter().filter(|(other, _)| *other != key);
        let (count, bytes) = others.fold((1, key.len() + value.len()), |(count, bytes), (key, value)| {
            (count + 1, bytes + key.len() + value.len())
        });
        if count > 64 || bytes > 64 * 1024 {
            return Err(WriteError::Full);
        }
        self.notes.insert(key.to_owned(), value.to_owned());
        Ok(())
    }
}
