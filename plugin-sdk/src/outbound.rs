//! Requests of the plugin's own, to upstreams and origins that the configuration lets it reach. Needs the grant `outbound`.
//!
//! A call looks as if it blocked, and blocks nobody: the gateway serves others meanwhile. It works in
//! `on_request`, `on_response` and the hooks of whole bodies; elsewhere the answer is
//! [`SendError::Unavailable`]. All waiting of one call of a hook ends with `outbound.timeout` of the configuration.
//!
//! Crates that speak `wasi:http`, such as `wstd`, send to origins under the same grant; there waiting elsewhere is a fault.
//!
//! ```
//! use tollgate_plugin_sdk::prelude::*;
//!
//! /// Asks a service of the operator's whether a request may pass.
//! struct Authorizer;
//!
//! #[plugin]
//! impl Plugin for Authorizer {
//!     type Config = Empty;
//!
//!     fn configure(_: Empty) -> Result<Self, ConfigError> {
//!         Ok(Self)
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Action {
//!         let question = outbound::Request::upstream(Method::POST, "policy", "/v1/allow")
//!             .json(&json!({ "method": request.method().as_str(), "path": request.path() }))
//!             .timeout(Duration::from_millis(200));
//!         match question.send() {
//!             Ok(answer) if answer.status() == 200 => Action::Next,
//!             Ok(_) => Reply::forbidden().into(),
//!             Err(error) => Reply::service_unavailable().detail(error.to_string()).into(),
//!         }
//!     }
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Empty {}
//!
//! // A native test: answers are prepared, and what was sent is kept.
//! let gateway = testing::Gateway::new();
//! let plugin = testing::configure::<Authorizer>(json!({})).unwrap();
//!
//! gateway.answer(testing::response(200));
//! plugin.request(testing::get("/orders")).next();
//! assert_eq!(gateway.sent()[0].bytes(), br#"{"method":"GET","path":"/orders"}"#);
//!
//! gateway.fail(outbound::SendError::Timeout);
//! assert_eq!(plugin.request(testing::get("/orders")).reply().status(), 503);
//! ```

use crate::backend;
use crate::header::{AsHeaderName, AsHeaderValue, value};
use crate::state::millis;
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;
use std::error::Error;
use std::fmt::{self, Display};
use std::time::Duration;

/// A request of the plugin's own. The exchange's `traceparent`, `tracestate` and `x-request-id` are added, unless they are
/// here.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a request that is not sent does nothing"]
pub struct Request {
    pub(crate) target: Target,
    pub(crate) method: Method,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// Milliseconds.
    pub(crate) timeout: Option<u32>,
    pub(crate) redirects: u8,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// To an upstream, by its name, for a path with its query.
    Upstream(String, String),
    /// To a URL.
    Url(String),
}

impl Request {
    /// A request to an upstream, by its name: the gateway chooses the endpoint. `target` is a path with its query if it has
    /// one; put what comes from elsewhere into it percent-encoded ([`percent`](crate::percent)).
    pub fn upstream(method: Method, name: impl Into<String>, target: impl Into<String>) -> Self {
        Self::new(method, Target::Upstream(name.into(), target.into()))
    }

    /// A request to a URL: `https://api.example.com/v1/keys?id=7`.
    pub fn url(method: Method, url: impl Into<String>) -> Self {
        Self::new(method, Target::Url(url.into()))
    }

    fn new(method: Method, target: Target) -> Self {
        Self { target, method, headers: Vec::new(), body: Vec::new(), timeout: None, redirects: 0 }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl AsHeaderName, value: impl AsHeaderValue) -> Self {
        let name = name.as_header_name().into_owned();
        self.headers.push((name, value.as_header_value().into_owned()));
        self
    }

    /// The body. `content-length` is the gateway's to set.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// The body as JSON, with its `content-type`.
    ///
    /// # Panics
    /// When the value has no form in JSON, such as a map with keys that are not strings.
    #[track_caller]
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.body = body,
            Err(error) => panic!("no JSON: {error}"),
        }
        match self.headers.iter().any(|(name, _)| name == "content-type") {
            true => self,
            false => self.header("content-type", "application/json"),
        }
    }

    /// How long there may be no answer, if that is less than the configuration lets the plugin wait. Whole milliseconds.
    pub fn timeout(mut self, timeout: impl Into<Duration>) -> Self {
        self.timeout = Some(u32::try_from(millis(timeout.into())).unwrap_or(u32::MAX));
        self
    }

    /// How many redirects are followed at most: none if nothing is said, and not more than 10, or the request is
    /// [`SendError::Invalid`].
    ///
    /// Each leads where the plugin may send by itself, or is [`SendError::Redirect`]: to the same upstream or origin, to
    /// another origin that is granted, never from https to http. Methods and bodies change as in browsers (RFC 9110, section
    /// 15.4). `authorization` and `cookie` stay behind where it leads to another origin; a key in a header of another name
    /// goes on. All of them have one timeout. A native test prepares what they lead to in the end.
    ///
    /// ```
    /// # use tollgate_plugin_sdk::prelude::*;
    /// let request = outbound::Request::url(Method::GET, "https://api.example.com/v1/keys").redirects(3);
    /// assert_eq!(request.most_redirects(), 3);
    /// ```
    pub fn redirects(mut self, most: u8) -> Self {
        self.redirects = most;
        self
    }

    /// Sends it and waits for the whole response.
    pub fn send(self) -> Result<Response, SendError> {
        backend::outbound::send(self)
    }

    /// Where it goes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The first value of a header, if it is UTF-8.
    pub fn header_str(&self, name: impl AsHeaderName) -> Option<&str> {
        first(&self.headers, &name.as_header_name()).and_then(|value| str::from_utf8(value).ok())
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// How many redirects are followed at most.
    pub fn most_redirects(&self) -> u8 {
        self.redirects
    }
}

