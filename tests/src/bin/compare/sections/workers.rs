//! Two workers: what a request costs beside one worker, and whether workers wait for each other.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::{by_round, interleaved};
use crate::findings::{Findings, Row};
use crate::gateway::{self, Bench, Gateway, Setup};
use crate::measure::WARM_UP;
use crate::scenario::Scenario;
use crate::{Arguments, load, proc};

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about = format!(
        "Neither the gateway with one worker nor the one with two is pinned here, and both share {} cores with the upstream \
         and wrk. A worker calls futex only where it has to wait for a lock that another thread holds, or wakes one that \
         waits; strace stops at nothing else (--seccomp-bpf).",
        bench.cores
    );
    let setup = |scenario, workers| Setup { workers, unpinned: true, ..Setup::from(scenario) };
    let of =
        |name: &str, scenario| [1, 2].map(|workers| (format!("{name}, {workers} worker(s)"), setup(scenario, workers)));
    let setups = [of("no plugin", Scenario::Bare), of("chain of four", Scenario::Chain)].concat();
    let cpu = interleaved(bench, arguments, &setups, findings);
    for (name, one, two) in [("no plugin", &cpu[0], &cpu[1]), ("chain of four", &cpu[2], &cpu[3])] {
        let ratios = by_round(one, two, |one, two| two / one);
        findings.add(Row::new(format!("{name}: two workers beside one"), "x", ratios).at_most(1.1));
    }
    if !gateway::is_on_path("strace") {
        findings.skip("futex calls of the workers", "no `strace` on PATH: apt-get install strace");
        return;
    }
    for (name, scenario) in [("no plugin", Scenario::Bare), ("chain of four", Scenario::Chain)] {
        let what = format!("{name}: futex calls of both workers");
        if let Some(Futexes { waits, wakes, requests }) =
            findings.attempt(&what, || futexes(bench, arguments, setup(scenario, 2)))
        {
            let each = |calls: usize| calls as f64 * 1e6 / requests as f64;
            findings.add(Row::one(format!("{name}: futex waits"), "per million requests", each(waits)).at_most(0.0));
            findings.add(Row::one(format!("{name}: futex wakes"), "per million requests", each(wakes)));
        }
    }
}

/// Calls of the worker threads while requests came.
struct Futexes {
    waits: usize,
    wakes: usize,
    requests: u64,
}

fn futexes(bench: &Bench, arguments: &Arguments, setup: Setup) -> Result<Futexes> {
    let calls = bench.file("futexes");
    let gateway = Gateway::start(bench, Setup { futexes: Some(calls.clone()), ..setup })?;
    let address = gateway.process.address;
    load::run(address, arguments.connections, WARM_UP)?;
    // Not before: the first worker answers while the second starts.
    let workers: HashSet<u32> = proc::threads(gateway.process.id(), "worker-")?.into_iter().collect();
    ensure!(workers.len() == 2, "the gateway has {} threads that are called worker-N", workers.len());
    let begin = now()?;
    let load = load::run(address, arguments.connections, arguments.seconds)?;
    let end = now()?;
    gateway.stop()?;
    let text = std::fs::read_to_string(&calls).context("strace wrote nothing")?;
    ensure!(!text.is_empty(), "strace saw no futex call of any thread, not even at the start");
    let during = text.lines().filter(|line| is_of(line, &workers, begin, end));
    let (mut waits, mut wakes) = (0, 0);
    for line in during {
        waits += usize::from(line.contains("FUTEX_WAIT") && !line.contains("resumed>"));
        wakes += usize::from(line.contains("FUTEX_WAKE") && !line.contains("resumed>"));
    }
    Ok(Futexes { waits, wakes, requests: load.requests })
}

/// `strace -f -ttt` writes the thread, seconds since the epoch, and the call.
fn is_of(line: &str, threads: &HashSet<u32>, begin: f64, end: f64) -> bool {
    let mut words = line.split_whitespace();
    let thread = words.next().and_then(|word| word.parse().ok());
    let at: Option<f64> = words.next().and_then(|word| word.parse().ok());
    thread.is_some_and(|thread| threads.contains(&thread)) && at.is_some_and(|at| (begin..end).contains(&at))
}

fn now() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_of_the_workers_within_the_time_count() {
        let workers = HashSet::from([7]);
        let line = "7     1700000000.500000 futex(0x7f, FUTEX_WAKE_PRIVATE, 1) = 0";
        assert!(is_of(line, &workers, 1_700_000_000.0, 1_700_000_001.0));
        assert!(!is_of(line, &workers, 1_700_000_001.0, 1_700_000_002.0));
        assert!(!is_of(line, &HashSet::from([8]), 1_700_000_000.0, 1_700_000_001.0));
        assert!(!is_of("+++ exited with 0 +++", &workers, 0.0, 1.0));
    }
}
