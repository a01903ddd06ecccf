//! Counters and histograms, kept by the workers and rendered for Prometheus.
//!
//! Every number has one cell per worker, on cache lines of its own, which only that worker writes; a scrape adds the
//! cells up. Entries are handed out by name, so that a reload keeps their counts, and live as long as something
//! besides the registry holds them: what no config uses any more is forgotten.
//!
//! Workers are numbered from 0; the control thread records nothing that is per worker.
//!
//! This module must not know the live config, nor who scrapes.

mod endpoint;
mod exposition;
mod handshake;
mod histogram;
mod host;
mod limit;
mod own;
mod plugin;
mod process;
mod route;
mod state;

pub use handshake::{CertificateEnd, HandshakeFailure, HandshakeMetrics, TlsVersion};
pub use host::{Counter, HostMetrics, WorkerMetrics};
pub use limit::Limited;
pub use own::{OwnKind, OwnMetric, Series};
pub use plugin::{FaultKind, Hook, Outcome, PluginMetrics, Sent};
pub use route::RouteMetrics;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use self::exposition::Exposition;
use super::Drops;
use crate::state::State;
use crate::upstream::{Upstream, Vitals};

/// Everything that is measured, for the whole life of the process.
pub struct Registry {
    workers: usize,
    /// What the control thread sets.
    pub host: HostMetrics,
    worker_metrics: Vec<Arc<WorkerMetrics>>,
    unmatched: Arc<RouteMetrics>,
    routes: Mutex<Entries<RouteMetrics>>,
    plugins: Mutex<Entries<PluginMetrics>>,
    handshakes: Mutex<Entries<HandshakeMetrics>>,
    certificates: Mutex<Vec<CertificateEnd>>,
    limited: Mutex<Vec<Limited>>,
    endpoints: Mutex<Vec<Arc<Vitals>>>,
    drops: Mutex<Vec<(&'static str, Drops)>>,
    state: OnceLock<Arc<State>>,
    bodies: OnceLock<Box<dyn Fn() -> usize + Send + Sync>>,
    process: process::Process,
}

impl Registry {
    pub fn new(workers: usize) -> Self {
        Self {
            workers,
            host: HostMetrics::default(),
            worker_metrics: (0..workers).map(|_| Arc::default()).collect(),
            unmatched: Arc::new(RouteMetrics::new(workers)),
            routes: Mutex::default(),
            plugins: Mutex::default(),
            handshakes: Mutex::default(),
            certificates: Mutex::default(),
            limited: Mutex::default(),
            endpoints: Mutex::default(),
            drops: Mutex::default(),
            state: OnceLock::new(),
            bodies: OnceLock::new(),
            process: process::Process::new(),
        }
    }

    /// The metrics of a route, by its name. Ask while a config is built, not per request.
    pub fn route(&self, name: &str) -> Arc<RouteMetrics> {
        locked(&self.routes).entry(name, || RouteMetrics::new(self.workers))
    }

    /// The metrics of requests that no route took; rendered with an empty `route`.
    pub fn unmatched(&self) -> Arc<RouteMetrics> {
        Arc::clone(&self.unmatched)
    }

    /// The metrics of a plugin, by its scope (its name in the config). Ask while a config is built.
    pub fn plugin(&self, scope: &str) -> Arc<PluginMetrics> {
        locked(&self.plugins).entry(scope, || PluginMetrics::new(self.workers))
    }

    /// The handshakes of a listener that speaks TLS, by its address in the config. Ask while a config is built.
    pub fn handshakes(&self, listener: &str) -> Arc<HandshakeMetrics> {
        locked(&self.handshakes).entry(listener, || HandshakeMetrics::new(self.workers))
    }

    /// Shows until when the certificates of the live config are good, in place of those of an earlier one. No two have
    /// the same listener and file.
    pub fn show_certificates(&self, certificates: Vec<CertificateEnd>) {
        *locked(&self.certificates) = certificates;
    }

    /// Shows the upstreams of the live config that have a limit, in place of those of an earlier one.
    pub fn show_limited(&self, upstreams: Vec<Limited>) {
        *locked(&self.limited) = upstreams;
    }

