//! Checked upstreams: which endpoints are in service.

use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};

/// How endpoints are asked how they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub question: HealthQuestion,
    pub interval: Duration,
    pub timeout: Duration,
    /// Good answers in a row that put an endpoint back.
    pub healthy: u32,
    /// Bad ones in a row that take it out.
    pub unhealthy: u32,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthQuestion {
    /// A connection.
    Tcp,
    /// `GET`. No statuses: 200 to 399 are good.
    Http { path: PathAndQuery, host: Option<HeaderValue>, statuses: Vec<StatusCode> },
}

/// When requests that fail take their endpoint out of service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// So many in a row.
    pub failures: Option<u32>,
    pub statuses: Vec<StatusCode>,
    pub time: Duration,
    pub longest: Duration,
    /// In thousandths of the endpoints.
    pub most: u32,
}
