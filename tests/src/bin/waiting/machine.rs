//! Who runs where, and how much of a core the gateway takes.

use std::fmt;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::nice;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tests::Gateway;

/// The first two cores that this process may use; none if it may use one only.
pub struct Cores(Option<[usize; 2]>);

impl Cores {
    /// From now on this thread, and all that it starts, runs on the second core.
    pub fn take() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(first), Some(second)) = (allowed.next(), allowed.next()) else { return Ok(Self(None)) };
        sched_setaffinity(None, &only(second))?;
        Ok(Self(Some([first, second])))
    }

    /// The gateway runs on the first core from now on.
    pub fn keep_apart(&self, gateway: &Gateway) -> Result<()> {
        let Self(Some([first, _])) = self else { return Ok(()) };
        gateway.threads().into_iter().try_for_each(|thread| Ok(sched_setaffinity(Some(thread), &only(*first))?))
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some([first, second]) => write!(f, "the gateway has core {first}, all else core {second}"),
            None => write!(f, "the gateway shares its core with all else"),
        }
    }
}

fn only(core: usize) -> CpuSet {
    let mut cores = CpuSet::new();
    cores.set(core);
    cores
}

/// From now on this thread runs when the others of its core do not.
pub fn come_last() {
    nice(19).expect("nobody is kept from being nice");
}

/// CPU time of all threads of the gateway that live.
pub fn cpu_of(gateway: &Gateway) -> Result<Duration> {
    let of_thread = |thread: rustix::process::Pid| {
        let path = format!("/proc/{}/task/{}/schedstat", gateway.process_id(), thread.as_raw_nonzero());
        let text = fs::read_to_string(&path).with_context(|| path.clone())?;
        let nanoseconds = text.split_whitespace().next().and_then(|first| first.parse().ok());
        Ok(Duration::from_nanos(nanoseconds.with_context(|| path)?))
    };
    gateway.threads().into_iter().map(of_thread).sum()
}
