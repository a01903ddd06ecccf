//! What a plugin that waits does to others: `waiting --binary target/release/tollgate --rounds 5` measures the 99th
//! percentile of a route while nothing else goes on, while 1,000 requests wait a second each for an upstream (without a
//! plugin: what so many requests cost anyway), and while 1,000 wait a second each in a plugin, and prints the ratios. The three
//! are interleaved in each round.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use tests::{Builder, Client, Gateway, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::sleep;

/// How long the upstream takes.
const WAIT: Duration = Duration::from_secs(1);
/// Between two requests of the route that is measured.
const PAUSE: Duration = Duration::from_millis(1);

/// Measures what a plugin that waits does to others.
#[derive(Parser)]
struct Arguments {
    /// The gateway to measure.
    #[arg(long)]
    binary: PathBuf,
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Requests that wait at once.
    #[arg(long, default_value_t = 1000)]
    waiting: usize,
    /// Of each measurement.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

/// What goes on beside the route that is measured.
#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Upstream,
    Plugin,
}

const ALL: [Beside; 3] = [Beside::Nothing, Beside::Upstream, Beside::Plugin];

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let slow = runtime.block_on(slow_upstream())?;
    let binary = std::path::absolute(&arguments.binary)?;
    let gateway = Builder::new(binary.to_str().context("the path is text")?, &config(slow, arguments.waiting)).start();
    let mut percentiles: [Vec<Duration>; 3] = Default::default();
    for _ in 0..arguments.rounds {
        for (beside, percentiles) in ALL.into_iter().zip(&mut percentiles) {
            percentiles.push(measure(&runtime, &gateway, beside, &arguments)?);
        }
    }
    let [nothing, upstream, plugin] = percentiles.map(median);
    let ratio = |of: Duration| of.as_secs_f64() / nothing.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "99th percentile of another route, median of {} rounds: {nothing:?} alone; {upstream:?} ({:.2} x) beside {} requests \
         that wait for an upstream; {plugin:?} ({:.2} x) beside {} that wait in a plugin",
        arguments.rounds,
        ratio(upstream),
        arguments.waiting,
        ratio(plugin),
        arguments.waiting,
    )?;
    Ok(ExitCode::SUCCESS)
}

fn config(slow: SocketAddr, waiting: usize) -> String {
    let guest = PathBuf::from(env!("TOLLGATE_GUESTS")).join("caller.wasm");
    format!(
        r#"
[gateway]
workers = 1
sandbox = {{ instances = {instances} }}
log = {{ access = false }}

[[upstream]]
name = "slow"
endpoints = ["http://{slow}"]
keep-alive = {{ connections = {waiting} }}

[[upstream]]
name = "echo"
endpoints = ["internal:echo"]

[[plugin]]
name = "caller"
source = "{guest}"
grants = ["outbound", "state"]
limits = {{ instances = {waiting}, queue = {waiting} }}
outbound = {{ upstreams = ["slow"], timeout = "10s" }}

[[route]]
name = "measured"
match = {{ path = "/measured" }}
upstream = "echo"

[[route]]
name = "upstream"
match = {{ path = "/upstream" }}
upstream = "slow"

[[route]]
name = "plugin"
match = {{ path = "/plugin" }}
plugins = ["caller"]
upstream = "echo"
"#,
        instances = 2 * waiting + 16,
        guest = guest.display(),
    )
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

/// The 99th percentile of a route while all others are under way.
fn measure(runtime: &Runtime, gateway: &Gateway, beside: Beside, arguments: &Arguments) -> Result<Duration> {
    let target = match beside {
        Beside::Nothing => return percentile(gateway, arguments.seconds),
        Beside::Upstream => "/upstream",
        Beside::Plugin => "/plugin",
    };
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..arguments.waiting)
        .map(|index| {
            // Spread over the wait, as they would come.
            let start = WAIT.mul_f64(index as f64 / arguments.waiting as f64);
            runtime.spawn(wait_again_and_again(gateway.address(), target, start, over.clone(), answered.clone()))
        })
        .collect();
    // Until each has waited once, instances and connections are made.
    let began = Instant::now();
    while answered.load(SeqCst) < arguments.waiting {
        ensure!(began.elapsed() < Duration::from_secs(60), "{} waiting requests were answered", answered.load(SeqCst));
        std::thread::sleep(PAUSE);
    }
    let percentile = percentile(gateway, arguments.seconds);
    over.store(true, SeqCst);
    for client in clients {
        runtime.block_on(client)??;
    }
    percentile
}

async fn wait_again_and_again(
    address: SocketAddr,
    target: &str,
    start: Duration,
    over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
) -> Result<()> {
    sleep(start).await;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\nx-send: [{{\"upstream\":[\"slow\",\"/\"]}}]\r\n\r\n");
    while !over.load(SeqCst) {
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await?;
        ensure!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
        answered.fetch_add(1, SeqCst);
    }
    Ok(())
}

fn percentile(gateway: &Gateway, seconds: u64) -> Result<Duration> {
    let mut client = Client::connect(gateway.address());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut took = Vec::new();
    while Instant::now() < end {
        std::thread::sleep(PAUSE);
        let began = Instant::now();
        let answer = client.send(Request::get("/measured"));
        took.push(began.elapsed());
        ensure!(answer.status == 200, "the answer was a {}", answer.status);
    }
    took.sort();
    Ok(took[took.len() * 99 / 100])
}

fn median(mut of: Vec<Duration>) -> Duration {
    of.sort();
    of[of.len() / 2]
}