    /// Shows how the endpoints of the live config are, in place of those of an earlier one.
    pub fn show_endpoints(&self, upstreams: &[Upstream]) {
        *locked(&self.endpoints) = endpoint::once_each(upstreams);
    }

    /// What one worker counts besides routes and plugins.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn worker(&self, worker: usize) -> Arc<WorkerMetrics> {
        Arc::clone(&self.worker_metrics[worker])
    }

    /// Shows a stream's lost lines as `tollgate_log_lines_dropped_total{log=".."}`.
    pub fn count_drops(&self, log: &'static str, drops: Drops) {
        locked(&self.drops).push((log, drops));
    }

    /// Shows how much plugins keep in it. There is one for the life of the process.
    pub fn show_state(&self, state: Arc<State>) {
        let _ = self.state.set(state);
    }

    /// Shows how many bytes of bodies are kept, as this tells. There is one for the life of the process.
    pub fn show_bodies(&self, kept: impl Fn() -> usize + Send + Sync + 'static) {
        let _ = self.bodies.set(Box::new(kept));
    }

    /// Prometheus' text format 0.0.4, in a stable order:
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
    pub fn render(&self) -> String {
        let mut routes = locked(&self.routes).live();
        routes.insert(0, (String::new(), self.unmatched()));
        let plugins = locked(&self.plugins).live();

        let mut out = Exposition::default();
        route::render(&routes, &mut out);
        plugin::render(&plugins, &mut out);
        let own = plugins.iter().flat_map(|(name, plugin)| plugin.own().into_iter().map(|own| (name.as_str(), own)));
        own::render(&own.collect::<Vec<_>>(), &mut out);
        handshake::render(&locked(&self.handshakes).live(), &locked(&self.certificates), &mut out);
        endpoint::render(&locked(&self.endpoints), &mut out);
        self.host.render(&mut out);
        host::render_workers(&self.worker_metrics, &mut out);
        limit::render(&locked(&self.limited), &mut out);
        host::render_mirrored(&self.worker_metrics, &mut out);
        host::render_accepts(&self.host, &self.worker_metrics, &mut out);
        out.family("tollgate_log_lines_dropped_total", "counter", "Lines lost to a full buffer or a failing stream.");
        for (log, drops) in locked(&self.drops).iter() {
            out.sample("", &[("log", log)], drops.count());
        }
        if let Some(state) = self.state.get() {
            state::render(state, &mut out);
        }
        if let Some(kept) = self.bodies.get() {
            out.family("tollgate_body_bytes", "gauge", "What is kept of bodies for plugins.");
            out.sample("", &[], kept());
        }
        self.process.render(&mut out);
        out.into_text()
    }
}

/// Entries by name; those that only the map holds are dead and are dropped from time to time.
struct Entries<T> {
    by_name: BTreeMap<String, Arc<T>>,
    /// Sweep when the map has grown to this, so that 1,000 reloads without a scrape stay bounded, and looking up
    /// 10,000 routes stays linear.
    sweep_at: usize,
}

impl<T> Entries<T> {
    fn entry(&mut self, name: &str, new: impl FnOnce() -> T) -> Arc<T> {
        if let Some(entry) = self.by_name.get(name) {
            return Arc::clone(entry);
        }
        if self.by_name.len() >= self.sweep_at {
            self.sweep();
        }
        let entry = Arc::new(new());
        self.by_name.insert(name.to_owned(), Arc::clone(&entry));
        entry
    }

    fn live(&mut self) -> Vec<(String, Arc<T>)> {
        self.sweep();
        self.by_name.iter().map(|(name, entry)| (name.clone(), Arc::clone(entry))).collect()
    }

    fn sweep(&mut self) {
        self.by_name.retain(|_, entry| Arc::strong_count(entry) > 1);
        self.sweep_at = (2 * self.by_name.len()).max(64);
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), sweep_at: 64 }
    }
}

/// One cell per worker. The lock is the worker's own but for the instant in which a scrape copies the cell; 128 bytes
/// because x86 fetches cache lines in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Cell<T>(Mutex<T>);

impl<T> Cell<T> {
    fn per_worker(workers: usize) -> Box<[Self]>
    where
        T: Default,
    {
        (0..workers).map(|_| Self::default()).collect()
    }
}

/// A panic in the middle of a few additions leaves numbers, not a broken structure.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
