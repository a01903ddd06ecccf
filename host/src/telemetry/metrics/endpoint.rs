//! What becomes of requests to endpoints, and which are in service. As many series as the config has endpoints.

use std::collections::HashSet;
use std::fmt::Display;
use std::sync::Arc;

use super::exposition::Exposition;
use crate::upstream::{Upstream, Vitals};

/// An address that is there twice in an upstream is one endpoint.
pub(super) fn once_each(upstreams: &[Upstream]) -> Vec<Arc<Vitals>> {
    let mut seen = HashSet::new();
    let all = upstreams.iter().flat_map(|upstream| &upstream.endpoints).map(|endpoint| &endpoint.vitals);
    all.filter(|vitals| seen.insert((&*vitals.upstream, &*vitals.endpoint))).cloned().collect()
}

pub(super) fn render(endpoints: &[Arc<Vitals>], out: &mut Exposition) {
    let mut family = |name, kind, help, value: &dyn Fn(&Vitals) -> u64| {
        out.family(name, kind, help);
        for vitals in endpoints {
            sample(out, vitals, value(vitals));
        }
    };
    let requests = "Tries of requests, by the endpoint that they went to.";
    family("tollgate_upstream_endpoint_requests_total", "counter", requests, &|vitals| vitals.tries_and_failures().0);
    let failures = "Tries that got no valid response in time, or one that counts as none.";
    family("tollgate_upstream_endpoint_failures_total", "counter", failures, &|vitals| vitals.tries_and_failures().1);
    let healthy = "Whether its probes find an endpoint well; 1 without probes.";
    family("tollgate_upstream_endpoint_healthy", "gauge", healthy, &|vitals| vitals.is_healthy().into());
    let ejected = "Whether an endpoint is out of service for failures of requests.";
    family("tollgate_upstream_endpoint_ejected", "gauge", ejected, &|vitals| vitals.is_ejected().into());
}

fn sample(out: &mut Exposition, vitals: &Vitals, value: impl Display) {
    out.sample("", &[("upstream", &vitals.upstream), ("endpoint", &vitals.endpoint)], value);
}
