//! From the start of a process to its first answer, and what it holds while nobody asks anything.

use std::time::Duration;

use anyhow::Result;

use crate::gateway::{Bench, Gateway};
use crate::measure::mebibytes;
use crate::proc;
use crate::scenario::Scenario;
use crate::summary::Summary;

/// Each after the check has started the same gateway once: components are compiled already.
const STARTS: usize = 5;
/// Long enough for whatever a gateway does after its first answer.
const SETTLE: Duration = Duration::from_millis(300);

/// A scenario's starts.
#[derive(Debug)]
pub struct Start {
    pub scenario: Scenario,
    pub milliseconds: Summary,
    /// In MiB.
    pub resident: Summary,
}

pub fn measure(bench: &Bench, scenario: Scenario) -> Result<Start> {
    let mut figures = Vec::new();
    for _ in 0..STARTS {
        let gateway = Gateway::start(bench, scenario)?;
        std::thread::sleep(SETTLE);
        figures.push((gateway.started_in, proc::resident(gateway.process.id())?));
        gateway.stop()?;
    }
    let milliseconds = Summary::of(figures.iter().map(|(started_in, _)| started_in.as_secs_f64() * 1e3));
    let resident = Summary::of(figures.iter().map(|(_, resident)| mebibytes(*resident)));
    Ok(Start { scenario, milliseconds, resident })
}
