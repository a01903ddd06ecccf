//! `[[upstream]]` as it is written.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::upstream_health::{Ejection, Hash, Health, Sticky, Threshold};
use crate::config::checked::Protocol;
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form, words};
use crate::config::values::{OrOff, Whole};

form! {
    /// A named group of equal endpoints.
    struct Upstream as "upstream" {
        /// Unique.
        required name: Text,
        /// At least one.
        required endpoints: Placed<Vec<Endpoint>>,
        /// What the endpoints speak.
        preset protocol: Protocol = "http1",
        /// The choice among endpoints.
        preset balancer: Placed<BalancerWord> = "round-robin",
        /// What `consistent-hash` hashes.
        optional hash: Hash,
        /// The cookie of `sticky`.
        optional sticky: Sticky,
        /// How long an endpoint that comes, or comes back, takes to get its whole share.
        preset slow_start: OrOff<Duration> = "off",
        /// With less than this part of the endpoints in service, all are taken to be.
        preset panic_threshold: Threshold = "off",
        /// How endpoints are asked how they are.
        optional health: Health,
        /// When requests that fail take their endpoint out of service.
        table ejection: Ejection,
        /// How long an endpoint may take.
        table timeout: Timeout,
        /// Connections that wait for the next request.
        table keep_alive: KeepAlive,
    }
}

words! {
    Protocol {
        "http1" = Protocol::Http1,
        "http2" = Protocol::Http2,
    }
}

/// The choice among endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum BalancerWord {
    RoundRobin,
    LeastRequests,
    ConsistentHash,
    Sticky,
}

words! {
    BalancerWord {
        "round-robin" = BalancerWord::RoundRobin,
        "least-requests" = BalancerWord::LeastRequests,
        "consistent-hash" = BalancerWord::ConsistentHash,
        "sticky" = BalancerWord::Sticky,
    }
}

form! {
    /// How long an endpoint may take.
    struct Timeout {
        /// To an open connection.
        preset connect: Duration = "1s",
        /// From the request being sent to the head of its response.
        preset response: Duration = "15s",
    }
}

form! {
    /// Connections that wait for the next request.
    struct KeepAlive {
        /// Idle ones for each worker and endpoint; 0: every request opens its own.
        preset connections: Whole<0, 100_000> = 256,
        /// How long one waits.
        preset idle_timeout: Duration = "60s",
        /// HTTP/2: how often one is asked for a sign of life while requests run on it.
        preset ping_interval: Duration = "5m",
    }
}

/// An endpoint, written as its URL alone or as a table.
#[derive(Debug)]
pub(in crate::config) struct Endpoint {
    pub(in crate::config) url: Option<Text>,
    pub(in crate::config) weight: Weight,
}

type Weight = Whole<1, 65_535>;

form! {
    /// An endpoint with its weight.
    struct Weighted {
        /// `http://host:port` or `internal:echo`.
        required url: Text,
        /// Its share of the requests, relative to the other endpoints.
        preset weight: Weight = 1,
    }
}

impl Form for Endpoint {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => Weighted::read(node, reading).map(|Weighted { url, weight, .. }| Self { url, weight }),
            _ => {
                let url = reading.text(node, "a URL or a table with `url` and `weight`")?;
                Some(Self { url: Some(url.clone()), weight: Whole(1) })
            }
        }
    }

    fn schema() -> Json {
        let url = json!({ "type": "string", "examples": ["http://127.0.0.1:9001", "internal:echo"] });
        json!({ "anyOf": [url, Weighted::schema()] })
    }
}
