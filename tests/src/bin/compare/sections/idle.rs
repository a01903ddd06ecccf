//! Connections that idle: what each holds in user space after its first request.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use socket2::{Domain, Socket, Type};

use crate::findings::{Findings, Row};
use crate::gateway::{Bench, Gateway, Setup, missing};
use crate::scenario::Scenario;
use crate::{load, machine, proc};

const CONNECTIONS: usize = 10_000;
/// Open files beside the connections: of this program, and of a gateway with its upstream.
const OTHER_FILES: u64 = 500;
/// Connections from one source address; there are 28,000 ports for each, of which others may hold some.
const OF_ONE_ADDRESS: usize = 2_500;

pub fn measure(bench: &Bench, findings: &mut Findings) {
    findings.about = format!(
        "{CONNECTIONS} plaintext HTTP/1.1 connections, one after the other, each left open after one request. The figure is \
         how much the gateway's resident memory grew, divided by their number; buffers of the kernel are not in it. 1 KB is \
         1,000 bytes. Before the first of them wrk loaded the gateway for a second, so that what it makes once is not counted."
    );
    for scenario in [Scenario::Bare, Scenario::Chain, Scenario::Nginx, Scenario::HaProxy] {
        let title = scenario.title();
        if let Some(reason) = missing(scenario) {
            findings.skip(title, &reason);
            continue;
        }
        crate::say(&format!("  {title}"));
        if let Some(bytes) = findings.attempt(title, || each(bench, scenario)) {
            let row = Row::one(title, "KB each", bytes / 1e3);
            findings.add(if scenario.is_tollgate() { row.at_most(12.0) } else { row });
        }
    }
}

fn each(bench: &Bench, scenario: Scenario) -> Result<f64> {
    let files = machine::raise_file_limit()?;
    ensure!(
        files >= CONNECTIONS as u64 + OTHER_FILES,
        "the hard limit of open files is {files}; {CONNECTIONS} connections need a higher one"
    );
    // nginx closes what idles when less than a sixteenth of its connections is left.
    let setup = Setup { connections: CONNECTIONS + CONNECTIONS / 5, ..Setup::from(scenario) };
    let gateway = Gateway::start(bench, setup)?;
    let process = gateway.process.id();
    load::run(gateway.process.address, 64, 1)?;
    let before = proc::resident(process)?;
    let mut held = Vec::with_capacity(CONNECTIONS);
    for number in 0..CONNECTIONS {
        let stream = connection(gateway.process.address, number).with_context(|| format!("connection {number}"))?;
        held.push(stream);
    }
    let open = proc::open_files(process)?;
    ensure!(open >= CONNECTIONS, "the gateway has {open} open files: it closed connections that idle");
    let grown = proc::resident(process)?.saturating_sub(before);
    drop(held);
    gateway.stop()?;
    Ok(grown as f64 / CONNECTIONS as f64)
}

/// Connects, sends a request as `wrk` does, and reads its answer.
fn connection(gateway: SocketAddr, number: usize) -> Result<TcpStream> {
    let last = 1 + u8::try_from(number / OF_ONE_ADDRESS).context("a few addresses are enough")?;
    let source = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)), 0);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&source.into())?;
    socket.connect(&gateway.into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(load::request(gateway).as_bytes())?;
    let mut answer = [0; 4096];
    let length = stream.read(&mut answer)?;
    ensure!(
        answer[..length].starts_with(b"HTTP/1.1 200 "),
        "it answers {:?}",
        String::from_utf8_lossy(&answer[..length])
    );
    Ok(stream)
}
