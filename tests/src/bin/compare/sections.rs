//! The sections of the report beside the comparison with the peers: each measures one promise, and says its target.

use anyhow::Result;
use clap::ValueEnum;

use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Setup};
use crate::measure::quiet_sample;
use crate::noise::Noise;
use crate::{Arguments, say};

mod chunks;
mod idle;
mod isolation;
mod large;
mod plugins;
mod reloads;
mod transfer;
mod workers;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Tollgate beside its peers.
    Peers,
    /// Two workers beside one, and locks that they wait for.
    Workers,
    /// 1 to 64 plugins on one route.
    Plugins,
    /// A fresh instance for each request.
    Isolation,
    /// 10,000 connections that idle.
    Idle,
    /// Memory with a chain under load, and what 1,000 reloads do to it and to requests.
    Reloads,
    /// A response of 1 GB.
    Large,
    /// The same through a hook of chunks.
    Chunks,
}

impl Section {
    fn title(self) -> &'static str {
        match self {
            Self::Peers => "Peers",
            Self::Workers => "Two workers",
            Self::Plugins => "1 to 64 plugins on one route",
            Self::Isolation => "isolation = \"request\"",
            Self::Idle => "10,000 idle connections",
            Self::Reloads => "Memory, and reloads under load",
            Self::Large => "A response of 1 GB",
            Self::Chunks => "A response of 1 GB through a hook of chunks",
        }
    }

    /// The name of `--sections` and of the JSON.
    fn id(self) -> String {
        self.to_possible_value().expect("no section is hidden").get_name().to_owned()
    }
}

/// Measures a section. Whatever goes wrong in it is one of its rows.
pub fn measure(section: Section, bench: &Bench, arguments: &Arguments) -> Result<Findings> {
    let mut findings = Findings::new(section.id(), section.title());
    say(&format!("section {}", findings.id));
    let noise = Noise::now()?;
    match section {
        // Its table has other columns: `peers` makes it.
        Section::Peers => {}
        Section::Workers => workers::measure(bench, arguments, &mut findings),
        Section::Plugins => plugins::measure(bench, arguments, &mut findings),
        Section::Isolation => isolation::measure(bench, arguments, &mut findings),
        Section::Idle => idle::measure(bench, &mut findings),
        Section::Reloads => reloads::measure(bench, arguments, &mut findings),
        Section::Large => large::measure(bench, arguments, &mut findings),
        Section::Chunks => chunks::measure(bench, arguments, &mut findings),
    }
    findings.others = noise.since(bench.cores)?;
    Ok(findings)
}

/// CPU microseconds for each request of each setup, by round: `cpu[setup][round]`. Each round begins with another one.
/// A row stands in the findings for each; one that fails has no figures, and the rest goes on.
fn interleaved(
    bench: &Bench,
    arguments: &Arguments,
    setups: &[(String, Setup)],
    findings: &mut Findings,
) -> Vec<Vec<f64>> {
    let mut cpu = vec![Vec::new(); setups.len()];
    let mut failed = vec![false; setups.len()];
    for round in 0..arguments.rounds as usize {
        for turn in 0..setups.len() {
            let place = (round + turn) % setups.len();
            let (what, setup) = &setups[place];
            if failed[place] {
                continue;
            }
            say(&format!("  round {} of {}: {what}", round + 1, arguments.rounds));
            match findings.attempt(what, || quiet_sample(bench, setup, arguments)) {
                Some(sample) => cpu[place].push(sample.cpu_us),
                None => {
                    failed[place] = true;
                    cpu[place].clear();
                }
            }
        }
    }
    for ((what, _), figures) in setups.iter().zip(&cpu).filter(|(_, figures)| !figures.is_empty()) {
        findings.add(Row::new(format!("CPU for each request: {what}"), "us", figures.clone()));
    }
    cpu
}

/// Of each round in which both were measured.
fn by_round(left: &[f64], right: &[f64], figure: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| figure(*left, *right)).collect()
}
