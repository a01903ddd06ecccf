//! What /proc tells of a process and of the whole machine.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of a process and its living children: nginx has a worker beside its master.
pub fn cpu(process: u32) -> Result<Duration> {
    Ok(of_family(process, |process| Ok(ticks(&stat(process)?, &[UTIME, STIME])))?.into_iter().sum())
}

/// CPU time of this process and of everything that it has started, ended or not.
pub fn cpu_of_us() -> Result<Duration> {
    let all = [UTIME, STIME, CUTIME, CSTIME];
    Ok(of_family(std::process::id(), |process| Ok(ticks(&stat(process)?, &all)))?.into_iter().sum())
}

/// CPU time of everybody on this machine.
pub fn cpu_of_machine() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let fields: Vec<&str> = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).collect();
    Ok(ticks(&fields.join(" "), &[USER, NICE, SYSTEM]))
}

/// Resident memory of a process and its living children, in bytes.
pub fn resident(process: u32) -> Result<u64> {
    Ok(of_family(process, |process| status_bytes(process, "VmRSS:"))?.into_iter().sum())
}

/// The most resident memory that a process and its living children had since [`forget_peak`], in bytes.
pub fn peak_resident(process: u32) -> Result<u64> {
    Ok(of_family(process, |process| status_bytes(process, "VmHWM:"))?.into_iter().sum())
}

/// From now on [`peak_resident`] begins anew (proc_pid_clear_refs(5): 5).
pub fn forget_peak(process: u32) -> Result<()> {
    of_family(process, |process| Ok(fs::write(format!("/proc/{process}/clear_refs"), "5")?)).map(|_| ())
}

/// Open files of a process and its living children.
pub fn open_files(process: u32) -> Result<usize> {
    Ok(of_family(process, |process| Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count()))?.into_iter().sum())
}

/// A process's living children.
pub fn children(process: u32) -> Result<Vec<u32>> {
    Ok(of_family(process, Ok)?.split_off(1))
}

/// Threads of a process whose name begins like this.
pub fn threads(process: u32, name: &str) -> Result<Vec<u32>> {
    let mut threads = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.starts_with(name) {
            threads.push(task.file_name().to_string_lossy().parse()?);
        }
    }
    Ok(threads)
}

/// A field of /proc/PID/status that is in kB.
fn status_bytes(process: u32, field: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
    Ok(1024 * kilobytes.with_context(|| format!("process {process} has no {field}"))?.parse::<u64>()?)
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

/// What `look` finds at a process and its living children. A child that ends meanwhile is none.
fn of_family<T>(process: u32, look: impl Fn(u32) -> Result<T> + Copy) -> Result<Vec<T>> {
    let mut found = vec![look(process)?];
    // Any of its threads may have started a child, and may end meanwhile too.
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let children = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace() {
            found.extend(of_family(child.parse()?, look).unwrap_or_default());
        }
    }
    Ok(found)
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
