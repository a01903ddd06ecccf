//! Numbers of the plugin's own among the gateway's metrics. Needs no grant.
//!
//! What there is to count is declared in [`configure`](crate::Plugin::configure), each label's value with it, so that no
//! client can make labels without end. A plugin declares at most 256; each instance declares the same in the same
//! order. All workers' numbers are shown together, and survive reloads for as long as the plugin declares them.
//!
//! ```
//! use tollgate_plugin_sdk::metrics::{Counter, Histogram};
//! use tollgate_plugin_sdk::prelude::*;
//!
//! struct Sizes {
//!     large: Counter,
//!     sizes: Histogram,
//! }
//!
//! #[plugin]
//! impl Plugin for Sizes {
//!     type Config = ();
//!
//!     fn configure(_: ()) -> Result<Self, ConfigError> {
//!         Ok(Self {
//!             large: Counter::new("responses", "Responses, by how large they were.", &[("size", "large")]),
//!             sizes: Histogram::new("response_bytes", "Bytes of responses.", &[], &[1e3, 1e6]),
//!         })
//!     }
//!
//!     fn on_log(&self, entry: &LogEntry) {
//!         self.sizes.observe(entry.response_bytes() as f64);
//!         if entry.response_bytes() > 1_000_000 {
//!             self.large.increment();
//!         }
//!     }
//! }
//!
//! let gateway = testing::Gateway::new();
//! let plugin = testing::configure::<Sizes>(json!(null)).unwrap();
//! plugin.log(testing::entry().bytes(0, 2_000_000)).unwrap();
//! // In the gateway, `tollgate_plugin_own_responses_total{plugin="..",size="large"} 1`.
//! assert_eq!(gateway.metric("responses", &[("size", "large")]), [1.0]);
//! assert_eq!(gateway.metric("response_bytes", &[]), [2_000_000.0]);
//! ```

use crate::backend;
use std::time::Duration;

/// A number that only grows.
///
/// Of a name and labels: lower-case letters, digits and `_`, a letter first, at most 64. `help` says what is counted, in
/// one line of at most 256 bytes. At most 8 labels, with values of at most 128 bytes. What is none is a fault, as is a
/// declaration outside `configure`.
#[derive(Debug)]
pub struct Counter(u32);

impl Counter {
    /// Declares it. The gateway puts `_total` behind the name.
    pub fn new(name: &str, help: &str, labels: &[(&str, &str)]) -> Self {
        Self(backend::metrics::counter(name, help, labels))
    }

    /// Adds 1.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds so many.
    pub fn add(&self, more: u64) {
        backend::metrics::add(self.0, more);
    }
}

/// A number that goes up and down, and is the same for all workers. Named as a [`Counter`].
#[derive(Debug)]
pub struct Gauge(u32);

impl Gauge {
    /// Declares it.
    pub fn new(name: &str, help: &str, labels: &[(&str, &str)]) -> Self {
        Self(backend::metrics::gauge(name, help, labels))
    }

    /// Sets it. A number that is not finite changes nothing.
    pub fn set(&self, value: f64) {
        backend::metrics::set(self.0, value);
    }
}

/// A distribution of numbers. Named as a [`Counter`].
#[derive(Debug)]
pub struct Histogram(u32);

impl Histogram {
    /// Declares it, with at most 32 bounds of its buckets, ascending. A bound belongs to its bucket.
    pub fn new(name: &str, help: &str, labels: &[(&str, &str)], bounds: &[f64]) -> Self {
        Self(backend::metrics::histogram(name, help, labels, bounds))
    }

    /// Counts a number. One that is not finite is left out.
    pub fn observe(&self, value: f64) {
        backend::metrics::observe(self.0, value);
    }

    /// Counts a time, in seconds, as Prometheus has it.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }
}
