//! Where the request goes and came from: the parts that are text, each asked for once.

use super::{QueryParams, Request};
use crate::backend;
use std::cell::OnceCell;

/// What was asked for. A write empties its cell.
#[derive(Debug, Default)]
pub(super) struct Facts {
    scheme: OnceCell<String>,
    authority: OnceCell<String>,
    pub(super) path: OnceCell<String>,
    pub(super) query: OnceCell<Option<String>>,
    route: OnceCell<String>,
    pub(super) upstream: OnceCell<String>,
    id: OnceCell<String>,
    client_address: OnceCell<String>,
}

impl Request {
    /// `http` or `https`: how the client reached the gateway, after the trusted-proxy rules.
    pub fn scheme(&self) -> &str {
        once(&self.facts.scheme, backend::request::scheme)
    }

    /// Host and port as the client named them, in lower case.
    pub fn authority(&self) -> &str {
        once(&self.facts.authority, backend::request::authority)
    }

    /// The path in its normal form, percent-encoded, without the query.
    pub fn path(&self) -> &str {
        once(&self.facts.path, backend::request::path)
    }

    /// The query without its `?`, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        self.facts.query.get_or_init(backend::request::query).as_deref()
    }

    /// The first value of a query parameter, percent-decoded.
    pub fn query_param(&self, name: &str) -> Option<String> {
        self.query_params().get(name)
    }

    /// The parameters of the query, to read and to change.
    pub fn query_params(&self) -> QueryParams {
        QueryParams::parse(self.query().unwrap_or_default())
    }

    /// Name of the route.
    pub fn route(&self) -> &str {
        once(&self.facts.route, backend::request::route)
    }

    /// Name of the upstream that the exchange goes to; empty when the route answers by itself.
    pub fn upstream(&self) -> &str {
        once(&self.facts.upstream, backend::request::upstream)
    }

    /// The id that the gateway gave to the exchange, or took from a trusted proxy.
    pub fn id(&self) -> &str {
        once(&self.facts.id, backend::request::id)
    }

    /// Address of the client without its port, after the trusted-proxy rules, as text.
    pub fn client_address(&self) -> &str {
        once(&self.facts.client_address, backend::request::client_address)
    }
}

/// One code for all: a copy for each would be a hundredth of a component.
fn once(cell: &OnceCell<String>, ask: fn() -> String) -> &str {
    cell.get_or_init(ask)
}
