//! The processes of the comparison: one upstream for all, and a gateway at a time before it.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::machine;
use crate::subject::Subject;

mod command;
mod config;
mod plecto;
mod process;
mod setup;

pub use command::{is_on_path, missing};
pub use config::{CHAIN_FILE, KEY, chain_file};
pub use process::{PATIENCE, Process};
pub use setup::{Chain, Setup};

/// Started under this name, this binary is the gateway.
pub const NAME: &str = "tollgate";

/// Bytes of the upstream's `/large`.
pub const LARGE: u64 = 1_000_000_000;

/// What all gateways share: the folder of their files, the cores, the upstream.
pub struct Bench {
    pub folder: TempDir,
    /// The Tollgate that is measured.
    pub subject: Subject,
    pub cores: usize,
    pub upstream: Process,
}

/// A gateway that answers.
pub struct Gateway {
    pub setup: Setup,
    pub process: Process,
    /// Where Tollgate's metrics are, if its admin listener is on.
    pub admin: SocketAddr,
    /// From its start to its first answer.
    pub started_in: Duration,
}

impl Bench {
    pub fn new(subject: Subject, cores: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let load = load_core(cores);
        machine::pin(load)?;
        let address = free_address()?;
        let file = config::upstream(folder.path(), address)?;
        File::create(folder.path().join("large"))?.set_len(LARGE)?;
        let upstream = Process::spawn(command::nginx(&file), address, &folder.path().join("upstream.log"))
            .context("nginx is the upstream of every gateway here: apt-get install nginx")?;
        let mut bench = Self { folder, subject, cores, upstream };
        bench.upstream.wait_for_answer().context("the upstream")?;
        Ok(bench)
    }

    /// A path of a file of this run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Gateway {
    /// Starts it on the first core, unless it is to have all; the upstream and `wrk` are on the last.
    pub fn start(bench: &Bench, setup: impl Into<Setup>) -> Result<Self> {
        let setup = setup.into();
        let (address, admin) = (free_address()?, free_address()?);
        let places = config::Places { address, admin, upstream: bench.upstream.address };
        let file = config::gateway(bench.folder.path(), &setup, places)?;
        let command = command::command(bench, &setup, &file)?;
        if setup.unpinned {
            machine::unpin(bench.cores)?
        } else {
            machine::pin(0)?
        }
        let started = Instant::now();
        let process = Process::spawn(command, address, &bench.file("gateway.log"));
        machine::pin(load_core(bench.cores))?;
        let mut gateway = Self { setup, process: process?, admin, started_in: Duration::ZERO };
        gateway
            .process
            .wait_for_answer()
            .with_context(|| format!("{} does not start", gateway.setup.scenario.title()))?;
        gateway.started_in = started.elapsed();
        Ok(gateway)
    }

    /// Ends it, and waits until it is gone.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }
}

fn load_core(cores: usize) -> usize {
    cores - 1
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
