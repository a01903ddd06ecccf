//! The processes of the comparison: one upstream for all, and a gateway at a time before it.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::scenario::Scenario;
use crate::{http, machine};

mod config;

pub use config::KEY;

/// Started under this name, this binary is the gateway.
pub const NAME: &str = "tollgate";
/// How long a process may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all gateways share: the folder of their files, the cores, the upstream.
pub struct Bench {
    folder: TempDir,
    binary: Option<PathBuf>,
    pub cores: usize,
    pub upstream: Process,
}

/// A gateway that answers.
pub struct Gateway {
    pub scenario: Scenario,
    pub process: Process,
    /// From its start to its first answer.
    pub started_in: Duration,
}

/// A child with the address that it serves. Dropped, it is ended.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
}

impl Bench {
    pub fn new(binary: Option<PathBuf>, cores: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let load = load_core(cores);
        machine::pin(load)?;
        let address = free_address()?;
        let file = config::upstream(folder.path(), address)?;
        let upstream = Process::spawn(nginx(&file), address, &folder.path().join("upstream.log"))
            .context("nginx is the upstream of every gateway here: apt-get install nginx")?;
        let mut bench = Self { folder, binary, cores, upstream };
        wait_for_answer(&mut bench.upstream).context("the upstream")?;
        Ok(bench)
    }

    /// Why a scenario cannot run here.
    pub fn missing(&self, scenario: Scenario) -> Option<String> {
        (scenario == Scenario::NginxLua).then(config::lua_modules)?.err().map(|error| format!("{error:#}"))
    }
}

impl Gateway {
    /// Starts it on the first core; the upstream and `wrk` are on the last.
    pub fn start(bench: &Bench, scenario: Scenario) -> Result<Self> {
        let folder = bench.folder.path();
        let address = free_address()?;
        let file = config::gateway(folder, scenario, address, bench.upstream.address)?;
        let command = if scenario.is_tollgate() { tollgate(bench, &file)? } else { nginx(&file) };
        machine::pin(0)?;
        let started = Instant::now();
        let process = Process::spawn(command, address, &folder.join("gateway.log"));
        machine::pin(load_core(bench.cores))?;
        let mut gateway = Self { scenario, process: process?, started_in: Duration::ZERO };
        wait_for_answer(&mut gateway.process).with_context(|| {
            let log = fs::read_to_string(folder.join("gateway.log")).unwrap_or_default();
            format!("{} does not start; it wrote:\n{log}", scenario.title())
        })?;
        gateway.started_in = started.elapsed();
        Ok(gateway)
    }

    /// Ends it, and waits until it is gone.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }
}

impl Process {
    fn spawn(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let program = command.get_program().to_owned();
        let child = command.spawn().with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, address })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asked, not killed: nginx would leave its worker behind.
    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
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
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

fn load_core(cores: usize) -> usize {
    cores - 1
}

fn nginx(file: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.args(["-p", "/", "-e", "stderr", "-c"]).arg(file);
    command
}

fn tollgate(bench: &Bench, file: &Path) -> Result<Command> {
    use std::os::unix::process::CommandExt;
    let binary = bench.binary.clone().map_or_else(std::env::current_exe, Ok)?;
    let mut command = Command::new(binary);
    command.arg0(NAME).args(["run", "--config"]).arg(file);
    command.env("TOLLGATE_CACHE_DIR", bench.folder.path().join("cache"));
    Ok(command)
}

/// With a key, which those that want none do not look at.
fn wait_for_answer(process: &mut Process) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = http::get(process.address, "/", &[("x-api-key", KEY)]);
        match answer {
            Ok(answer) if answer.status == 200 => return Ok(()),
            answer if Instant::now() > deadline => bail!("no 200 after {PATIENCE:?}: {answer:?}"),
            _ => {}
        }
        if let Some(status) = process.child.try_wait()? {
            bail!("it ended with {status}");
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
