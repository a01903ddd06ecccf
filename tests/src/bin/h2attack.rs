//! Attacks a gateway with HTTP/2, and says what became of it: `h2attack --address 127.0.0.1:8080 --pid 1234`.
//!
//! A flood has to be answered by closing the connection, or with no more bytes than it sent. A bomb may hold at most ten
//! bytes of memory for each that it sent, and only for ten seconds. It is dropped twice, ten seconds apart, and both count:
//! an allocator may keep what is free, but what is not free adds up. Meanwhile a healthy client has to be answered. The exit code is 0 if all of that is so.
//! Each attack is bounded: the largest sends some ten megabytes.
//!
//! `bomb-no-body` is judged by what is free after ten seconds alone: requests whose bodies are on their way look no
//! different before, and each costs what any request does.

#![allow(clippy::print_stdout, reason = "it is a command")]

use std::fs;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Parser;
use tests::attacks::{Bomb, Flood};
use tests::frames::{Connection, End};
use tests::http2;

/// Bytes held for one that was sent.
const MOST_HELD: f64 = 10.0;
/// How long it may be held.
const WATCHED: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

/// A path whose response comes later than that.
const SLOW: &str = "/delay/30s";

#[derive(Parser)]
#[command(about, long_about = None)]
struct Arguments {
    /// Where the gateway accepts HTTP/2 with prior knowledge.
    #[arg(long)]
    address: SocketAddr,
    /// Its process, whose memory is looked at. Without it no bomb is tried.
    #[arg(long)]
    pid: Option<u32>,
    /// Frames of a flood, at most.
    #[arg(long, default_value_t = 20_000)]
    frames: u32,
    /// Connections of a bomb.
    #[arg(long, default_value_t = 100)]
    connections: usize,
    /// Requests of each connection of a bomb.
    #[arg(long, default_value_t = 100)]
    streams: u32,
    /// Field lines of each request of those bombs that keep to the limits.
    #[arg(long, default_value_t = 95)]
    fields: usize,
    /// A path whose response is larger than 64 KiB, for the bomb that needs one.
    #[arg(long, default_value = "/bytes/200kb")]
    large: String,
    /// Which ones: all if none is named.
    attacks: Vec<String>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let bombs = bombs(&arguments);
    let names: Vec<&str> =
        Flood::ALL.iter().map(|flood| flood.name()).chain(bombs.iter().map(|(name, ..)| *name)).collect();
    if let Some(unknown) = arguments.attacks.iter().find(|name| !names.contains(&name.as_str())) {
        bail!("there is no attack `{unknown}`: {}", names.join(", "));
    }
    let is_wanted = |name: &str| arguments.attacks.is_empty() || arguments.attacks.iter().any(|wanted| wanted == name);
    let (mut good, mut all) = (0, 0);
    let mut count = |is_good: bool| {
        all += 1;
        good += u32::from(is_good);
    };
    println!(
        "{:<16} {:<28} {:>10} {:>12} {:>8} {:>8}  others",
        "attack", "end", "sent", "back / held", "ratio", "again"
    );
    for flood in Flood::ALL.into_iter().filter(|flood| is_wanted(flood.name())) {
        count(flood_with(flood, &arguments));
    }
    for (name, bomb, trickles) in bombs.iter().filter(|(name, ..)| is_wanted(name)) {
        match arguments.pid {
            Some(pid) => count(drop_bomb(name, bomb, *trickles, &arguments, pid)?),
            None => println!("{name:<16} skipped: it needs --pid"),
        }
    }
    println!("{good} of {all} closed or unamplified");
    Ok(if good == all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Name, shape, and whether it lets a byte of each response through every second.
fn bombs(arguments: &Arguments) -> Vec<(&'static str, Bomb, bool)> {
    let Arguments { connections, streams, fields, .. } = *arguments;
    let bomb = Bomb { connections, streams, fields, ..Bomb::default() };
    let large = arguments.large.clone();
    vec![
        ("bomb", Bomb { fields: 4000, ..bomb.clone() }, false),
        ("bomb-within", bomb.clone(), false),
        ("bomb-cookies", Bomb { fields: 550, cookies: Some(3), ..bomb.clone() }, false),
        (
            "bomb-long",
            Bomb { fields: 15, cookies: Some(3600), window: 65_535, path: SLOW.to_owned(), ..bomb.clone() },
            false,
        ),
        ("bomb-trickle", bomb.clone(), true),
        ("bomb-shrink", Bomb { window: 65_535, window_after: Some(0), ..bomb.clone() }, false),
        ("bomb-no-body", Bomb { window: 65_535, without_end: true, ..bomb.clone() }, false),
        ("bomb-large", Bomb { window: 65_535, path: large, ..bomb }, false),
    ]
}

fn flood_with(flood: Flood, arguments: &Arguments) -> bool {
    let others = Others::start(arguments.address);
    let flooded = flood.run(arguments.address, arguments.frames);
    let (others, are_served) = others.stop();
    let ratio = flooded.received as f64 / flooded.sent as f64;
    let end = ended(flooded.end);
    println!(
        "{:<16} {end:<28} {:>10} {:>12} {ratio:>8.2} {:>8}  {others}",
        flood.name(),
        flooded.sent,
        flooded.received,
        ""
    );
    are_served && (flooded.end != End::Open || ratio <= 1.0)
}

fn ended(end: End) -> String {
    match end {
        End::GoAway(11) => "GOAWAY ENHANCE_YOUR_CALM".to_owned(),
        End::GoAway(code) => format!("GOAWAY {code}"),
        End::Closed => "closed".to_owned(),
        End::Open => "open".to_owned(),
    }
}

fn drop_bomb(name: &str, bomb: &Bomb, trickles: bool, arguments: &Arguments, pid: u32) -> Result<bool> {
    // What the allocator keeps for good belongs to no attack.
    drop(Bomb { connections: 1, ..bomb.clone() }.drop_on(arguments.address));
    sleep(Duration::from_secs(1));
    let others = Others::start(arguments.address);
    let before = resident(pid)?;
    let (held, connections) = peak(bomb, trickles, arguments, pid)?;
    let held = held.saturating_sub(before);
    let sent = 2 * connections.iter().map(Connection::sent).sum::<u64>();
    let open = connections.iter().filter(|connection| is_open(connection)).count();
    let (again, _connections) = peak(bomb, trickles, arguments, pid)?;
    let again = again.saturating_sub(before + held);
    let (others, are_served) = others.stop();
    let ratio = (held + again) as f64 / sent as f64;
    let end = format!("{open} of {} still open", bomb.connections);
    println!("{name:<16} {end:<28} {sent:>10} {held:>12} {ratio:>8.2} {again:>8}  {others}");
    let is_small = if bomb.without_end { again <= held / 2 } else { ratio <= MOST_HELD };
    Ok(are_served && is_small)
}

/// The most memory in the ten seconds after the bomb was dropped, and what is left of it then.
fn peak(bomb: &Bomb, trickles: bool, arguments: &Arguments, pid: u32) -> Result<(u64, Vec<Connection>)> {
    let started = Instant::now();
    let mut connections = bomb.drop_on(arguments.address);
    let (mut most, mut trickled) = (resident(pid)?, 0);
    while started.elapsed() < WATCHED {
        if trickles && started.elapsed().as_secs() > trickled {
            trickled = started.elapsed().as_secs();
            bomb.trickle(&mut connections);
        }
        sleep(LOOK);
        most = most.max(resident(pid)?);
    }
    Ok((most, connections))
}

/// Whether the other side has not closed it.
fn is_open(connection: &Connection) -> bool {
    let mut reader = connection.reader();
    reader.patience(LOOK);
    reader.end() == End::Open
}

/// Bytes of memory that a process has.
fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the gateway is gone")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it has no memory")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(1024 * kilobytes)
}

/// A healthy client beside the attack.
struct Others {
    is_over: Arc<AtomicBool>,
    client: JoinHandle<(usize, usize, Duration)>,
}

impl Others {
    fn start(address: SocketAddr) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let client = thread::spawn(move || {
            let (mut served, mut asked, mut slowest) = (0, 0, Duration::ZERO);
            while asked == 0 || !over.load(Relaxed) {
                let start = Instant::now();
                let answers =
                    thread::spawn(move || http2::send(address, vec![http2::get("http://x/"), http2::get("http://x/")]));
                asked += 2;
                served += answers.join().map_or(0, |answers| answers.len());
                slowest = slowest.max(start.elapsed());
                sleep(LOOK);
            }
            (served, asked, slowest)
        });
        Self { is_over, client }
    }

    /// What is to be said of it, and whether it was served.
    fn stop(self) -> (String, bool) {
        self.is_over.store(true, Relaxed);
        let (served, asked, slowest) = self.client.join().expect("it catches what fails");
        (format!("{served} of {asked} served, slowest {} ms", slowest.as_millis()), served == asked)
    }
}
