//! The process as the kernel sees it, under the names that Prometheus' own client libraries give it, so that existing
//! dashboards fit: <https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::exposition::{Exposition, Seconds};

pub(super) struct Process {
    started: SystemTime,
}

impl Process {
    pub(super) fn new() -> Self {
        Self { started: SystemTime::now() }
    }

    /// What this system does not tell is left out.
    pub(super) fn render(&self, out: &mut Exposition) {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let cpu = cpu.tv_sec.cast_unsigned() * 1_000_000_000 + cpu.tv_nsec.cast_unsigned();
        out.family("process_cpu_seconds_total", "counter", "User and system CPU time.");
        out.sample("", &[], Seconds(cpu));
        if let Some(bytes) = resident_bytes() {
            out.family("process_resident_memory_bytes", "gauge", "Resident memory.");
            out.sample("", &[], bytes);
        }
        if let Some(count) = open_descriptors() {
            out.family("process_open_fds", "gauge", "Open file descriptors.");
            out.sample("", &[], count);
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            out.family("process_max_fds", "gauge", "File descriptors that may be open.");
            out.sample("", &[], most);
        }
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        out.family("process_start_time_seconds", "gauge", "When the process started, since 1970.");
        out.sample("", &[], Seconds(started.as_millis() as u64 * 1_000_000));
    }
}

fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

fn open_descriptors() -> Option<usize> {
    // One of them is the folder itself, open while it is read.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}
