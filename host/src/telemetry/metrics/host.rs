//! What is counted once per worker, and once per process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::exposition::Exposition;

/// Only grows. Meant for one writing thread and any reader.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Nothing is written for 0.
    pub fn add(&self, more: u64) {
        if more > 0 {
            self.0.fetch_add(more, Relaxed);
        }
    }

    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Goes up and down. Meant for one writing thread and any reader.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    pub fn increment(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub fn decrement(&self) {
        self.0.fetch_sub(1, Relaxed);
    }

    pub fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }

    pub fn value(&self) -> i64 {
        self.0.load(Relaxed)
    }
}

/// Connections that were closed before anything was served on them, by what they lacked.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Room on the listener.
    pub connections: Counter,
    /// Room for one more of its address.
    pub of_address: Counter,
    /// The PROXY header that its peer was to send.
    pub proxy_protocol: Counter,
}

/// Copies of requests for a second upstream.
#[derive(Debug, Default)]
pub struct MirrorMetrics {
    /// With any status.
    pub answered: Counter,
    /// Without a response, or not in time.
    pub failed: Counter,
    /// Not sent: the body was too long or not at its end, or as many as may be were under way.
    pub skipped: Counter,
}

/// Written by one worker, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct WorkerMetrics {
    /// Clients' connections, tunnels included.
    pub connections: Gauge,
    pub connections_accepted: Counter,
    pub refusals: Refusals,
    pub accept_failures: Counter,
    /// Exchanges in flight.
    pub requests: Gauge,
    /// Those of them that are tunnels.
    pub tunnels: Gauge,
    /// `on-log` calls that did not happen because the worker's queue was full.
    pub on_log_dropped: Counter,
    /// HTTP/2 connections whose client was told to be calm.
    pub http2_floods: Counter,
    /// HTTP/2 responses that were given up because the client did not take them.
    pub http2_stalled: Counter,
    /// Tries besides the first of each request.
    pub retries: Counter,
    /// Requests that would have been sent again, but for the budget.
    pub retries_over_budget: Counter,
    /// Requests for which another upstream stood in.
    pub failovers: Counter,
    pub mirror: MirrorMetrics,
}

/// Written by the control thread.
#[derive(Debug, Default)]
pub struct HostMetrics {
    pub reloads_ok: Counter,
    pub reloads_failed: Counter,
    /// Which config is live: 1 is the one that the process started with.
    pub config_generation: Gauge,
    pub lookups_ok: Counter,
    pub lookups_failed: Counter,
    /// Of Unix sockets, which workers do not accept on.
    pub refusals: Refusals,
    pub accept_failures: Counter,
}

impl HostMetrics {
    pub(super) fn render(&self, out: &mut Exposition) {
        out.family("tollgate_build_info", "gauge", "Always 1.");
        out.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        out.family("tollgate_config_reloads_total", "counter", "Configs that were read after the first.");
        out.sample("", &[("result", "ok")], self.reloads_ok.value());
        out.sample("", &[("result", "failed")], self.reloads_failed.value());
        out.family("tollgate_config_generation", "gauge", "The live config; 1 is the first.");
        out.sample("", &[], self.config_generation.value());
        out.family("tollgate_dns_lookups_total", "counter", "Names of endpoints that were looked up.");
        out.sample("", &[("result", "ok")], self.lookups_ok.value());
        out.sample("", &[("result", "failed")], self.lookups_failed.value());
    }
}

pub(super) fn render_workers(workers: &[Arc<WorkerMetrics>], out: &mut Exposition) {
    type Value = fn(&WorkerMetrics) -> i64;
    let families: [(_, _, _, Value); 10] = [
        ("tollgate_connections", "gauge", "Clients' connections that are open.", |worker| worker.connections.value()),
        ("tollgate_connections_accepted_total", "counter", "Clients' connections accepted.", |worker| {
            worker.connections_accepted.value().cast_signed()
        }),
        ("tollgate_requests", "gauge", "Requests in flight.", |worker| worker.requests.value()),
        ("tollgate_tunnels", "gauge", "Tunnels that are open (WebSocket and others).", |worker| worker.tunnels.value()),
        ("tollgate_on_log_dropped_total", "counter", "on-log calls lost to a full queue.", |worker| {
            worker.on_log_dropped.value().cast_signed()
        }),
        ("tollgate_http2_floods_total", "counter", "HTTP/2 connections closed with ENHANCE_YOUR_CALM.", |worker| {
            worker.http2_floods.value().cast_signed()
        }),
        (
            "tollgate_http2_stalled_total",
            "counter",
            "HTTP/2 requests reset for a client that does not read or send.",
            |worker| worker.http2_stalled.value().cast_signed(),
        ),
        ("tollgate_retries_total", "counter", "Tries besides the first of a request.", |worker| {
            worker.retries.value().cast_signed()
        }),
        ("tollgate_retries_over_budget_total", "counter", "Requests not sent again for want of budget.", |worker| {
            worker.retries_over_budget.value().cast_signed()
        }),
        ("tollgate_failovers_total", "counter", "Requests for which another upstream stood in.", |worker| {
            worker.failovers.value().cast_signed()
        }),
    ];
    for (name, kind, help, value) in families {
        out.family(name, kind, help);
        for (index, worker) in workers.iter().enumerate() {
            out.sample("", &[("worker", &index.to_string())], value(worker));
        }
    }
}

/// What became of copies, added up.
pub(super) fn render_mirrored(workers: &[Arc<WorkerMetrics>], out: &mut Exposition) {
    type Of = fn(&MirrorMetrics) -> &Counter;
    let results: [(_, Of); 3] = [
        ("answered", |copies| &copies.answered),
        ("failed", |copies| &copies.failed),
        ("skipped", |copies| &copies.skipped),
    ];
    out.family(
        "tollgate_mirrored_total",
        "counter",
        "Copies of requests for a second upstream, by what became of them.",
    );
    for (result, of) in results {
        let copies: u64 = workers.iter().map(|worker| of(&worker.mirror).value()).sum();
        out.sample("", &[("result", result)], copies);
    }
}

/// What went wrong before a connection was anybody's, added up.
pub(super) fn render_accepts(host: &HostMetrics, workers: &[Arc<WorkerMetrics>], out: &mut Exposition) {
    type Of = fn(&Refusals) -> &Counter;
    let reasons: [(_, Of); 3] = [
        ("connections", |refusals| &refusals.connections),
        ("connections-per-address", |refusals| &refusals.of_address),
        ("proxy-protocol", |refusals| &refusals.proxy_protocol),
    ];
    let name = "tollgate_connections_refused_total";
    out.family(name, "counter", "Clients' connections that were closed unserved, by the limit or rule they met.");
    for (reason, of) in reasons {
        let of_workers: u64 = workers.iter().map(|worker| of(&worker.refusals).value()).sum();
        out.sample("", &[("reason", reason)], of(&host.refusals).value() + of_workers);
    }
    let failures: u64 = workers.iter().map(|worker| worker.accept_failures.value()).sum();
    let help = "Attempts to accept that the system refused, for want of descriptors mostly.";
    out.family("tollgate_accept_failures_total", "counter", help);
    out.sample("", &[], host.accept_failures.value() + failures);
}
