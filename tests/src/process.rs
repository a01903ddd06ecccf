//! A child process of a test: started in a folder, signalled, waited for, and never left behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

pub use rustix::process::Signal;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, kill_process, prlimit};

use crate::lines::Lines;
use crate::wait_for;

/// A running child and what it wrote. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

impl Process {
    /// Starts the binary in `folder`, with nothing of this process's environment that it would heed. What it writes to
    /// stdout is read, unless that is given.
    pub(crate) fn start(
        binary: &Path,
        folder: &Path,
        arguments: &[&str],
        variables: &[(String, String)],
        stdout: Option<Stdio>,
    ) -> Self {
        let mut child = Command::new(binary)
            .args(arguments)
            .current_dir(folder)
            .env_remove("TOLLGATE_CONFIG")
            .env("TOLLGATE_CACHE_DIR", compile_cache(binary))
            .env("NO_COLOR", "1")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stdout(stdout.unwrap_or_else(Stdio::piped))
            .stderr(Stdio::piped())
            .spawn()
            .expect("cargo built the binary");
        let stdout = child.stdout.take().map_or_else(|| Lines::of(io::empty()), Lines::of);
        let stderr = Lines::of(child.stderr.take().expect("it is piped"));
        Self { child, stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // The child is reaped only through `&mut self`, so its id is still its own, or nobody's.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }

    /// From now on it may have so much of this; none: as much as this process may.
    pub(crate) fn limit(&self, resource: Resource, most: Option<u64>) {
        // Who is not root cannot raise what it has lowered.
        let maximum = getrlimit(resource).maximum;
        let limit = Rlimit { current: most.or(maximum), maximum };
        prlimit(Some(Pid::from_child(&self.child)), resource, limit).expect("it is our child");
    }

    /// The ids of its threads.
    pub(crate) fn threads(&self) -> Vec<Pid> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.id())).expect("it lives");
        let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok());
        ids.filter_map(Pid::from_raw).collect()
    }

    /// Its status, when it has ended.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is our child")
    }

    /// Waits for its end, and for the last it wrote.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let status = wait_for("the process to end", || self.ended());
        self.stdout.wait_for_end();
        self.stderr.wait_for_end();
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Components compile once per machine and binary folder: `target/tmp/compile-cache`.
fn compile_cache(binary: &Path) -> PathBuf {
    let target = binary.ancestors().nth(2).expect("it lies in target/debug");
    target.join("tmp").join("compile-cache")
}
