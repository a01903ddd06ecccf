//! One scenario in one round: started afresh, warmed up, loaded.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::gateway::{Bench, Gateway};
use crate::scenario::Scenario;
use crate::{load, proc};

/// Seconds of load before what counts: connections open, instances are made.
const WARM_UP: u32 = 1;

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

pub fn measure(bench: &Bench, scenario: Scenario, connections: u32, seconds: u32) -> Result<Sample> {
    let gateway = Gateway::start(bench, scenario)?;
    let address = gateway.process.address;
    load::run(address, connections, WARM_UP)?;

    let before = Cpu::now(bench, &gateway)?;
    let load = load::run(address, connections, seconds)?;
    let after = Cpu::now(bench, &gateway)?;
    let resident = proc::resident(gateway.process.id())?;
    gateway.stop()?;

    let spent = after.gateway - before.gateway;
    let ours = spent + (after.rest - before.rest);
    let others = (after.machine - before.machine).saturating_sub(ours);
    let capacity = (after.at - before.at).as_secs_f64() * bench.cores as f64;
    Ok(Sample {
        requests_per_second: load.requests as f64 / load.seconds,
        cpu_us: spent.as_secs_f64() * 1e6 / load.requests as f64,
        p50_ms: load.p50_us as f64 / 1e3,
        p99_ms: load.p99_us as f64 / 1e3,
        resident: mebibytes(resident),
        others: others.as_secs_f64() / capacity,
    })
}

pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// CPU time spent up to a moment.
struct Cpu {
    at: Instant,
    gateway: Duration,
    /// Of the upstream and `wrk`.
    rest: Duration,
    machine: Duration,
}

impl Cpu {
    fn now(bench: &Bench, gateway: &Gateway) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            gateway: proc::cpu(gateway.process.id())?,
            rest: proc::cpu(bench.upstream.id())? + proc::cpu_of_ended_children()?,
            machine: proc::cpu_of_machine()?,
        })
    }
}
