//! What is counted per plugin: what a policy costs and what it does.

use std::sync::{Arc, Mutex};

use super::exposition::Exposition;
use super::histogram::Histogram;
use super::own::{OwnMetric, Series};
use super::{Cell, locked};

/// Nanoseconds: 250 ns, a call that does nothing, to 100 ms, beyond any deadline.
const BOUNDS: [u64; 14] = [
    250,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    Request,
    RequestBody,
    RequestChunk,
    Response,
    ResponseBody,
    ResponseChunk,
    Log,
}

impl Hook {
    pub const ALL: [Self; 7] = [
        Self::Request,
        Self::RequestBody,
        Self::RequestChunk,
        Self::Response,
        Self::ResponseBody,
        Self::ResponseChunk,
        Self::Log,
    ];

    /// As plugin authors write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Request => "on-request",
            Self::RequestBody => "on-request-body",
            Self::RequestChunk => "on-request-chunk",
            Self::Response => "on-response",
            Self::ResponseBody => "on-response-body",
            Self::ResponseChunk => "on-response-chunk",
            Self::Log => "on-log",
        }
    }

    /// How its calls can end.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Request | Self::RequestBody | Self::Response | Self::ResponseBody => &["next", "reply", "fault"],
            Self::RequestChunk | Self::ResponseChunk => &["next", "stop", "fault"],
            Self::Log => &["next", "fault"],
        }
    }
}

/// How a hook's turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The action `next`; for `on-log`, that it returned.
    Next,
    /// The action `reply`.
    Reply,
    /// A chunk hook ended the exchange.
    Stop,
    /// It was the hook's turn, but `on-error = "skip"` let the exchange pass without it. No call, so no time either.
    Skipped,
    Fault(FaultKind),
}

/// Why a plugin gave no answer. Add kinds freely: [`FaultKind::ALL`] in the same order, and a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The guest trapped or panicked.
    Trap,
    /// A hook answered an error.
    Error,
    /// The guest overran its CPU budget or the wall clock's limit.
    Deadline,
    /// The guest wanted more memory, tables or handles than it may have.
    Memory,
    /// The answer was refused: a forbidden header, a status out of range, too large.
    IllegalAnswer,
    /// No instance became free within the bound of the queue.
    NoInstance,
    /// No instance could be made.
    Instantiation,
    /// A capability failed on the host's side, Redis for one.
    Capability,
}

impl FaultKind {
    pub const ALL: [Self; 8] = [
        Self::Trap,
        Self::Error,
        Self::Deadline,
        Self::Memory,
        Self::IllegalAnswer,
        Self::NoInstance,
        Self::Instantiation,
        Self::Capability,
    ];

    /// The word for it in metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Error => "error",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::IllegalAnswer => "illegal-answer",
            Self::NoInstance => "no-instance",
            Self::Instantiation => "instantiation",
            Self::Capability => "capability",
        }
    }
}

/// What became of a request of a plugin's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// There was a response, whatever it says.
    Answered,
    /// It is not granted, not well-formed, or cannot be sent in this hook; or its response leads where it is not followed.
    Refused,
    /// There was no answer in time.
    Timeout,
    /// There was none for another reason.
    Failed,
}

impl Sent {
    const ALL: [Self; 4] = [Self::Answered, Self::Refused, Self::Timeout, Self::Failed];

    fn label(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
        }
    }
}

/// Calls, actions, faults and time of one plugin.
#[derive(Debug)]
pub struct PluginMetrics {
    cells: Box<[Cell<Counts>]>,
    /// What the plugin itself counts; what only this list holds is dead.
    own: Mutex<Vec<Arc<Series>>>,
}

impl PluginMetrics {
    pub(super) fn new(workers: usize) -> Self {
        Self { cells: Cell::per_worker(workers), own: Mutex::default() }
    }

    /// The numbers of what a plugin has declared, in that order. Ask while a config is built, not per request.
    pub fn declare(&self, metrics: &[OwnMetric]) -> Vec<Arc<Series>> {
        let mut own = locked(&self.own);
        own.retain(|series| Arc::strong_count(series) > 1);
        let series = metrics.iter().map(|metric| {
            let known = own.iter().find(|series| series.metric() == metric).cloned();
            let series = known.unwrap_or_else(|| {
                let new = Arc::new(Series::new(metric.clone(), self.cells.len()));
                own.push(Arc::clone(&new));
                new
            });
            series.declare();
            series
        });
        series.collect()
    }

    /// What the plugin itself counts.
    pub(super) fn own(&self) -> Vec<Arc<Series>> {
        let mut own = locked(&self.own);
        own.retain(|series| Arc::strong_count(series) > 1);
        own.clone()
    }

