//! How long a healthy client waits: `latency --address 127.0.0.1:8080` sends one request after the other for some seconds,
//! and prints the 99th percentile in microseconds. `tests/conformance/run slowhttptest` compares it with and without slow
//! clients beside it.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use tests::{Client, Request};

/// Between two requests: a client that never rests would measure how much of the machine it gets.
const PAUSE: Duration = Duration::from_millis(2);
/// Requests of one connection: a healthy client has to be accepted, too.
const REQUESTS: usize = 20;

/// Measures how long a healthy client waits.
#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    address: SocketAddr,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut took = Vec::new();
    while Instant::now() < end {
        let mut connection = None;
        for _ in 0..REQUESTS {
            std::thread::sleep(PAUSE);
            let began = Instant::now();
            let client = connection.get_or_insert_with(|| Client::connect(arguments.address));
            let answer = client.try_send(Request::get("/"))?;
            took.push(began.elapsed());
            ensure!(answer.status == 200, "the answer was a {}", answer.status);
        }
    }
    took.sort();
    let percentile = took[took.len() * 99 / 100];
    writeln!(std::io::stdout(), "{}", percentile.as_micros())?;
    Ok(ExitCode::SUCCESS)
}
