//! What /proc tells of a process and of the whole machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of a process and its living children: nginx has a worker beside its master.
pub fn cpu(process: u32) -> Result<Duration> {
    family(process)?.into_iter().map(|process| Ok(ticks(&stat(process)?, &[UTIME, STIME]))).sum()
}

/// CPU time of what this process started and has waited for.
pub fn cpu_of_ended_children() -> Result<Duration> {
    Ok(ticks(&stat(std::process::id())?, &[CUTIME, CSTIME]))
}

/// CPU time of everybody on this machine.
pub fn cpu_of_machine() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).collect();
    Ok(ticks(&fields.join(" "), &[USER, NICE, SYSTEM]))
}

/// Resident memory of a process and its living children, in bytes.
pub fn resident(process: u32) -> Result<u64> {
    let one = |process: u32| -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = field.and_then(|field| field.trim().strip_suffix(" kB"));
        Ok(1024 * kilobytes.context("a process has a VmRSS")?.parse::<u64>()?)
    };
    family(process)?.into_iter().map(one).sum()
}

/// Places in /proc/PID/stat, counted from the field after the name (proc_pid_stat(5): 14 is utime).
const UTIME: usize = 11;
const STIME: usize = 12;
const CUTIME: usize = 13;
const CSTIME: usize = 14;
/// Of these, in a second: USER_HZ is 100 wherever Rust runs on Linux.
const TICKS: u64 = 100;
/// Places in the first line of /proc/stat.
const USER: usize = 0;
const NICE: usize = 1;
const SYSTEM: usize = 2;

fn family(process: u32) -> Result<Vec<u32>> {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children"))?;
    let mut family = vec![process];
    for child in children.split_whitespace() {
        family.extend(self::family(child.parse()?)?);
    }
    Ok(family)
}

/// The fields after the name, which may contain anything.
fn stat(process: u32) -> Result<String> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, fields) = stat.rsplit_once(") ").context("the name of a process ends")?;
    Ok(fields.to_owned())
}

fn ticks(fields: &str, places: &[usize]) -> Duration {
    let fields: Vec<u64> = fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    let ticks: u64 = places.iter().map(|place| fields.get(*place).copied().unwrap_or(0)).sum();
    Duration::from_millis(ticks * 1000 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_burns_is_counted() {
        let before = cpu(std::process::id()).expect("it lives");
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while cpu(std::process::id()).expect("it lives") < before + Duration::from_millis(30) {
            assert!(std::time::Instant::now() < deadline, "30 s of a busy loop are no 30 ms of CPU time");
        }
        assert!(resident(std::process::id()).expect("it lives") > 0);
    }
}
