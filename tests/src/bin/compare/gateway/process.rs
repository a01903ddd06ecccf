//! A child process: started with its output in a file, ended when it is no longer wanted.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::KEY;
use crate::http;

/// How long a process may take to answer, or to end.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A child with the address that it serves. Dropped, it is ended.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Process {
    pub fn spawn(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let file = File::create(log)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let program = command.get_program().to_owned();
        let child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, address, log: log.to_owned() })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Waits for a 200, asked for with a key, which those that want none do not look at.
    pub fn wait_for_answer(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = http::get(self.address, "/", &[("x-api-key", KEY)]);
            match answer {
                Ok(answer) if answer.status == 200 => return Ok(()),
                answer if Instant::now() > deadline => bail!("no 200 after {PATIENCE:?}: {answer:?}; {}", self.wrote()),
                _ => {}
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}; {}", self.wrote());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
    }

    /// Asked, not killed: nginx would leave its worker behind.
    pub fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            self.signal(Signal::TERM)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > deadline {
                self.child.kill()?;
                bail!("process {} did not end", self.id());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn wrote(&self) -> String {
        format!("it wrote:\n{}", fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}
