//! How much of the machine others used while something was measured.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::proc;

/// The share of the machine that others may use before figures are only hints: caches are theirs too then, and who is
/// measured waits.
pub const NOISY: f64 = 0.2;

/// CPU time up to a moment: of this process with all that it started, and of the whole machine.
pub struct Noise {
    at: Instant,
    ours: Duration,
    machine: Duration,
}

impl Noise {
    pub fn now() -> Result<Self> {
        Ok(Self { at: Instant::now(), ours: proc::cpu_of_us()?, machine: proc::cpu_of_machine()? })
    }

    /// The share of all cores that others used since then.
    pub fn since(&self, cores: usize) -> Result<f64> {
        let now = Self::now()?;
        let ours = now.ours.saturating_sub(self.ours);
        let others = (now.machine.saturating_sub(self.machine)).saturating_sub(ours);
        Ok(others.as_secs_f64() / ((now.at - self.at).as_secs_f64() * cores as f64))
    }
}
