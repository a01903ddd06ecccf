//! One gateway in one round: started afresh, warmed up, loaded.

use anyhow::Result;

use crate::gateway::{Bench, Gateway, Setup};
use crate::noise::Noise;
use crate::{Arguments, load, proc, say};

/// Seconds of load before what counts: connections open, instances are made.
pub const WARM_UP: u32 = 1;

/// What one run of load cost.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub requests_per_second: f64,
    /// CPU microseconds of the gateway for each request.
    pub cpu_us: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Resident memory right after the load, in MiB.
    pub resident: f64,
    /// The share of the machine that others used: neither gateway nor upstream nor `wrk`.
    pub others: f64,
}

/// A sample of a machine that does nothing else; what it says is no reason to take another.
pub fn quiet_sample(bench: &Bench, setup: &Setup, arguments: &Arguments) -> Result<Sample> {
    const TRIES: u32 = 10;
    let mut sample = measure(bench, setup, arguments)?;
    for _ in 1..TRIES {
        if sample.others * 100.0 <= f64::from(arguments.quiet) {
            break;
        }
        say(&format!("  again: others used {:.0} % of the machine", sample.others * 100.0));
        sample = measure(bench, setup, arguments)?;
    }
    Ok(sample)
}

fn measure(bench: &Bench, setup: &Setup, arguments: &Arguments) -> Result<Sample> {
    let gateway = Gateway::start(bench, setup.clone())?;
    let (address, process) = (gateway.process.address, gateway.process.id());
    load::run(address, arguments.connections, WARM_UP)?;

    let (noise, before) = (Noise::now()?, proc::cpu(process)?);
    let load = load::run(address, arguments.connections, arguments.seconds)?;
    let spent = proc::cpu(process)? - before;
    let others = noise.since(bench.cores)?;
    let resident = proc::resident(process)?;
    gateway.stop()?;

    Ok(Sample {
        requests_per_second: load.requests as f64 / load.seconds,
        cpu_us: spent.as_secs_f64() * 1e6 / load.requests as f64,
        p50_ms: load.p50_us as f64 / 1e3,
        p99_ms: load.p99_us as f64 / 1e3,
        resident: mebibytes(resident),
        others,
    })
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
