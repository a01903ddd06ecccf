//! A gateway in small: the data of a store, and the exchange that it serves.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use wasmtime::component::ResourceTable;
use wasmtime::error::Context as _;
use wasmtime::{Result, StoreLimits, StoreLimitsBuilder, format_err};

use crate::shapes::{Edit, HeaderError, Reply};

/// Data of a store.
pub(crate) struct Host {
    /// There during a call.
    pub(crate) exchange: Option<Box<Exchange>>,
    pub(crate) table: ResourceTable,
    /// Calls of imports and of resource destructors.
    pub(crate) crossings: u64,
    pub(crate) limits: StoreLimits,
    pub(crate) keys: HashMap<Vec<u8>, Arc<str>>,
}

/// A request with its response.
pub(crate) struct Exchange {
    pub(crate) request: Head,
    pub(crate) response: Head,
    pub(crate) reply: Option<Reply>,
    pub(crate) status: u16,
    pub(crate) client_address: String,
    pub(crate) consumer: Option<Arc<str>>,
}

/// The header fields of a request or a response.
pub(crate) struct Head(pub(crate) HeaderMap);

/// What the handles of forms A and B stand for; the exchange itself is in the store.
pub(crate) struct RequestHandle;
pub(crate) struct ResponseHandle;

pub(crate) struct Consumer(pub(crate) Arc<str>);

impl Exchange {
    pub(crate) fn new() -> Box<Self> {
        let mut request = HeaderMap::new();
        for (name, value) in [
            ("host", "api.example.com"),
            ("user-agent", "curl/8.5.0"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, br"),
            ("x-api-key", "3f786850e387550fdab836ed7e6dc881"),
            ("x-second", "2b66fd261ee5c6cfc8de7fa466bab600"),
            ("x-third", "9a900f538965a426994e1e90600920af"),
        ] {
            request.insert(name, HeaderValue::from_static(value));
        }
        Box::new(Self {
            request: Head(request),
            response: Head(HeaderMap::new()),
            reply: None,
            status: 200,
            client_address: "203.0.113.7".into(),
            consumer: None,
        })
    }
}

impl Head {
    pub(crate) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), HeaderError> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderError::Name)?;
        let value = HeaderValue::from_bytes(value).map_err(|_| HeaderError::Value)?;
        self.0.insert(name, value);
        Ok(())
    }

    pub(crate) fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.0.get(name).map(|value| value.as_bytes().to_vec())
    }

    /// Applies what came with an answer.
    pub(crate) fn apply(&mut self, edits: &[Edit]) -> Result<()> {
        for edit in edits {
            match edit {
                Edit::SetHeader(header) => {
                    self.set(&header.name, &header.value).map_err(|_| format_err!("an illegal header"))?
                }
                Edit::RemoveHeader(name) => {
                    self.0.remove(name);
                }
                _ => return Err(format_err!("an edit that no work makes")),
            }
        }
        Ok(())
    }
}

impl Host {
    pub(crate) fn new() -> Self {
        let keys = [(b"3f786850e387550fdab836ed7e6dc881".to_vec(), Arc::from("alice"))];
        Self {
            exchange: None,
            table: ResourceTable::new(),
            crossings: 0,
            limits: StoreLimitsBuilder::new().memory_size(16 << 20).instances(10).build(),
            keys: keys.into(),
        }
    }

    pub(crate) fn exchange(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().context("called outside a hook")
    }
}
