//! One large response through each of some gateways: what its bytes cost, and whether they are kept.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::by_round;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Gateway, KEY, LARGE, Setup, missing};
use crate::measure::mebibytes;
use crate::{Arguments, load, proc, say};

/// How each of the setups did, by round.
pub struct Transfers {
    /// Milliseconds for the whole transfer.
    cpu: Vec<Vec<f64>>,
}

impl Transfers {
    /// Measures the setups in turn, each round beginning with another one, and adds a row for each figure. `looks_right`
    /// is asked before; Tollgate may grow by so many MiB.
    pub fn measure(
        bench: &Bench,
        arguments: &Arguments,
        findings: &mut Findings,
        setups: &[(&str, Setup)],
        (looks_right, growth_at_most): (fn(&Gateway) -> Result<()>, f64),
    ) -> Self {
        let mut cpu = vec![Vec::new(); setups.len()];
        let mut growth = vec![Vec::new(); setups.len()];
        let mut absent = vec![false; setups.len()];
        for round in 0..arguments.rounds as usize {
            for turn in 0..setups.len() {
                let place = (round + turn) % setups.len();
                let (what, setup) = &setups[place];
                if absent[place] {
                    continue;
                }
                if let Some(reason) = missing(setup.scenario) {
                    findings.skip(what, &reason);
                    absent[place] = true;
                    continue;
                }
                say(&format!("  round {} of {}: {what}", round + 1, arguments.rounds));
                match findings.attempt(what, || once(bench, setup, looks_right)) {
                    Some((milliseconds, mebibytes)) => {
                        cpu[place].push(milliseconds);
                        growth[place].push(mebibytes);
                    }
                    None => absent[place] = true,
                }
            }
        }
        for (place, (what, setup)) in setups.iter().enumerate().filter(|(place, _)| !absent[*place]) {
            findings.add(Row::new(format!("{what}: CPU for 1 GB"), "ms", cpu[place].clone()));
            let grown = Row::new(format!("{what}: growth"), "MiB", growth[place].clone());
            findings.add(if setup.scenario.is_tollgate() { grown.at_most(growth_at_most) } else { grown });
        }
        Self { cpu }
    }

    /// The CPU time of one setup beside another's.
    pub fn ratio(&self, place: usize, to: usize) -> Vec<f64> {
        by_round(&self.cpu[place], &self.cpu[to], |own, other| own / other)
    }
}

/// CPU milliseconds, and MiB of growth.
fn once(bench: &Bench, setup: &Setup, looks_right: fn(&Gateway) -> Result<()>) -> Result<(f64, f64)> {
    let gateway = Gateway::start(bench, setup.clone())?;
    looks_right(&gateway)?;
    let process = gateway.process.id();
    load::run(gateway.process.address, 64, 1)?;
    proc::forget_peak(process)?;
    let (before, resident) = (proc::cpu(process)?, proc::resident(process)?);
    download(&gateway)?;
    let spent = proc::cpu(process)? - before;
    let peak = proc::peak_resident(process)?;
    gateway.stop()?;
    Ok((spent.as_secs_f64() * 1e3, mebibytes(peak.saturating_sub(resident))))
}

/// By HTTP/1.0, in which a body has no chunks.
fn download(gateway: &Gateway) -> Result<()> {
    let address = gateway.process.address;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!("GET /large HTTP/1.0\r\nHost: {address}\r\nX-Api-Key: {KEY}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut total, mut head) = (0, None);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        if head.is_none() {
            let is_good = buffer[..read].starts_with(b"HTTP/1.") && buffer[..read].get(8..13) == Some(b" 200 ");
            ensure!(is_good, "it is refused");
            let end = buffer[..read].windows(4).position(|end| end == b"\r\n\r\n");
            head = Some(end.context("the head comes in one piece")? as u64 + 4);
        }
        total += read as u64;
    }
    let body = total - head.context("there was no answer")?;
    ensure!(body == LARGE, "{body} bytes came, not {LARGE}");
    Ok(())
}
