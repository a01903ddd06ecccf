//! How much plugins keep in `state` and `limiter`, all of them together.

use super::exposition::Exposition;
use crate::state::State;

pub(super) fn render(state: &State, out: &mut Exposition) {
    let kept = [("state", state.store.usage()), ("limiter", state.limiter.usage())];
    out.family("tollgate_state_entries", "gauge", "Entries that plugins keep.");
    for (store, usage) in &kept {
        out.sample("", &[("store", store)], usage.entries);
    }
    out.family("tollgate_state_bytes", "gauge", "What keeping them takes.");
    for (store, usage) in &kept {
        out.sample("", &[("store", store)], usage.bytes);
    }
    out.family("tollgate_state_evicted_total", "counter", "Entries that made room before their time.");
    for (store, usage) in &kept {
        out.sample("", &[("store", store)], usage.dropped);
    }
}
