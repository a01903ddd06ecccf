//! The route that is measured: how long its requests take.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Between two requests of the lone client.
const PAUSE: Duration = Duration::from_millis(1);
/// Nothing else is done about it: what a client takes for itself counts as well.
const REQUEST: &[u8] = b"GET /measured HTTP/1.1\r\nhost: a\r\n\r\n";
/// More than an answer has.
const MOST: usize = 4096;

/// How long each request took, the shortest first.
pub struct Took {
    each: Vec<Duration>,
    within: Duration,
}

impl Took {
    fn new(mut each: Vec<Duration>, within: Duration) -> Self {
        each.sort();
        Self { each, within }
    }

    pub fn percentile(&self, percent: usize) -> Duration {
        self.each[self.each.len() * percent / 100]
    }

    /// Requests in a second.
    pub fn rate(&self) -> f64 {
        self.each.len() as f64 / self.within.as_secs_f64()
    }
}

/// By one client that pauses after each.
pub fn lone(gateway: SocketAddr, time: Duration) -> Result<Took> {
    let mut stream = TcpStream::connect(gateway)?;
    stream.set_nodelay(true)?;
    let mut answer = [0; MOST];
    let mut each = Vec::new();
    let started = Instant::now();
    while started.elapsed() < time {
        std::thread::sleep(PAUSE);
        let began = Instant::now();
        stream.write_all(REQUEST)?;
        let length = stream.read(&mut answer)?;
        each.push(began.elapsed());
        check(&answer[..length])?;
    }
    Ok(Took::new(each, started.elapsed()))
}

/// By so many connections, each with its next request when it has its answer.
pub fn busy(gateway: SocketAddr, connections: u16, time: Duration) -> Result<Took> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let started = Instant::now();
    let connections: Vec<_> =
        (0..connections).map(|_| runtime.spawn(again_and_again(gateway, started + time))).collect();
    let mut each = Vec::new();
    for connection in connections {
        each.append(&mut runtime.block_on(connection)??);
    }
    Ok(Took::new(each, started.elapsed()))
}

async fn again_and_again(gateway: SocketAddr, end: Instant) -> Result<Vec<Duration>> {
    let mut stream = tokio::net::TcpStream::connect(gateway).await?;
    let mut answer = [0; MOST];
    let mut each = Vec::new();
    let mut began = Instant::now();
    while began < end {
        stream.write_all(REQUEST).await?;
        let length = stream.read(&mut answer).await?;
        check(&answer[..length])?;
        let now = Instant::now();
        each.push(now - began);
        began = now;
    }
    Ok(each)
}

fn check(answer: &[u8]) -> Result<()> {
    ensure!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(answer));
    Ok(())
}
