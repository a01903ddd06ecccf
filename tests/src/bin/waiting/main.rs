//! What a plugin that waits does to others: `waiting --binary target/release/tollgate` measures another route while nothing
//! else goes on, while 1,000 requests wait a second each for an upstream (without a plugin: what so many requests cost
//! anyway), and while 1,000 wait a second each in a plugin. The three are interleaved in each round.
//!
//! Twice each: by one client that sends a request each millisecond, and so meets the gateway asleep or in the middle of
//! something (the harder case: nothing hides what one request waits), and by connections that send one request after the
//! other, as in operation, where requests wait for each other anyway. The gateway has a core of its own, and all that is
//! here another one (`machine.rs`); else what is measured is how the tool gets in its own way.

mod load;
mod machine;
mod measured;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use tests::{Builder, Gateway};

use load::{Load, WAIT};
use measured::Took;

/// Measures what a plugin that waits does to others.
#[derive(Parser)]
struct Arguments {
    /// The gateway to measure.
    #[arg(long)]
    binary: PathBuf,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Requests that wait at once.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    waiting: u32,
    /// Connections that send one request after the other.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// They wait all for the same moment, again and again, instead of one after the other: the hardest case.
    #[arg(long)]
    burst: bool,
    /// Of each measurement.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// What goes on beside the route that is measured.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Upstream,
    Plugin,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::Upstream, Beside::Plugin];

/// What was measured beside one of them, once.
struct Sample {
    lone: Took,
    busy: Took,
    /// Requests of the other kind that were answered in a second, beside each.
    answered: [f64; 2],
    /// CPU time of the gateway while the lone client was served, in a second.
    cpu: Duration,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let cores = machine::Cores::take()?;
    let load = Load::start()?;
    let binary = std::path::absolute(&arguments.binary)?;
    let binary = binary.to_str().context("the path is text")?;
    let gateway = Builder::new(binary, &config(load.upstream, arguments.waiting)).start();
    cores.keep_apart(&gateway)?;
    let mut samples: [Vec<Sample>; 3] = Default::default();
    for _ in 0..arguments.rounds {
        for (beside, samples) in ALL.into_iter().zip(&mut samples) {
            samples.push(measure(&load, &gateway, beside, &arguments)?);
        }
    }
    report(&samples, &arguments, &cores)?;
    Ok(ExitCode::SUCCESS)
}

fn measure(load: &Load, gateway: &Gateway, beside: Beside, arguments: &Arguments) -> Result<Sample> {
    let waiting = match beside {
        Beside::Nothing => None,
        Beside::Upstream => Some("/upstream"),
        Beside::Plugin => Some("/plugin"),
    };
    let waiting =
        waiting.map(|target| load.wait(gateway.address(), target, arguments.waiting, arguments.burst)).transpose()?;
    let answered = || waiting.as_ref().map_or(0, |waiting| waiting.answered());
    let time = Duration::from_secs(arguments.seconds);
    let (before, began, cpu) = (answered(), Instant::now(), machine::cpu_of(gateway)?);
    let lone = measured::lone(gateway.address(), time)?;
    let cpu = (machine::cpu_of(gateway)? - cpu).div_f64(began.elapsed().as_secs_f64());
    let (between, middle) = (answered(), Instant::now());
    let busy = measured::busy(gateway.address(), arguments.connections, time)?;
    let answered = [
        (between - before) as f64 / (middle - began).as_secs_f64(),
        (answered() - between) as f64 / middle.elapsed().as_secs_f64(),
    ];
    if let Some(waiting) = waiting {
        waiting.end()?;
    }
    Ok(Sample { lone, busy, answered, cpu })
}

fn report(samples: &[Vec<Sample>; 3], arguments: &Arguments, cores: &machine::Cores) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (waiting, connections) = (arguments.waiting, arguments.connections);
    let how = if arguments.burst { "all at once" } else { "one after the other" };
    writeln!(out, "Medians of {} rounds; {cores}; what waits is answered {how}", arguments.rounds)?;
    table(&mut out, samples, "one client, a request each millisecond", waiting, |sample| &sample.lone)?;
    table(&mut out, samples, &format!("{connections} connections, without a pause"), waiting, |sample| &sample.busy)?;
    writeln!(
        out,
        "\n| beside | answered in a second, beside one client | beside {connections} connections | CPU of the gateway for each, us |"
    )?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    let idle = median(samples[0].iter().map(|sample| sample.cpu.as_secs_f64()));
    for (beside, samples) in ALL.into_iter().zip(samples).skip(1) {
        let answered = |when: usize| median(samples.iter().map(|sample| sample.answered[when]));
        let each = median(samples.iter().map(|sample| (sample.cpu.as_secs_f64() - idle) / sample.answered[0]));
        let (one, busy) = (answered(0), answered(1));
        writeln!(out, "| {} | {one:.0} | {busy:.0} | {:.1} |", beside.name(waiting), each * 1e6)?;
    }
    Ok(())
}

fn table(
    out: &mut impl Write,
    samples: &[Vec<Sample>; 3],
    who: &str,
    waiting: u32,
    took: impl Fn(&Sample) -> &Took,
) -> Result<()> {
    writeln!(out, "\n| {who}, beside | requests a second | median, us | p99, us | of alone | of an upstream |")?;
    writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
    let all = |of: usize, figure: fn(&Took) -> f64| median(samples[of].iter().map(|sample| figure(took(sample))));
    let p99 = |of: usize| all(of, |took| took.percentile(99).as_secs_f64() * 1e6);
    for (index, beside) in ALL.into_iter().enumerate() {
        let middle = all(index, |took| took.percentile(50).as_secs_f64() * 1e6);
        let (late, alone, upstream) = (p99(index), p99(0), p99(1));
        let (name, rate) = (beside.name(waiting), all(index, Took::rate));
        writeln!(
            out,
            "| {name} | {rate:.0} | {middle:.0} | {late:.0} | {:.2} x | {:.2} x |",
            late / alone,
            late / upstream
        )?;
    }
    Ok(())
}

impl Beside {
    fn name(self, waiting: u32) -> String {
        match self {
            Self::Nothing => "nothing".into(),
            Self::Upstream => format!("{waiting} that wait for an upstream"),
            Self::Plugin => format!("{waiting} that wait in a plugin"),
        }
    }
}

fn median(of: impl Iterator<Item = f64>) -> f64 {
    let mut of: Vec<f64> = of.collect();
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

fn config(slow: SocketAddr, waiting: u32) -> String {
    let guest = PathBuf::from(env!("TOLLGATE_GUESTS")).join("caller.wasm");
    format!(
        r#"
[gateway]
workers = 1
sandbox = {{ instances = {instances} }}
log = {{ access = false }}

[[listener]]
address = "127.0.0.1:0"
limits = {{ requests = 0 }}

[[upstream]]
name = "slow"
endpoints = ["http://{slow}"]
keep-alive = {{ connections = {waiting} }}

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[plugin]]
name = "caller"
source = "{guest}"
grants = ["outbound", "state"]
limits = {{ instances = {waiting}, queue = {waiting} }}
outbound = {{ upstreams = ["slow"], timeout = "{timeout}s" }}

[[route]]
name = "measured"
match = {{ path = "/measured" }}
upstream = "echo"

[[route]]
name = "upstream"
match = {{ path = "/upstream" }}
upstream = "slow"

[[route]]
name = "plugin"
match = {{ path = "/plugin" }}
plugins = ["caller"]
upstream = "echo"
"#,
        instances = 2 * waiting + 16,
        guest = guest.display(),
        timeout = 10 * WAIT.as_secs(),
    )
}
