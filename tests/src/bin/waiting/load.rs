//! Requests that wait, and the upstream that lets them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::machine;

/// How long the upstream takes.
pub const WAIT: Duration = Duration::from_secs(1);

/// A thread with all of it. Who measures goes before it.
pub struct Load {
    runtime: Runtime,
    pub upstream: SocketAddr,
}

/// Requests that are under way all the time.
pub struct Waiting<'l> {
    load: &'l Load,
    clients: Vec<JoinHandle<Result<()>>>,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    over: AtomicBool,
    answered: AtomicU64,
}

impl Load {
    pub fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(machine::come_last)
            .enable_all()
            .build()?;
        let upstream = runtime.block_on(slow_upstream())?;
        Ok(Self { runtime, upstream })
    }

    /// Returns when each has waited once: instances and connections are made.
    pub fn wait(&self, gateway: SocketAddr, target: &'static str, waiting: u32, burst: bool) -> Result<Waiting<'_>> {
        let told = Arc::new(Told::default());
        let client = |index: u32| {
            // Spread over the wait, as they would come.
            let start = if burst { Duration::ZERO } else { WAIT.mul_f64(f64::from(index) / f64::from(waiting)) };
            self.runtime.spawn(wait_again_and_again(gateway, target, start, Arc::clone(&told)))
        };
        let waits = Waiting { load: self, clients: (0..waiting).map(client).collect(), told: Arc::clone(&told) };
        let began = Instant::now();
        while waits.answered() < u64::from(waiting) {
            ensure!(began.elapsed() < Duration::from_secs(60), "{} waiting requests were answered", waits.answered());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(waits)
    }
}

impl Waiting<'_> {
    /// How many were answered so far.
    pub fn answered(&self) -> u64 {
        self.told.answered.load(Relaxed)
    }

    /// Lets those that wait be answered, and sends no more.
    pub fn end(self) -> Result<()> {
        self.told.over.store(true, Relaxed);
        self.clients.into_iter().try_for_each(|client| self.load.runtime.block_on(client).context("it ended")?)
    }
}

async fn wait_again_and_again(gateway: SocketAddr, target: &str, start: Duration, told: Arc<Told>) -> Result<()> {
    sleep(start).await;
    let mut stream = TcpStream::connect(gateway).await?;
    let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\nx-send: [{{\"upstream\":[\"slow\",\"/\"]}}]\r\n\r\n");
    while !told.over.load(Relaxed) {
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await?;
        ensure!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
        told.answered.fetch_add(1, Relaxed);
    }
    Ok(())
}

/// An upstream that answers each request after [`WAIT`].
async fn slow_upstream() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer_slowly(stream));
        }
    });
    Ok(address)
}

async fn answer_slowly(mut stream: TcpStream) {
    while read_head(&mut stream).await.is_some() {
        sleep(WAIT).await;
        if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate").await.is_err() {
            return;
        }
    }
}

/// Requests and responses here are short, and one follows the other.
async fn read_head(stream: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(())
}
