//! Memory with a chain under load, and what many reloads do to it and to the requests meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::findings::{Findings, Row};
use crate::gateway::{Bench, CHAIN_FILE, Gateway, PATIENCE, Setup, chain_file, missing};
use crate::hammer::{Hammer, Tally};
use crate::scenario::Scenario;
use crate::{Arguments, http, proc, say};

/// On their way at once.
const IN_FLIGHT: usize = 64;
/// Reloads after which memory is looked at too: the first ones make what later ones use again.
const FIRST_RELOADS: u32 = 10;
/// Requests before the first reload.
const FIRST_REQUESTS: u64 = 20_000;

/// What a gateway did while it was reloaded.
struct Reloaded {
    /// MB (10^6 bytes) under load: before the first reload, after the first few, after the last.
    resident: [f64; 3],
    /// Milliseconds from the change of the file, or the signal, to the new configuration being in force.
    took: f64,
    /// During the reloads.
    tally: Tally,
}

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    let reloads = arguments.reloads;
    findings.about = format!(
        "{IN_FLIGHT} kept-alive connections with a request each on its way, two workers, nothing pinned; {reloads} reloads, \
         each waited for. Tollgate runs the chain of four; each reload is a changed file with another limit, so one plugin is \
         configured anew, and counts when the metrics say the next generation. nginx gets SIGHUP and HAProxy SIGUSR2; their \
         reload is over when no process of before is left. Growth is seen from before the first reload. A request is lost if it gets no whole 200; one that is told that its connection closes with the answer is not. The client writes \
         without a look at whether its connection was closed meanwhile, as clients do that send again what is lost so. RSS is \
         of all processes; pages that they share count for each."
    );
    for scenario in [Scenario::Chain, Scenario::Nginx, Scenario::HaProxy] {
        let title = scenario.title();
        if let Some(reason) = missing(scenario) {
            findings.skip(title, &reason);
            continue;
        }
        say(&format!("  {title}"));
        let Some(Reloaded { resident, took, tally }) = findings.attempt(title, || reload(bench, scenario, reloads))
        else {
            continue;
        };
        let [before, early, late] = resident;
        let rss = Row::one(format!("{title}: RSS under load"), "MB", before);
        let growth = Row::one(format!("{title}: growth by {reloads} reloads"), "%", (late / before - 1.0) * 100.0);
        let lost = Row::one(
            format!("{title}: requests lost, {} of {}", tally.lost, tally.sent),
            "%",
            tally.lost as f64 * 100.0 / tally.sent as f64,
        );
        let is_ours = scenario.is_tollgate();
        let held = |row: Row, target| if is_ours { row.at_most(target) } else { row };
        findings.add(held(rss, 60.0));
        findings.add(Row::one(format!("{title}: RSS after {FIRST_RELOADS} reloads"), "MB", early));
        findings.add(Row::one(format!("{title}: RSS after {reloads} reloads"), "MB", late));
        findings.add(held(growth, 5.0));
        findings.add(held(lost, 0.0));
        findings.add(Row::one(format!("{title}: one reload"), "ms", took));
    }
}

fn reload(bench: &Bench, scenario: Scenario, reloads: u32) -> Result<Reloaded> {
    let setup = Setup { workers: 2, unpinned: true, admin: true, ..Setup::from(scenario) };
    let gateway = Gateway::start(bench, setup)?;
    let hammer = Hammer::start(gateway.process.address, IN_FLIGHT);
    wait_for("the load", || Ok(hammer.tally().sent >= FIRST_REQUESTS))?;
    ensure!(hammer.tally().lost == 0, "requests are lost before the first reload");
    let before = resident(&gateway)?;
    let mut early = before;
    let first = hammer.tally();
    let started = Instant::now();
    for number in 1..=reloads {
        once(bench, &gateway, number).with_context(|| format!("reload {number}"))?;
        if number == FIRST_RELOADS {
            early = resident(&gateway)?;
        }
        if number % 250 == 0 {
            say(&format!("    {number} of {reloads} reloads, {:?}", hammer.tally()));
        }
    }
    let took = started.elapsed().as_secs_f64() * 1e3 / f64::from(reloads);
    let last = hammer.tally();
    // What the last reload left is gone when requests have come since.
    wait_for("the load", || Ok(hammer.tally().sent >= last.sent + FIRST_REQUESTS))?;
    let late = resident(&gateway)?;
    hammer.stop()?;
    gateway.stop()?;
    let tally = Tally { sent: last.sent - first.sent, lost: last.lost - first.lost };
    Ok(Reloaded { resident: [before, early, late], took, tally })
}

/// Returns when the next configuration is in force.
fn once(bench: &Bench, gateway: &Gateway, number: u32) -> Result<()> {
    let signal = match gateway.setup.scenario {
        Scenario::HaProxy => Signal::USR2,
        Scenario::Nginx => Signal::HUP,
        _ => {
            let generation = generation(gateway)?;
            let (new, file) = (bench.file("chain.toml.new"), bench.file(CHAIN_FILE));
            fs::write(&new, chain_file(1_000_000_000 - u64::from(number)))?;
            fs::rename(new, file)?;
            return wait_for("the next generation", || Ok(self::generation(gateway)? > generation));
        }
    };
    let id = gateway.process.id();
    let old = proc::children(id)?;
    gateway.process.signal(signal)?;
    wait_for("the old processes to end", || {
        // One that ends while it is looked at is no error.
        let new = proc::children(id).unwrap_or_else(|_| old.clone());
        Ok(!new.is_empty() && new.iter().all(|child| !old.contains(child)))
    })
}

fn generation(gateway: &Gateway) -> Result<u64> {
    let metrics = http::get(gateway.admin, "/metrics", &[])?.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("tollgate_config_generation "));
    Ok(line.context("the metrics tell no generation")?.parse::<f64>()? as u64)
}

/// The middle of several looks, in MB.
fn resident(gateway: &Gateway) -> Result<f64> {
    const LOOKS: usize = 9;
    let mut found = Vec::new();
    for _ in 0..LOOKS {
        found.push(proc::resident(gateway.process.id())? as f64 / 1e6);
        std::thread::sleep(Duration::from_millis(20));
    }
    found.sort_by(f64::total_cmp);
    Ok(found[LOOKS / 2])
}

fn wait_for(what: &str, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !condition()? {
        ensure!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
