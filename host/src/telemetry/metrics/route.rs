//! What is counted per route.

use std::sync::Arc;
use std::time::Duration;

use super::exposition::Exposition;
use super::histogram::Histogram;
use super::{Cell, locked};

/// Nanoseconds: 0.5 ms to 10 s.
const BOUNDS: [u64; 14] = [
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
];

/// Requests, latency and bytes of one route.
#[derive(Debug)]
pub struct RouteMetrics {
    cells: Box<[Cell<Counts>]>,
}

impl RouteMetrics {
    pub(super) fn new(workers: usize) -> Self {
        Self { cells: Cell::per_worker(workers) }
    }

    /// Counts one finished request. `status` is 499 when the client was gone before there was one, as nginx has it;
    /// bytes are those of the bodies.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn record(&self, worker: usize, status: u16, duration: Duration, request_bytes: u64, response_bytes: u64) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let mut counts = locked(&self.cells[worker].0);
        counts.add_status(if (100..=599).contains(&status) { status } else { OTHER }, 1);
        counts.latency.record(&BOUNDS, nanos);
        counts.request_bytes += request_bytes;
        counts.response_bytes += response_bytes;
    }

    /// Counts what the gateway answered in place of the upstream, or cut, by its kind.
    ///
    /// # Panics
    /// If there is no such worker.
    pub fn record_problem(&self, worker: usize, problem: &'static str) {
        locked(&self.cells[worker].0).add_problem(problem, 1);
    }

    fn total(&self) -> Counts {
        let mut total = Counts::default();
        for cell in &self.cells {
            let counts = locked(&cell.0);
            counts.statuses.iter().for_each(|(status, count)| total.add_status(*status, *count));
            counts.problems.iter().for_each(|(problem, count)| total.add_problem(problem, *count));
            total.latency.add(&counts.latency);
            total.request_bytes += counts.request_bytes;
            total.response_bytes += counts.response_bytes;
        }
        total.statuses.sort_unstable();
        total.problems.sort_unstable();
        total
    }
}

#[derive(Debug, Default)]
struct Counts {
    /// In the order of first sight, which is nearly that of frequency: a scan of a few beats a map.
    statuses: Vec<(u16, u64)>,
    /// The same of kinds of problems, of which there are some dozens.
    problems: Vec<(&'static str, u64)>,
    latency: Histogram<14>,
    request_bytes: u64,
    response_bytes: u64,
}

impl Counts {
    fn add_status(&mut self, status: u16, more: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, count)) => *count += more,
            None => self.statuses.push((status, more)),
        }
    }

    fn add_problem(&mut self, problem: &'static str, more: u64) {
        match self.problems.iter_mut().find(|(known, _)| *known == problem) {
            Some((_, count)) => *count += more,
            None => self.problems.push((problem, more)),
        }
    }
}

/// An upstream may answer with any three digits; those outside RFC 9110's classes share one series.
const OTHER: u16 = 600;

pub(super) fn render(routes: &[(String, Arc<RouteMetrics>)], out: &mut Exposition) {
    let totals: Vec<(&str, Counts)> = routes.iter().map(|(name, route)| (name.as_str(), route.total())).collect();

    out.family("tollgate_requests_total", "counter", "Requests finished, by route (empty: none matched) and status.");
    for (route, counts) in &totals {
        for (status, count) in &counts.statuses {
            let status = if *status == OTHER { "other".to_owned() } else { status.to_string() };
            out.sample("", &[("route", route), ("status", &status)], count);
        }
    }
    out.family("tollgate_problems_total", "counter", "Requests that the gateway answered itself, or cut, by why.");
    for (route, counts) in &totals {
        for (problem, count) in &counts.problems {
            out.sample("", &[("route", route), ("problem", problem)], count);
        }
    }
    out.family("tollgate_request_duration_seconds", "histogram", "From a request's first byte to its answer's last.");
    for (route, counts) in &totals {
        counts.latency.render(&BOUNDS, &[("route", route)], out);
    }
    out.family("tollgate_request_body_bytes_total", "counter", "Bytes of request bodies taken from clients.");
    for (route, counts) in &totals {
        out.sample("", &[("route", route)], counts.request_bytes);
    }
    out.family("tollgate_response_body_bytes_total", "counter", "Bytes of response bodies sent to clients.");
    for (route, counts) in &totals {
        out.sample("", &[("route", route)], counts.response_bytes);
    }
}
