//! Metrics that plugins declare for themselves.
//!
//! A number of one worker is written by that worker alone, without a lock and on cache lines of its own. A scrape may see
//! a histogram between two of its additions, as Prometheus allows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use thiserror::Error;

use super::exposition::Exposition;

/// One declared metric with the values of its labels: one series, or those of one histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnMetric {
    name: String,
    help: String,
    labels: Vec<(String, String)>,
    kind: OwnKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum OwnKind {
    Counter,
    Gauge,
    /// The bounds of its buckets, ascending.
    Histogram(Vec<f64>),
}

/// Why there can be no such metric.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OwnMetricError {
    #[error("`{0}` is not a name: lower-case letters, digits and `_`, a letter first, at most {MOST_NAME}")]
    Name(String),
    #[error("`{0}` ends as the gateway lets names end: leave the suffix away")]
    Suffix(String),
    #[error("the help of `{0}` is not one line of at most {MOST_HELP} bytes")]
    Help(String),
    #[error("`{0}` has more than {MOST_LABELS} labels")]
    Labels(String),
    #[error("the label `{0}` is the gateway's own, or comes twice")]
    Reserved(String),
    #[error("the value of the label `{0}` is longer than {MOST_VALUE} bytes, or has control characters")]
    Value(String),
    #[error("the bounds of `{0}` are not at most {MOST_BOUNDS} ascending numbers")]
    Bounds(String),
}

const MOST_NAME: usize = 64;
const MOST_HELP: usize = 256;
const MOST_LABELS: usize = 8;
const MOST_VALUE: usize = 128;
const MOST_BOUNDS: usize = 32;

impl OwnMetric {
    pub fn new(
        name: String,
        help: String,
        labels: Vec<(String, String)>,
        kind: OwnKind,
    ) -> Result<Self, OwnMetricError> {
        if !is_name(&name) {
            return Err(OwnMetricError::Name(shown(&name)));
        }
        if ["_total", "_bucket", "_sum", "_count"].iter().any(|suffix| name.ends_with(suffix)) {
            return Err(OwnMetricError::Suffix(name));
        }
        if help.len() > MOST_HELP || help.contains(char::is_control) {
            return Err(OwnMetricError::Help(name));
        }
        if labels.len() > MOST_LABELS {
            return Err(OwnMetricError::Labels(name));
        }
        for (index, (label, value)) in labels.iter().enumerate() {
            if !is_name(label) {
                return Err(OwnMetricError::Name(shown(label)));
            }
            if ["plugin", "le"].contains(&label.as_str()) || labels[..index].iter().any(|(other, _)| other == label) {
                return Err(OwnMetricError::Reserved(label.clone()));
            }
            if value.len() > MOST_VALUE || value.contains(char::is_control) {
                return Err(OwnMetricError::Value(label.clone()));
            }
        }
        if let OwnKind::Histogram(bounds) = &kind {
            let ascending =
                bounds.windows(2).all(|pair| pair[0] < pair[1]) && bounds.iter().all(|bound| bound.is_finite());
            if bounds.len() > MOST_BOUNDS || !ascending {
                return Err(OwnMetricError::Bounds(name));
            }
        }
        Ok(Self { name, help, labels, kind })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The word for its kind: metrics of one name are of one kind.
    pub fn kind(&self) -> &'static str {
        match self.kind {
            OwnKind::Counter => "counter",
            OwnKind::Gauge => "gauge",
            OwnKind::Histogram(_) => "histogram",
        }
    }

    /// Whether both could not be shown: they are the same series.
    pub fn is_same_series(&self, other: &Self) -> bool {
        self.name == other.name && self.labels == other.labels
    }
}

fn is_name(name: &str) -> bool {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= MOST_NAME && name.starts_with(|first: char| first.is_ascii_lowercase()) && name.bytes().all(letters)
}

/// A name that is none, short enough for a log.
fn shown(name: &str) -> String {
    name.chars().take(MOST_NAME).flat_map(char::escape_debug).collect()
}

/// The numbers of one metric.
#[derive(Debug)]
pub struct Series {
    metric: OwnMetric,
    /// When it was declared last, among all: of two that cannot both be shown, the later one is.
    declared: AtomicU64,
    lines: Box<[Line]>,
    /// Lines of one worker.
    width: usize,
}

/// 128 bytes, because x86 fetches cache lines in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Line([AtomicU64; WORDS]);

const WORDS: usize = 16;
/// A counter's number, a gauge's bits, how many a histogram has.
const COUNT: usize = 0;
/// The bits of a histogram's sum.
const SUM: usize = 1;
/// The first of a histogram's buckets, which are not cumulative.
const BUCKETS: usize = 2;

static DECLARATIONS: AtomicU64 = AtomicU64::new(0);

