//! `[[upstream]]` as it is written.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::checked::{Balancer, Protocol};
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form, words};
use crate::config::values::Whole;
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
        preset balancer: Balancer = "round-robin",
        /// How endpoints with `https` are spoken to.
        optional tls: Placed<UpstreamTls>,
        /// The version of the PROXY protocol by which endpoints are told whose connection it is. Not at all if nothing
        /// is said.
        optional proxy_protocol: Placed<Version>,
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
        "auto" = Protocol::Auto,
    }
}

words! {
    Version {
        "v1" = Version::V1,
        "v2" = Version::V2,
    }
}

words! {
    Balancer {
        "round-robin" = Balancer::RoundRobin,
        "least-requests" = Balancer::LeastRequests,
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
