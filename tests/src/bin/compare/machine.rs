//! The machine that the figures are from, and who else was busy on it.

use std::fs;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

/// What a reader needs to know to compare figures of other machines.
#[derive(Debug)]
pub struct Machine {
    pub cores: usize,
    pub kernel: String,
    pub model: String,
}

impl Machine {
    pub fn read() -> Result<Self> {
        let cores = available_parallelism()?.get();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("this needs Linux")?.trim().to_owned();
        let facts = fs::read_to_string("/proc/cpuinfo")?;
        let model = facts.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or_else(|| "an unknown CPU".to_owned(), |(_, model)| model.to_owned());
        Ok(Self { cores, kernel, model })
    }
}

/// Keeps this thread, and what it starts from now on, on one core.
pub fn pin(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("core {core} cannot be chosen"))
}

/// Lets this thread, and what it starts from now on, run on every core.
pub fn unpin(cores: usize) -> Result<()> {
    let mut set = CpuSet::new();
    (0..cores).for_each(|core| set.set(core));
    sched_setaffinity(None, &set).context("all cores cannot be chosen")
}

/// Raises the soft limit of open files of this process, and so of its children, to the hard one; answers it.
pub fn raise_file_limit() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}