impl Series {
    pub(super) fn new(metric: OwnMetric, workers: usize) -> Self {
        let words = match &metric.kind {
            OwnKind::Counter | OwnKind::Gauge => 1,
            OwnKind::Histogram(bounds) => BUCKETS + bounds.len(),
        };
        let width = words.div_ceil(WORDS);
        let lines = (0..workers.max(1) * width).map(|_| Line::default()).collect();
        Self { metric, declared: AtomicU64::new(0), lines, width }
    }

    pub(super) fn declare(&self) {
        self.declared.store(DECLARATIONS.fetch_add(1, Relaxed), Relaxed);
    }

    pub fn metric(&self) -> &OwnMetric {
        &self.metric
    }

    /// Adds to a counter. Answers false, as the next two, if it is none.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn add(&self, worker: usize, more: u64) -> bool {
        let is_counter = self.metric.kind == OwnKind::Counter;
        if is_counter {
            self.word(worker, COUNT).fetch_add(more, Relaxed);
        }
        is_counter
    }

    /// Sets a gauge, which all workers share.
    pub fn set(&self, value: f64) -> bool {
        let is_gauge = self.metric.kind == OwnKind::Gauge;
        if is_gauge && value.is_finite() {
            self.word(0, COUNT).store(value.to_bits(), Relaxed);
        }
        is_gauge
    }

    /// Counts into a histogram.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn observe(&self, worker: usize, value: f64) -> bool {
        let OwnKind::Histogram(bounds) = &self.metric.kind else { return false };
        if value.is_finite() {
            self.word(worker, COUNT).fetch_add(1, Relaxed);
            let sum = self.word(worker, SUM);
            // Only this worker writes it.
            sum.store((f64::from_bits(sum.load(Relaxed)) + value).to_bits(), Relaxed);
            let bucket = bounds.partition_point(|bound| *bound < value);
            if bucket < bounds.len() {
                self.word(worker, BUCKETS + bucket).fetch_add(1, Relaxed);
            }
        }
        true
    }

    fn word(&self, worker: usize, index: usize) -> &AtomicU64 {
        &self.lines[worker * self.width + index / WORDS].0[index % WORDS]
    }

    /// Of all workers together.
    fn total(&self, index: usize) -> u64 {
        self.each(index).fold(0, u64::wrapping_add)
    }

    fn each(&self, index: usize) -> impl Iterator<Item = u64> {
        (0..self.lines.len() / self.width).map(move |worker| self.word(worker, index).load(Relaxed))
    }

    /// The samples of the family that was begun.
    fn render(&self, plugin: &str, out: &mut Exposition) {
        let own = self.metric.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let labels: Vec<(&str, &str)> = [("plugin", plugin)].into_iter().chain(own).collect();
        match &self.metric.kind {
            OwnKind::Counter => out.sample("", &labels, self.total(COUNT)),
            OwnKind::Gauge => out.sample("", &labels, f64::from_bits(self.total(COUNT))),
            OwnKind::Histogram(bounds) => {
                let mut cumulative = 0;
                for (index, bound) in bounds.iter().enumerate() {
                    cumulative += self.total(BUCKETS + index);
                    out.sample("_bucket", &[labels.as_slice(), &[("le", &bound.to_string())]].concat(), cumulative);
                }
                // Never less than a bucket, also in the middle of an addition.
                let count = self.total(COUNT).max(cumulative);
                out.sample("_bucket", &[labels.as_slice(), &[("le", "+Inf")]].concat(), count);
                out.sample("_sum", &labels, self.each(SUM).map(f64::from_bits).sum::<f64>());
                out.sample("_count", &labels, count);
            }
        }
    }
}

/// What has one name, by plugin and labels.
type Family<'s> = BTreeMap<(&'s str, &'s [(String, String)]), &'s Series>;

/// Of two that have one name and different kinds, or are one series, only the one that was declared last is shown: a
/// configuration has no such two (the loader sees to it), but during a reload the old one is there as well.
pub(super) fn render(series: &[(&str, Arc<Series>)], out: &mut Exposition) {
    let mut latest: Vec<&(&str, Arc<Series>)> = series.iter().collect();
    latest.sort_by_key(|(_, series)| std::cmp::Reverse(series.declared.load(Relaxed)));
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    for (plugin, series) in latest {
        let metric = series.metric();
        let family = families.entry(&metric.name).or_default();
        if family.values().next().is_none_or(|first| first.metric.kind() == metric.kind()) {
            family.entry((*plugin, &metric.labels)).or_insert(series);
        }
    }
    for (name, family) in families {
        let Some(first) = family.values().max_by_key(|series| series.declared.load(Relaxed)) else { continue };
        let kind = first.metric.kind();
        let suffix = if kind == "counter" { "_total" } else { "" };
        out.family(format!("tollgate_plugin_own_{name}{suffix}"), kind, &first.metric.help);
        for ((plugin, _), series) in family {
            series.render(plugin, out);
        }
    }
}
