//! Requests and responses as they stand on the wire, and builders of them.

use super::{ClientCertificate, apply};
use crate::Origin;
use crate::header::{AsHeaderName, AsHeaderValue};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use std::collections::BTreeMap;

/// The header fields of a message in the order of the wire.
pub(crate) type Fields = Vec<(HeaderName, HeaderValue)>;

/// A request as it goes to the next plugin or the upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) scheme: String,
    pub(crate) authority: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: Fields,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) client_address: String,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) route: String,
    pub(crate) upstream: String,
    pub(crate) id: String,
    pub(crate) consumer: Option<String>,
}

/// A response as it goes to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) origin: Origin,
}

/// Makes a request.
#[derive(Debug, Clone)]
pub struct RequestBuilder(pub(crate) Request);

/// Makes a response.
#[derive(Debug, Clone)]
pub struct ResponseBuilder(pub(crate) Response);

/// A `GET` request for a path, with its query if it has one.
pub fn get(target: &str) -> RequestBuilder {
    request(Method::GET, target)
}

/// A `POST` request for a path, with its query if it has one.
pub fn post(target: &str) -> RequestBuilder {
    request(Method::POST, target)
}

/// A request for a path, with its query if it has one, from `192.0.2.1`, on the route `route` to
/// the upstream `upstream`.
pub fn request(method: Method, target: &str) -> RequestBuilder {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    RequestBuilder(Request {
        method,
        scheme: "http".to_owned(),
        authority: "example.com".to_owned(),
        path: path.to_owned(),
        query,
        headers: Fields::new(),
        params: BTreeMap::new(),
        client_address: "192.0.2.1".to_owned(),
        certificate: None,
        route: "route".to_owned(),
        upstream: "upstream".to_owned(),
        id: "id".to_owned(),
        consumer: None,
    })
}

/// A response of the upstream.
///
/// # Panics
/// When the status is not one.
#[track_caller]
pub fn response(status: u16) -> ResponseBuilder {
    let status = StatusCode::from_u16(status).expect("a status is 100 to 999");
    let (headers, body) = (Fields::new(), Vec::new());
    ResponseBuilder(Response { status, headers, body, origin: Origin::Upstream })
}

impl RequestBuilder {
    /// Adds a header.
    #[track_caller]
    pub fn header(mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        push(&mut self.0.headers, &name, value);
        self
    }

    /// What the route's path captured under a name.
    pub fn param(mut self, name: &str, value: &str) -> Self {
        self.0.params.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Address of the client.
    pub fn client_address(mut self, address: &str) -> Self {
        self.0.client_address = address.to_owned();
        self
    }

    /// The certificate that the client has shown, over `https`.
    pub fn client_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.0.scheme = "https".to_owned();
        self.0.certificate = Some(certificate);
        self
    }

    /// `http` or `https`.
    pub fn scheme(mut self, scheme: &str) -> Self {
        self.0.scheme = scheme.to_owned();
        self
    }

    /// Host and port.
    pub fn authority(mut self, authority: &str) -> Self {
        self.0.authority = authority.to_owned();
        self
    }

    /// Name of the route.
    pub fn route(mut self, name: &str) -> Self {
        self.0.route = name.to_owned();
        self
    }

    /// Name of the upstream.
    pub fn upstream(mut self, name: &str) -> Self {
        self.0.upstream = name.to_owned();
        self
    }

    /// Id of the exchange.
    pub fn id(mut self, id: &str) -> Self {
        self.0.id = id.to_owned();
        self
    }

    /// The consumer of the [`Gateway`](super::Gateway) that an earlier plugin has identified.
    pub fn consumer(mut self, name: &str) -> Self {
        self.0.consumer = Some(name.to_owned());
        self
    }
}

impl ResponseBuilder {
    /// Adds a header.
    #[track_caller]
    pub fn header(mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        push(&mut self.0.headers, &name, value);
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Who made it.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.0.origin = origin;
        self
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path, without the query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query, without its `?`.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// The upstream that it goes to.
    pub fn upstream(&self) -> &str {
        &self.upstream
    }

    /// The first value of a header; fails the test if it is not UTF-8.
    #[track_caller]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        first(&self.headers, &name)
    }

    /// Every header in the order of the wire.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The first value of a header; fails the test if it is not UTF-8.
    #[track_caller]
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        first(&self.headers, &name)
    }

    /// Every header in the order of the wire.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON; fails the test if it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

#[track_caller]
fn push(headers: &mut Fields, name: &impl AsHeaderName, value: impl AsHeaderValue) {
    let name = name.as_header_name();
    if let Err(error) = apply::append_header(headers, &name, &value.as_header_value()) {
        panic!("cannot write the header `{name}`: {error}");
    }
}

#[track_caller]
fn first<'h>(headers: &'h Fields, name: &impl AsHeaderName) -> Option<&'h str> {
    let name = name.as_header_name();
    let (_, value) = headers.iter().find(|(other, _)| *other == *name)?;
    Some(str::from_utf8(value.as_bytes()).expect("the value is UTF-8"))
}