    /// Counts one turn of a hook that took `nanos` of the worker's time.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn record(&self, worker: usize, hook: Hook, outcome: Outcome, nanos: u64) {
        let mut counts = locked(&self.cells[worker].0);
        let counts = &mut *counts;
        let calls = &mut counts.hooks[hook as usize];
        match outcome {
            Outcome::Next => calls.next += 1,
            Outcome::Reply => calls.reply += 1,
            Outcome::Stop => calls.stop += 1,
            Outcome::Skipped => {
                calls.skipped += 1;
                return;
            }
            Outcome::Fault(kind) => {
                calls.fault += 1;
                counts.faults[kind as usize] += 1;
            }
        }
        calls.duration.record(&BOUNDS, nanos);
    }

    /// Counts a request of the plugin's own.
    pub fn record_sent(&self, worker: usize, sent: Sent) {
        locked(&self.cells[worker].0).sent[sent as usize] += 1;
    }

    /// An instance was made on this worker.
    pub fn instance_started(&self, worker: usize) {
        let mut counts = locked(&self.cells[worker].0);
        counts.instances += 1;
        counts.instances_started += 1;
    }

    /// An instance of this worker is gone: recycled, discarded, or left by a reload.
    pub fn instance_ended(&self, worker: usize) {
        locked(&self.cells[worker].0).instances -= 1;
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for cell in &self.cells {
            let counts = *locked(&cell.0); // a copy, so that the worker waits for no arithmetic
            for (calls, more) in total.hooks.iter_mut().zip(&counts.hooks) {
                calls.add(more);
            }
            for (faults, more) in total.faults.iter_mut().zip(counts.faults) {
                *faults += more;
            }
            for (sent, more) in total.sent.iter_mut().zip(counts.sent) {
                *sent += more;
            }
            total.instances += counts.instances;
            total.instances_started += counts.instances_started;
        }
        total
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    hooks: [Calls; Hook::ALL.len()],
    faults: [u64; FaultKind::ALL.len()],
    sent: [u64; Sent::ALL.len()],
    instances: i64,
    instances_started: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Calls {
    next: u64,
    reply: u64,
    stop: u64,
    skipped: u64,
    fault: u64,
    duration: Histogram<14>,
}

impl Calls {
    fn add(&mut self, more: &Self) {
        self.next += more.next;
        self.reply += more.reply;
        self.stop += more.stop;
        self.skipped += more.skipped;
        self.fault += more.fault;
        self.duration.add(&more.duration);
    }
}

pub(super) fn render(plugins: &[(String, Arc<PluginMetrics>)], out: &mut Exposition) {
    let totals: Vec<(&str, Counts)> = plugins.iter().map(|(name, plugin)| (name.as_str(), plugin.total())).collect();
    // Hooks that never had a turn are left out: most plugins export one or two.
    let turns = || {
        totals.iter().flat_map(|(plugin, counts)| {
            let calls = Hook::ALL.iter().map(|hook| (*plugin, *hook, &counts.hooks[*hook as usize]));
            calls.filter(|(_, _, calls)| calls.duration.count() + calls.skipped > 0)
        })
    };

    out.family("tollgate_plugin_calls_total", "counter", "Hook calls, by how they ended: next, reply, stop or fault.");
    let called = || turns().filter(|(_, _, calls)| calls.duration.count() > 0);
    for (plugin, hook, calls) in called() {
        let outcomes = [("next", calls.next), ("reply", calls.reply), ("stop", calls.stop), ("fault", calls.fault)];
        for (outcome, count) in outcomes.into_iter().filter(|(name, _)| hook.endings().contains(name)) {
            out.sample("", &[("plugin", plugin), ("hook", hook.name()), ("outcome", outcome)], count);
        }
    }
    out.family("tollgate_plugin_duration_seconds", "histogram", "Time of a hook call; the sum is what the hook cost.");
    for (plugin, hook, calls) in called() {
        calls.duration.render(&BOUNDS, &[("plugin", plugin), ("hook", hook.name())], out);
    }
    out.family("tollgate_plugin_skipped_total", "counter", "Hooks not called because on-error let the exchange pass.");
    // Most plugins may not be skipped.
    for (plugin, hook, calls) in turns().filter(|(_, _, calls)| calls.skipped > 0) {
        out.sample("", &[("plugin", plugin), ("hook", hook.name())], calls.skipped);
    }
    // From zero on, and each kind: an alert on an increase must not miss the first fault.
    out.family("tollgate_plugin_faults_total", "counter", "Hook calls that gave no answer, by kind.");
    for (plugin, counts) in &totals {
        for kind in FaultKind::ALL {
            out.sample("", &[("plugin", plugin), ("kind", kind.label())], counts.faults[kind as usize]);
        }
    }
    out.family("tollgate_plugin_outbound_total", "counter", "Requests of plugins' own, by what became of them.");
    // Most plugins send none.
    for (plugin, counts) in totals.iter().filter(|(_, counts)| counts.sent.iter().any(|count| *count > 0)) {
        for sent in Sent::ALL {
            out.sample("", &[("plugin", plugin), ("outcome", sent.label())], counts.sent[sent as usize]);
        }
    }
    out.family("tollgate_plugin_instances", "gauge", "Live instances.");
    for (plugin, counts) in &totals {
        out.sample("", &[("plugin", plugin)], counts.instances);
    }
    out.family("tollgate_plugin_instances_started_total", "counter", "Instances made.");
    for (plugin, counts) in &totals {
        out.sample("", &[("plugin", plugin)], counts.instances_started);
    }
}
