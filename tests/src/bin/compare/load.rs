//! `wrk`: the load, and what it saw.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::gateway::KEY;

const SCRIPT: &str = include_str!("peers/load.lua");

/// What one run saw. No request of it failed.
#[derive(Debug)]
pub struct Load {
    pub requests: u64,
    pub seconds: f64,
    pub p50_us: u64,
    pub p99_us: u64,
}

/// Runs `wrk` to its end.
pub fn run(address: SocketAddr, connections: u32, seconds: u32) -> Result<Load> {
    let script = tempfile::Builder::new().suffix(".lua").tempfile()?;
    std::fs::write(script.path(), SCRIPT)?;
    let ran = Command::new("wrk")
        .args(["--threads", "1", "--connections", &connections.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script.path())
        .arg(format!("http://{address}/"))
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!("wrk makes the load: apt-get install wrk"),
            _ => error.into(),
        })?;
    let told = String::from_utf8_lossy(&ran.stdout);
    let last = told.lines().last().unwrap_or_default();
    let figures: Value = serde_json::from_str(last)
        .with_context(|| format!("wrk failed: {told}{}", String::from_utf8_lossy(&ran.stderr)))?;
    let whole = |name: &str| figures[name].as_u64().with_context(|| format!("wrk did not say {name}"));
    let (refused, broken) = (whole("non_2xx")?, whole("socket_errors")?);
    ensure!(refused == 0 && broken == 0, "requests failed under load: {refused} were no 2xx, {broken} had no answer");
    let load = Load {
        requests: whole("requests")?,
        seconds: figures["seconds"].as_f64().context("wrk did not say how long it ran")?,
        p50_us: whole("p50_us")?,
        p99_us: whole("p99_us")?,
    };
    ensure!(load.requests > 0, "no request was answered");
    Ok(load)
}

/// A request like those of `peers/load.lua`.
pub fn request(gateway: SocketAddr) -> String {
    format!(
        "GET /v1/users/42 HTTP/1.1\r\nHost: {gateway}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
         Accept: application/json, text/plain;q=0.9, */*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\n\
         Accept-Language: en-GB,en;q=0.5\r\nCache-Control: no-cache\r\n\
         Referer: https://www.example.com/account/settings\r\nX-Api-Key: {KEY}\r\n\r\n"
    )
}
