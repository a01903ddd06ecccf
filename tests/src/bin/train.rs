//! The load that a profile is taken from: `train --binary tollgate` starts this gateway, which counts where it has been,
//! sends what users send, and has it end well, so that it writes its counts. `.ci/dist` builds what is shipped by them.
//!
//! Most requests go through the bare proxy or the bundled plugins over HTTP/1, as on most gateways; bodies, TLS, HTTP/2
//! and errors have a share, lest the compiler takes them for never used.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use http_body_util::Full;
use tests::tls::{Authority, Tls};
use tests::{Builder, Client, Gateway, Reply, Request, Signal, Upstream, http2};

/// Connections at once, each of a thread: some requests of a turn of the worker come together.
const CONNECTIONS: usize = 16;
/// Requests of a connection to each route.
const REQUESTS: usize = 3_000;
const CONSUMERS: usize = 1_000;
/// Connections by TLS, and rounds of HTTP/2.
const OTHERS: usize = 100;

/// Sends a gateway the load that a profile is taken from.
#[derive(Parser)]
struct Arguments {
    /// The gateway, built to count.
    #[arg(long)]
    binary: PathBuf,
}

fn main() -> Result<ExitCode> {
    let binary = std::path::absolute(Arguments::parse().binary)?;
    let binary = binary.to_str().context("the path is text")?;
    let (authority, upstream) = (Authority::new(), Upstream::start(|_| answer()));
    let issued = authority.issue(&["gateway.test"]);
    let mut gateway = Builder::new(binary, &config(&upstream.url()))
        .file("server.pem", &issued.cert)
        .file("server.key", &issued.key)
        .start();
    let (plain, secured) = (gateway.addresses()[0], gateway.addresses()[1]);

    thread::scope(|scope| {
        for first in 0..CONNECTIONS {
            let gateway = &gateway;
            scope.spawn(move || of_one_connection(gateway, first));
        }
    });
    let tls = Tls::new(&authority, &[]);
    for number in 0..OTHERS {
        let mut client = tls.connect(secured, "gateway.test");
        (0..10).for_each(|turn| served(&client.send(get("/chain", number + turn))));
        let asked = |path: &str| {
            http::Request::post(format!("http://gateway.test{path}"))
                .header("x-api-key", key(number))
                .body(Full::from("a small body"))
                .expect("a valid URL")
        };
        http2::send(plain, ["/bare", "/chain", "/long", "/nowhere"].into_iter().cycle().take(40).map(asked).collect());
    }

    gateway.signal(Signal::TERM);
    let ended = gateway.wait_exit();
    ensure!(ended.success(), "the gateway ended with {ended}");
    Ok(ExitCode::SUCCESS)
}

fn of_one_connection(gateway: &Gateway, first: usize) {
    let mut client = gateway.client();
    for turn in 0..REQUESTS {
        served(&client.send(get("/bare", turn)));
        served(&client.send(get("/chain", first * CONSUMERS / CONNECTIONS + turn)));
        if turn % 50 == 0 {
            others(&mut client);
        }
    }
}

/// What is sent less often.
fn others(client: &mut Client) {
    served(&client.send(Request::post("/bare", vec![b'x'; 20_000])));
    served(&client.send(get("/long", 0)));
    client.send(Request::get("/chain"));
    client.send(Request::get("/nowhere"));
}

fn served(answer: &tests::Response) {
    assert_eq!(answer.status, 200);
}

fn key(number: usize) -> String {
    format!("key-of-consumer-{:04}", number % CONSUMERS)
}

/// As a browser, a program or a phone sends it, in turn.
fn get(target: &str, turn: usize) -> Request {
    let headers: &[(&str, &str)] = match turn % 3 {
        0 => &[
            ("user-agent", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:141.0) Gecko/20100101 Firefox/141.0"),
            ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "de-DE,de;q=0.7,en;q=0.3"),
            ("cookie", "session=0123456789abcdef; theme=dark"),
            ("cache-control", "max-age=0"),
            ("sec-fetch-mode", "navigate"),
        ],
        1 => &[("user-agent", "curl/8.14.1"), ("accept", "*/*")],
        _ => &[
            ("accept", "application/json"),
            ("accept-encoding", "gzip"),
            ("user-agent", "Shop/4.2 (Android 16; Pixel 9)"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("if-none-match", "\"33a64df551425fcc\""),
        ],
    };
    let request = Request::get(target).header("x-api-key", &key(turn));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn answer() -> Reply {
    Reply::raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-upstream-detail: internal\r\ncontent-length: 22\r\n\r\n\
         {\"id\":42,\"name\":\"Ada\"}",
    )
}

fn config(upstream: &str) -> String {
    let consumers: String = (0..CONSUMERS)
        .map(|number| {
            let key = key(number);
            format!("[[consumer]]\nname = \"consumer-{number:04}\"\ncredentials = [{{ key = \"{key}\" }}]\n")
        })
        .collect();
    format!(
        r#"
[[listener]]
address = "127.0.0.1:0"

[[listener]]
address = "127.0.0.2:0"
tls = {{ cert = "server.pem", key = "server.key" }}

[[upstream]]
name = "users"
endpoints = ["{upstream}"]

[[upstream]]
name = "long"
endpoints = ["internal:echo"]

[[route]]
name = "bare"
match = {{ path = "/bare" }}
upstream = "users"

[[route]]
name = "chain"
match = {{ path = "/chain" }}
upstream = "users"
plugins = ["key-auth", "rate-limit", "circuit-breaker", "transform"]

[[route]]
name = "long"
match = {{ path = "/long" }}
rewrite = "/bytes/200kb"
upstream = "long"

[[plugin]]
name = "rate-limit"
source = "rate-limit"
config = {{ limit = 1000000000, window = "60s" }}

[[plugin]]
name = "circuit-breaker"
source = "circuit-breaker"
config = {{ failures = 5, recovery = "30s" }}

[[plugin]]
name = "transform"
source = "transform"

[plugin.config.request.headers]
set = {{ x-edited = "yes" }}
remove = ["cache-control"]

[plugin.config.response.headers]
set = {{ x-served-by = "gateway" }}
remove = ["x-upstream-detail"]

[[plugin]]
name = "key-auth"
source = "key-auth"

{consumers}"#
    )
}
