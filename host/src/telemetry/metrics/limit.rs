//! Upstreams whose requests are limited: how many run, and how many wait.

use std::sync::Arc;

use super::exposition::Exposition;
use crate::upstream::Permits;

/// An upstream that has a limit, by its name in the config.
pub type Limited = (String, Arc<Permits>);

pub(super) fn render(upstreams: &[Limited], out: &mut Exposition) {
    out.family("tollgate_upstream_requests", "gauge", "Requests that run at an upstream with a limit.");
    for (name, permits) in upstreams {
        out.sample("", &[("upstream", name)], permits.taken());
    }
    out.family("tollgate_upstream_requests_waiting", "gauge", "Requests that wait for one of them to end.");
    for (name, permits) in upstreams {
        out.sample("", &[("upstream", name)], permits.waiting());
    }
}
