//! Where the request goes and came from: the parts that are text, each asked for once.

use super::{QueryParams, Request};
use crate::backend;
use crate::edit::Edit;
use std::cell::OnceCell;

#[derive(Debug, Default)]
pub(super) struct Facts {
    scheme: OnceCell<String>,
    authority: OnceCell<String>,
    path: OnceCell<String>,
    query: OnceCell<Option<String>>,
    route: OnceCell<String>,
    upstream: OnceCell<String>,
    id: OnceCell<String>,
    pub(super) client_address: OnceCell<String>,
}

impl Request {
    /// `http` or `https`: how the client reached the gateway, after the trusted-proxy rules.
    pub fn scheme(&self) -> &str {
        self.facts.scheme.get_or_init(backend::request::scheme)
    }

    /// Host and port as the client named them, in lower case.
    pub fn authority(&self) -> &str {
        self.facts.authority.get_or_init(backend::request::authority)
    }

    /// The path in its normal form, percent-encoded, without the query.
    pub fn path(&self) -> &str {
        let edited = self.head.edits.latest(|edit| match edit {
            Edit::SetPath(path) => Some(path.as_str()),
            _ => None,
        });
        edited.unwrap_or_else(|| self.facts.path.get_or_init(backend::request::path))
    }

    /// Changes the path: percent-encoded, starting with `/`, without a query.
    pub fn set_path(&mut self, path: impl Into<String>) {
        self.head.edits.push(Edit::SetPath(path.into()));
    }

    /// The query without its `?`, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        let edited = self.head.edits.latest(|edit| match edit {
            Edit::SetQuery(query) => Some(query.as_deref()),
            _ => None,
        });
        edited.unwrap_or_else(|| self.facts.query.get_or_init(backend::request::query).as_deref())
    }

    /// Changes the query, without its `?`, percent-encoded; `None` removes it.
    pub fn set_query(&mut self, query: Option<String>) {
        self.head.edits.push(Edit::SetQuery(query));
    }

    /// The first value of a query parameter, percent-decoded.
    pub fn query_param(&self, name: &str) -> Option<String> {
        self.query_params().get(name)
    }

    /// The parameters of the query, to read and to change.
    pub fn query_params(&self) -> QueryParams {
        QueryParams::parse(self.query().unwrap_or_default())
    }

    /// Changes the query to these parameters; none of them removes it.
    pub fn set_query_params(&mut self, params: &QueryParams) {
        self.set_query(if params.is_empty() { None } else { Some(params.to_string()) });
    }

    /// Name of the route.
    pub fn route(&self) -> &str {
        self.facts.route.get_or_init(backend::request::route)
    }

    /// Name of the upstream that the exchange goes to.
    pub fn upstream(&self) -> &str {
        let steered = self.head.edits.latest(|edit| match edit {
            Edit::Steer(upstream) => Some(upstream.as_str()),
            _ => None,
        });
        steered.unwrap_or_else(|| self.facts.upstream.get_or_init(backend::request::upstream))
    }

    /// Sends the exchange to another upstream of the configuration, by name.
    pub fn steer(&mut self, upstream: impl Into<String>) {
        self.head.edits.push(Edit::Steer(upstream.into()));
    }

    /// The id that the gateway gave to the exchange, or took from a trusted proxy.
    pub fn id(&self) -> &str {
        self.facts.id.get_or_init(backend::request::id)
    }
}
