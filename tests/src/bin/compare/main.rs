//! Tollgate beside nginx and nginx + Lua, doing the same work per request in one run:
//! `cargo run --release -p tests --bin compare`.
//!
//! Each round starts each gateway afresh, on one worker, in front of the same upstream, warms it up and
//! loads it with `wrk`; figures are medians over the rounds. Before anything is measured, [`check`] sees
//! to it that every gateway answers, and tells the upstream what the others tell it. What the peers run
//! on lies in `peers/`. Started under the name `tollgate` this binary is the gateway itself, so that
//! what is measured is what is in the working copy.

mod check;
mod gateway;
mod http;
mod load;
mod machine;
mod measure;
mod proc;
mod report;
mod scenario;
mod start;
mod summary;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use gateway::{Bench, Gateway};
use machine::Machine;
use measure::Sample;
use report::Report;
use scenario::Scenario;

/// Measures Tollgate beside its peers.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Interleaved rounds; figures are medians over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds of load for each scenario and round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Kept-alive connections of `wrk`.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Take a sample again, up to ten times, if others used more of the machine than these percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    quiet: u32,
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// Another `tollgate` than this build's.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Where the figures are written to as JSON, every round of them.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| name == gateway::NAME) {
        return tollgate::cli::main();
    }
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("compare: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<()> {
    if cfg!(debug_assertions) && arguments.binary.is_none() {
        say("compare: this is a debug build, its figures mean nothing: use cargo run --release");
    }
    let machine = Machine::read()?;
    let bench = Bench::new(arguments.binary.clone(), machine.cores)?;
    let scenarios = runnable(&bench, &arguments.only);
    ensure!(!scenarios.is_empty(), "there is nothing to compare");
    for scenario in &scenarios {
        let gateway = Gateway::start(&bench, *scenario)?;
        check::check(&gateway).with_context(|| format!("{} does not do what it should", scenario.title()))?;
        gateway.stop()?;
    }
    let starts = scenarios.iter().map(|scenario| start::measure(&bench, *scenario)).collect::<Result<Vec<_>>>()?;
    let samples = rounds(&bench, &scenarios, arguments)?;
    let report = Report::new(&machine, arguments, &scenarios, &samples, &starts);
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report.json())?;
        fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    writeln!(std::io::stdout(), "{}", report.markdown())?;
    Ok(())
}

/// What can run here; who is skipped is said.
fn runnable(bench: &Bench, only: &[Scenario]) -> Vec<Scenario> {
    let wanted = Scenario::all().iter().filter(|scenario| only.is_empty() || only.contains(scenario));
    let present = wanted.filter(|scenario| match bench.missing(**scenario) {
        None => true,
        Some(reason) => {
            say(&format!("compare: SKIPPED {}: {reason}", scenario.title()));
            false
        }
    });
    present.copied().collect()
}

/// Each round begins with another scenario, so that none is always measured after the same one.
fn rounds(bench: &Bench, scenarios: &[Scenario], arguments: &Arguments) -> Result<Vec<(Scenario, Sample)>> {
    let mut samples = Vec::new();
    for round in 0..arguments.rounds as usize {
        for turn in 0..scenarios.len() {
            let scenario = scenarios[(round + turn) % scenarios.len()];
            say(&format!("round {} of {}: {}", round + 1, arguments.rounds, scenario.title()));
            let sample = quiet_sample(bench, scenario, arguments).with_context(|| scenario.title())?;
            samples.push((scenario, sample));
        }
    }
    Ok(samples)
}

/// A sample of a machine that does nothing else; what it says is no reason to take another.
fn quiet_sample(bench: &Bench, scenario: Scenario, arguments: &Arguments) -> Result<Sample> {
    const TRIES: u32 = 10;
    let mut sample = measure::measure(bench, scenario, arguments.connections, arguments.seconds)?;
    for _ in 1..TRIES {
        if sample.others * 100.0 <= f64::from(arguments.quiet) {
            break;
        }
        say(&format!("  again: others used {:.0} % of the machine", sample.others * 100.0));
        sample = measure::measure(bench, scenario, arguments.connections, arguments.seconds)?;
    }
    Ok(sample)
}

/// What happens meanwhile; stdout is for the table.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
