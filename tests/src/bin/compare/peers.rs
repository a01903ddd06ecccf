//! Tollgate beside its peers: everybody who can run here, in interleaved rounds.

use anyhow::Result;
use serde_json::{Value, json};

use crate::findings::Row;
use crate::gateway::{Bench, Gateway, Setup, missing};
use crate::measure::{Sample, quiet_sample};
use crate::scenario::Scenario;
use crate::start::{self, Start};
use crate::summary::Summary;
use crate::{Arguments, check, say};

/// What the comparison with the peers found.
pub struct Peers {
    pub columns: Vec<Column>,
    pub starts: Vec<Start>,
    /// Who has no figures, or not all, and why.
    pub failures: Vec<(Scenario, String)>,
}

/// One scenario's rounds; at least one.
pub struct Column {
    pub scenario: Scenario,
    pub samples: Vec<Sample>,
}

impl Column {
    pub fn summary(&self, figure: impl Fn(&Sample) -> f64) -> Summary {
        Summary::of(self.samples.iter().map(figure))
    }

    pub fn cpu(&self) -> Summary {
        self.summary(|sample| sample.cpu_us)
    }
}

/// Measures those that are wanted and present. Nobody's failure keeps the others from being measured.
pub fn measure(bench: &Bench, arguments: &Arguments) -> Peers {
    let only = &arguments.only;
    let wanted = Scenario::all().iter().copied().filter(|scenario| only.is_empty() || only.contains(scenario));
    let mut peers = Peers { columns: Vec::new(), starts: Vec::new(), failures: Vec::new() };
    let mut able = Vec::new();
    for scenario in wanted {
        if let Some(reason) = missing(scenario) {
            say(&format!("compare: SKIPPED {}: {reason}", scenario.title()));
            peers.failures.push((scenario, format!("SKIPPED: {reason}")));
        } else if let Some(start) = peers.attempt(scenario, || prepare(bench, scenario)) {
            peers.starts.push(start);
            able.push(scenario);
        }
    }
    let mut columns: Vec<Column> =
        able.iter().map(|scenario| Column { scenario: *scenario, samples: Vec::new() }).collect();
    for round in 0..arguments.rounds as usize {
        // Each round begins with another one, so that none is always measured after the same.
        for turn in 0..columns.len() {
            let place = (round + turn) % columns.len();
            let scenario = columns[place].scenario;
            say(&format!("round {} of {}: {}", round + 1, arguments.rounds, scenario.title()));
            let sample = peers.attempt(scenario, || quiet_sample(bench, &Setup::from(scenario), arguments));
            columns[place].samples.extend(sample);
        }
    }
    columns.retain(|column| !column.samples.is_empty());
    peers.columns = columns;
    peers
}

/// Nobody is measured who does not do the work; then its starts.
fn prepare(bench: &Bench, scenario: Scenario) -> Result<Start> {
    let gateway = Gateway::start(bench, scenario)?;
    check::check(&gateway)?;
    gateway.stop()?;
    start::measure(bench, scenario)
}

impl Peers {
    fn attempt<T>(&mut self, scenario: Scenario, measure: impl FnOnce() -> Result<T>) -> Option<T> {
        measure()
            .inspect_err(|error| {
                say(&format!("compare: FAILED {}: {error:#}", scenario.title()));
                self.failures.push((scenario, format!("FAILED: {error:#}")));
            })
            .ok()
    }

    /// CPU for each request, compared with another scenario's of this run.
    pub fn ratio(&self, column: &Column, to: Scenario) -> Option<f64> {
        let other = self.columns.iter().find(|column| column.scenario == to)?;
        Some(column.cpu().median / other.cpu().median)
    }

    /// What this comparison is held to.
    pub fn targets(&self) -> Vec<Row> {
        let row = |what: &str, scenario, to, target| {
            let column = self.columns.iter().find(|column| column.scenario == scenario);
            let ratio = column.and_then(|column| self.ratio(column, to));
            let failed = || Row::failed(what, "one of the two was not measured");
            ratio.map_or_else(failed, |ratio| Row::one(what, "x", ratio)).at_most(target)
        };
        vec![
            row("no plugin, beside nginx", Scenario::Bare, Scenario::Nginx, 1.05),
            row("chain of four, beside nginx + Lua", Scenario::Chain, Scenario::NginxLua, 1.0),
            // The stretch is an eighth.
            row("chain of four, beside PlectoProxy's four filters", Scenario::Chain, Scenario::PlectoChain, 1.0 / 6.0),
        ]
    }

    pub fn json(&self) -> Value {
        let column = |column: &Column| {
            json!({
                "scenario": column.scenario.id(),
                "differs": column.scenario.differs(),
                "cpu_us_per_request": column.cpu().median,
                "cpu_x_nginx": self.ratio(column, Scenario::Nginx),
                "cpu_x_nginx_lua": self.ratio(column, Scenario::NginxLua),
                "rounds": column.samples.iter().map(round).collect::<Vec<_>>(),
            })
        };
        let start = |start: &Start| {
            json!({
                "scenario": start.scenario.id(),
                "first_answer_ms": start.milliseconds.median,
                "idle_rss_mib": start.resident.median,
            })
        };
        let failure = |(scenario, why): &(Scenario, String)| json!({ "scenario": scenario.id(), "why": why });
        json!({
            "scenarios": self.columns.iter().map(column).collect::<Vec<_>>(),
            "starts": self.starts.iter().map(start).collect::<Vec<_>>(),
            "failures": self.failures.iter().map(failure).collect::<Vec<_>>(),
            "targets": self.targets().iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}

fn round(sample: &Sample) -> Value {
    json!({
        "requests_per_second": sample.requests_per_second,
        "cpu_us_per_request": sample.cpu_us,
        "p50_ms": sample.p50_ms,
        "p99_ms": sample.p99_ms,
        "rss_mib": sample.resident,
        "others_cpu_share": sample.others,
    })
}
