//! What an `[[upstream]]` says of its balancer and of which endpoints are in service, as it is written.

use std::time::Duration;

use crate::config::checked::SameSite;
use crate::config::node::{Node, Text, Value};
use crate::config::problem::Place;
use crate::config::read::{Form, Placed, Reading, form, words};
use crate::config::values::{OrOff, Percent, Whole};

form! {
    /// How endpoints are asked how they are: `path` or `tcp`.
    struct Health {
        /// Asked by `GET`, with a query if there is one.
        optional path: Text,
        /// A connection that opens is enough.
        preset tcp: bool = false,
        /// What `Host` says; the endpoint's own if nothing is said.
        optional host: Text,
        /// Good ones; 200 to 399 if none is said.
        preset status: Placed<Vec<HealthStatus>> = [],
        /// Between two probes of an endpoint in service. One that is out is asked at least twice a second.
        preset interval: Duration = "5s",
        /// For a probe.
        preset timeout: Duration = "1s",
        /// Good probes in a row that put an endpoint back.
        preset healthy: Whole<1, 100> = 2,
        /// Bad ones in a row that take it out.
        preset unhealthy: Whole<1, 100> = 3,
    }
}

type HealthStatus = Whole<200, 599>;

form! {
    /// When requests that fail take their endpoint out of service.
    struct Ejection {
        /// So many in a row: no connection, no response, none in time, or one that is not valid.
        preset failures: OrOff<Whole<1, 100_000>> = 5,
        /// Responses with these are failures too.
        preset status: Vec<EjectionStatus> = [],
        /// For how long, the first time; twice as long each time that it fails again.
        preset time: Duration = "1s",
        /// For how long at most. Who served well for so long begins anew.
        preset longest: Duration = "30s",
        /// The part of the endpoints that may be ejected at once, rounded down: of one, none.
        preset most: Percent = "50%",
    }
}

type EjectionStatus = Whole<400, 599>;

form! {
    /// What `consistent-hash` hashes: one of these. Without it in a request, endpoints take turns.
    struct Hash {
        /// The first value of a header.
        optional header: Text,
        /// The value of a cookie.
        optional cookie: Text,
        /// The client's address, by `trusted-proxies`.
        preset client_address: bool = false,
    }
}

form! {
    /// The cookie of `sticky`.
    struct Sticky {
        /// Its name.
        preset cookie: Text = "tollgate-endpoint",
        /// What its value is made by, at least 16 bytes; without it, by one that each process draws.
        optional secret: Text,
        /// How long browsers keep it; without it, until they end.
        optional max_age: Duration,
        /// Whether browsers send it from pages of other sites. `none` is for TLS only.
        preset same_site: SameSite = "lax",
    }
}

impl Sticky {
    /// What it is if nothing is said.
    pub(in crate::config) fn unsaid(place: &Place) -> Self {
        let node = Node { place: place.clone(), value: Value::Table(Vec::new()) };
        Self::read(&node, &mut Reading::new(&mut Vec::new())).expect("no key is required")
    }
}

words! {
    SameSite {
        "strict" = SameSite::Strict,
        "lax" = SameSite::Lax,
        "none" = SameSite::None,
    }
}

/// A part, or `off`.
pub(in crate::config) type Threshold = OrOff<Percent>;
