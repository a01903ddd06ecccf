//! `[[upstream]]` as it is written.

use std::time::Duration;

use http::Method;
use serde_json::{Value as Json, json};

use super::upstream_health::{Ejection, Hash, Health, Sticky, Threshold};
use crate::config::checked::{Protocol, RetryOn};
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form, words};
use crate::config::values::{MIB, OrOff, Percent, Size, Whole};
use crate::wire::proxy_protocol::Version;

form! {
    /// A named group of equal endpoints.
    struct Upstream as "upstream" {
        /// Unique.
        required name: Text,
        /// At least one.
        required endpoints: Placed<Vec<Endpoint>>,
        /// What the endpoints speak.
        preset protocol: Placed<Protocol> = "http1",
        /// The choice among endpoints.
        preset balancer: Placed<BalancerWord> = "round-robin",
        /// How endpoints with `https` are spoken to.
        optional tls: Placed<UpstreamTls>,
        /// The version of the PROXY protocol by which endpoints are told whose connection it is. Not at all if nothing
        /// is said.
        optional proxy_protocol: Placed<Version>,
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
        /// When a request is sent again.
        table retry: Retry,
        /// How many requests run at once.
        table limit: Limit,
        /// The upstream that stands in when no endpoint of this one can be sent to.
        optional failover: Text,
    }
}

words! {
    Protocol {
        "http1" = Protocol::Http1,
        "http2" = Protocol::Http2,
        "auto" = Protocol::Auto,
    }
}

words! {
    Version {
        "v1" = Version::V1,
        "v2" = Version::V2,
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
    /// How endpoints with `https` are spoken to.
    struct UpstreamTls {
        /// PEM file with the certificates of those who issue the endpoints'. The system's if nothing is said.
        optional ca: Text,
        /// PEM files with revocation lists.
        preset crls: Vec<Text> = [],
        /// PEM file with a certificate that is shown to endpoints which ask for one, and behind it those that lead to its
        /// issuer.
        optional cert: Text,
        /// PEM file with the private key of `cert`.
        optional key: Text,
        /// Whose certificate the endpoints show; a DNS name is what they are asked for (SNI). The host of an endpoint's
        /// URL if nothing is said.
        optional server_name: Text,
        /// With false, whoever answers is taken for the endpoint.
        preset verify: Placed<bool> = true,
    }
}

form! {
    /// How long an endpoint may take.
    struct Timeout {
        /// To an open connection.
        preset connect: Duration = "1s",
        /// From the request being sent to the head of its response.
        preset response: Duration = "15s",
        /// Between two pieces of the response's body, while the client takes them.
        preset idle: OrOff<Duration> = "5m",
        /// From the request being sent to the last byte of its response, all tries together.
        preset total: OrOff<Duration> = "off",
    }
}

form! {
    /// When a request is sent again.
    struct Retry {
        /// Tries of one request, the first included; 1: it is sent once.
        preset attempts: Whole<1, 10> = 2,
        /// `connect`: nothing was sent, nothing done with it, or an idle connection gone; `reset`: the endpoint left without a response; `timeout`:
        /// it did not respond in time.
        preset on: Vec<RetryOn> = ["connect"],
        /// After responses with these statuses.
        preset status: Vec<RetryStatus> = [],
        /// Of requests that are sent again although an endpoint may have acted on them.
        preset methods: Vec<Method> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"],
        /// Of a request's body that is kept for another try; a longer one is sent once.
        preset buffer: Size<0, { 16 * MIB }> = "64KiB",
        /// To the head of a response in one try, if that is less than `timeout.response`.
        optional per_try: Duration,
        /// Requests that are sent again, as a part of those that came of late.
        preset budget: Percent = "20%",
        /// The longest wait before an endpoint is tried again; it doubles each time.
        preset back_off: Duration = "25ms",
    }
}

words! {
    RetryOn {
        "connect" = RetryOn::Connect,
        "reset" = RetryOn::Reset,
        "timeout" = RetryOn::Timeout,
    }
}

/// Of a response that says that another one may be better.
type RetryStatus = Whole<400, 599>;

form! {
    /// How many requests run at once, on all workers together.
    struct Limit {
        /// With no response, or with one that is not at its end; `off`: any number.
        preset requests: OrOff<Whole<1, 1_000_000>> = "off",
        /// Requests that wait for one of them to end.
        preset queue: Whole<0, 1_000_000> = 1_000,
        /// How long one waits.
        preset queue_timeout: Duration = "1s",
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
        /// `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`.
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
        let url = json!({ "type": "string", "examples": ["http://127.0.0.1:9001", "https://users.example", "unix:/run/users.sock", "internal:echo"] });
        json!({ "anyOf": [url, Weighted::schema()] })
    }
}