/// Sends all of them at once, at most 16, and waits for every answer; they are in the order of the requests.
pub fn send_all(requests: impl IntoIterator<Item = Request>) -> Vec<Result<Response, SendError>> {
    backend::outbound::send_all(requests.into_iter().collect())
}

/// A whole response. One that says to go elsewhere (3xx) is a response as any other, unless [`Request::redirects`] has it
/// followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The first value of a header.
    pub fn header(&self, name: impl AsHeaderName) -> Option<HeaderValue> {
        first(&self.headers, &name.as_header_name()).and_then(|bytes| value(bytes.to_owned()))
    }

    /// The first value of a header, if it is UTF-8.
    pub fn header_str(&self, name: impl AsHeaderName) -> Option<String> {
        first(&self.headers, &name.as_header_name()).and_then(|value| String::from_utf8(value.to_owned()).ok())
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

fn first<'h>(headers: &'h [(String, Vec<u8>)], name: &str) -> Option<&'h [u8]> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_slice())
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// The hook that runs cannot wait.
    Unavailable,
    /// The configuration does not let this plugin send to such an upstream or origin.
    NotGranted,
    /// The request is not one; says why. Nothing was sent.
    Invalid(String),
    /// No endpoint is in service, or the host's name stands for no address that may be dialled. Nothing was sent.
    NoEndpoint,
    /// There was no connection, or no TLS with a certificate that is to be trusted. Nothing was sent.
    Connect,
    /// There was no whole answer in time.
    Timeout,
    /// The connection ended before the response did, or what came is no response.
    Broken,
    /// The response's body is longer than `outbound.max-body` of the configuration.
    TooLarge,
    /// The upstream has its limit of requests, or the gateway no room for the body.
    Busy,
    /// The response leads elsewhere, and that is not followed: it is one more than [`Request::redirects`] says, it leads where
    /// this plugin may not send or from https to http, or its `location` is no place. Says why.
    Redirect(String),
    /// What this version does not tell apart.
    Other(String),
}

impl Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "this hook cannot wait for an answer",
            Self::NotGranted => "the configuration does not grant it",
            Self::Invalid(why) => return write!(f, "the request cannot be sent: {why}"),
            Self::NoEndpoint => "there is no endpoint to send to",
            Self::Connect => "there was no connection",
            Self::Timeout => "there was no answer in time",
            Self::Broken => "the connection ended before the response",
            Self::TooLarge => "the response is too long",
            Self::Busy => "there is no room for it now",
            Self::Redirect(why) => return write!(f, "a redirect is not followed: {why}"),
            Self::Other(why) => why,
        })
    }
}

impl Error for SendError {}
