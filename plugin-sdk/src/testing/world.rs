//! What the fake gateway of this thread knows.

use super::meters::Meters;
use super::store::Store;
use super::{Request, Response};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

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
    pub(crate) consumers: Vec<(Known, Vec<Credential>)>,
    /// Whether `configure` runs.
    pub(crate) configuring: bool,
    pub(crate) own_headers: Vec<String>,
    pub(crate) read_headers: Vec<String>,
    pub(crate) read_response_headers: Vec<String>,
    pub(crate) exchange: Option<Exchange>,
}

/// A consumer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

pub(crate) struct Credential {
    pub(crate) kind: String,
    pub(crate) id: String,
    pub(crate) secret: Vec<u8>,
}

/// The exchange that hooks are called for.
pub(crate) struct Exchange {
    pub(crate) request: Request,
    pub(crate) response: Option<Response>,
    pub(crate) consumer: Option<Rc<Known>>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_767_225_600_000, // 2026-01-01, midnight
            log: Vec::new(),
            store: Store::default(),
            meters: Meters::default(),
            consumers: Vec::new(),
            configuring: false,
            own_headers: Vec::new(),
            read_headers: Vec::new(),
            read_response_headers: Vec::new(),
            exchange: None,
        }
    }

    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        self.exchange.as_mut().expect("no exchange yet: it traps in the gateway")
    }

    /// Begins an exchange, without the client's copies of headers that plugins own.
    pub(crate) fn begin(&mut self, mut request: Request) {
        let plain = |name: &str| name.replace(['_', '.'], "-");
        let owned = |name: &str| self.own_headers.iter().any(|own| plain(own) == plain(name));
        request.headers.retain(|(name, _)| !owned(name.as_str()));
        let (response, consumer, notes) = (None, None, BTreeMap::new());
        self.exchange = Some(Exchange { request, response, consumer, notes });
    }

    pub(crate) fn consumer(&self, is: impl Fn(&Credential) -> bool) -> Option<Rc<Known>> {
        let mut consumers = self.consumers.iter();
        let (known, _) = consumers.find(|(_, credentials)| credentials.iter().any(&is))?;
        Some(Rc::new(known.clone()))
    }
}

impl Known {
    pub(crate) fn name(&self) -> String {
        self.name.clone()
    }

    pub(crate) fn groups(&self) -> Vec<String> {
        self.groups.clone()
    }
}
