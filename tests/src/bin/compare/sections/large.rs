//! A large response on a route without body hooks: what its bytes cost, and that they are not kept.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::by_round;
use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Gateway, KEY, LARGE, Setup, missing};
use crate::measure::mebibytes;
use crate::scenario::Scenario;
use crate::{Arguments, load, proc, say};

/// What grows, in MiB, that is no growth: buffers of one connection.
const NO_GROWTH: f64 = 2.0;

pub fn measure(bench: &Bench, arguments: &Arguments, findings: &mut Findings) {
    findings.about = "One worker, one client that reads as fast as it can, a sparse file of 10^9 bytes behind the upstream. \
                      nginx is measured as its users have it, with `proxy_buffering on`, which lets it write what the client is \
                      too slow for to a file; that is what the target is seen from. `off` is nearer to what Tollgate does, so \
                      it stands here too. Growth is the peak of resident memory over what there was before."
        .to_owned();
    let nginx = |buffering| Setup { buffering, ..Setup::from(Scenario::Nginx) };
    let setups = [
        ("nginx, proxy_buffering on", nginx(true)),
        ("nginx, proxy_buffering off", nginx(false)),
        ("HAProxy", Scenario::HaProxy.into()),
        ("Tollgate, no plugin", Scenario::Bare.into()),
        ("Tollgate, chain of four", Scenario::Chain.into()),
    ];
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
            match findings.attempt(what, || once(bench, setup)) {
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
        findings.add(if setup.scenario.is_tollgate() { grown.at_most(NO_GROWTH) } else { grown });
    }
    let ratio = |place: usize, to: usize| by_round(&cpu[place], &cpu[to], |own, other| own / other);
    findings.add(Row::new("Tollgate, no plugin, beside nginx, proxy_buffering on", "x", ratio(3, 0)).at_most(1.1));
    findings.add(Row::new("Tollgate, no plugin, beside nginx, proxy_buffering off", "x", ratio(3, 1)));
}

/// CPU milliseconds, and MiB of growth.
fn once(bench: &Bench, setup: &Setup) -> Result<(f64, f64)> {
    let gateway = Gateway::start(bench, setup.clone())?;
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

fn download(gateway: &Gateway) -> Result<()> {
    let address = gateway.process.address;
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = format!("GET /large HTTP/1.1\r\nHost: {address}\r\nX-Api-Key: {KEY}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut total, mut head) = (0, None);
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        if head.is_none() {
            ensure!(buffer[..read].starts_with(b"HTTP/1.1 200 "), "it is refused");
            let end = buffer[..read].windows(4).position(|end| end == b"\r\n\r\n");
            head = Some(end.context("the head comes in one piece")? as u64 + 4);
        }
        total += read as u64;
    }
    let body = total - head.context("there was no answer")?;
    ensure!(body == LARGE, "{body} bytes came, not {LARGE}");
    Ok(())
}
