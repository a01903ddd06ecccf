//! The repository's benchmark: Tollgate beside its peers, doing the same work per request in one run, and what else it
//! promises: `cargo run --release -p tests --bin compare -- --all`.
//!
//! Each round starts each gateway afresh in front of the same upstream, warms it up and loads it; figures are medians
//! over the rounds. Before a peer is measured, [`check`] sees to it that it answers, and tells the upstream what the
//! others tell it. What the peers run on lies in `peers/`. What is not there or fails is a line of the report that says
//! so, and the rest goes on. Started under the name `tollgate` this binary is the gateway itself, so that what is
//! measured is what is in the working copy.

mod check;
mod findings;
mod gateway;
mod hammer;
mod http;
mod load;
mod machine;
mod measure;
mod noise;
mod peers;
mod proc;
mod report;
mod scenario;
mod sections;
mod start;
mod subject;
mod summary;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use gateway::Bench;
use machine::Machine;
use report::Report;
use scenario::Scenario;
use sections::Section;
use subject::Subject;

/// Measures Tollgate beside its peers.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "peers")]
    sections: Vec<Section>,
    /// Every section.
    #[arg(long)]
    all: bool,
    /// Interleaved rounds; figures are medians over them.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Seconds of load for each scenario and round.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Kept-alive connections of `wrk`.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Reloads of the section `reloads`.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    reloads: u32,
    /// Take a sample again, up to ten times, if others used more of the machine than these percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    quiet: u32,
    /// Only these scenarios of the section `peers`.
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
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name).file_name().is_some_and(|name| name == gateway::NAME) {
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
    let machine = Machine::read()?;
    let subject = Subject::new(arguments.binary.as_deref())?;
    if subject.is_debug {
        say("compare: this is a debug build, its figures mean nothing: use cargo run --release");
    }
    let bench = Bench::new(subject, machine.cores)?;
    let wanted = |section: &Section| arguments.all || arguments.sections.contains(section);
    let mut report =
        Report { machine: &machine, subject: &bench.subject, arguments, peers: None, sections: Vec::new() };
    for section in Section::value_variants().iter().filter(|section| wanted(section)) {
        match section {
            Section::Peers => report.peers = Some(peers::measure(&bench, arguments)),
            section => report.sections.push(sections::measure(*section, &bench, arguments)?),
        }
    }
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&report.json())?;
        fs::write(file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    writeln!(std::io::stdout(), "{}", report.markdown())?;
    Ok(())
}

/// What happens meanwhile; stdout is for the table.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
