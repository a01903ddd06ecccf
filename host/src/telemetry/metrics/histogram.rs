//! Durations counted into fixed buckets (Prometheus' classic histogram).

use super::exposition::{Exposition, Seconds};

/// `B` bounded buckets; what is longer than the last bound shows in `+Inf` only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Histogram<const B: usize> {
    /// Not cumulative: one addition per record.
    buckets: [u64; B],
    count: u64,
    nanos: u64,
}

impl<const B: usize> Histogram<B> {
    pub(super) fn record(&mut self, bounds: &[u64; B], nanos: u64) {
        self.count += 1;
        self.nanos = self.nanos.saturating_add(nanos);
        // A bound belongs to its bucket: `le` is "less or equal".
        if let Some(bucket) = bounds.iter().position(|bound| nanos <= *bound) {
            self.buckets[bucket] += 1;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
        self.nanos = self.nanos.saturating_add(other.nanos);
    }

    /// The samples of the family that was begun, under `labels`.
    pub(super) fn render(&self, bounds: &[u64; B], labels: &[(&str, &str)], out: &mut Exposition) {
        let mut cumulative = 0;
        for (bound, bucket) in bounds.iter().zip(self.buckets) {
            cumulative += bucket;
            let bound = Seconds(*bound).to_string();
            out.sample("_bucket", &[labels, &[("le", &bound)]].concat(), cumulative);
        }
        out.sample("_bucket", &[labels, &[("le", "+Inf")]].concat(), self.count);
        out.sample("_sum", labels, Seconds(self.nanos));
        out.sample("_count", labels, self.count);
    }
}

impl<const B: usize> Default for Histogram<B> {
    fn default() -> Self {
        Self { buckets: [0; B], count: 0, nanos: 0 }
    }
}
