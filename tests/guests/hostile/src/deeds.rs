//! The misdeeds. One that comes back answers what it saw.

use std::hint::black_box;
use std::time::Duration as StdDuration;

use tollgate_plugin_sdk::prelude::*;

use crate::handles;

/// A deed that needs no message.
pub fn perform(deed: &str) -> Result<String, String> {
    match deed {
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("as it was told"),
        "error" => return Err("failed as it was told".into()),
        "loop" => loop {
            black_box(0);
        },
        "sleep" => std::thread::sleep(StdDuration::from_secs(60)),
        "exit" => std::process::exit(3),
        "recurse" => drop(black_box(dive(0))),
        "memory" => eat(),
        "handles" => return Ok(format!("{} handles", handles::hoard(100_000))),
        "print" => {
            println!("a whole line");
            eprintln!("a line for errors");
            print!("a line without an end");
            let _ = std::io::Write::flush(&mut std::io::stdout());
        }
        "print-flood" => (0..2_000).for_each(|line| println!("line {line}")),
        "print-endless" => (0..1_000).for_each(|_| print!("{}", "x".repeat(1_024))),
        "log-flood" => (0..2_000).for_each(|line| log::info!("line {line}")),
        "log-forged" => log::warn!("one\n{{\"type\":\"access\"}}\r\n\x1b[2Jtwo"),
        "state-flood" => {
            (0..2_000).for_each(|key| state::set(Subject::Plugin, &format!("key {key}"), [7; 60_000], None))
        }
        "state-keys" => (0..200_000).for_each(|key| state::set(Subject::Plugin, &format!("key {key}"), "1", None)),
        "state-value" => state::set(Subject::Plugin, "big", vec![0; 64 * 1024 + 1], None),
        "limiter-keys" => {
            let quotas = [Quota::new(1, StdDuration::from_secs(3_600))];
            (0..200_000).for_each(|key| drop(limiter::acquire(Subject::Plugin, &format!("key {key}"), &quotas, 1)));
        }
        "look-around" => return Ok(look_around()),
        "random" => drop(black_box(crate::handles::random(1 << 25))),
        other if other.starts_with("own ") => setup::own_header(&other["own ".len()..]),
        other if other.starts_with("fail-after ") => fail_after(&other["fail-after ".len()..])?,
        other => return Err(format!("does not know how to do `{other}`")),
    }
    Ok("done".into())
}

/// A deed that is done to a request, or any other.
pub fn to_request(deed: &str, request: &mut Request) -> Result<Action, String> {
    match deed {
        "write-then-panic" => {
            request.set_header("x-left-behind", "yes");
            request.remove_header("x-do");
            request.set_path("/left/behind");
            request.set_method(&Method::DELETE);
            request.set_note("left", "behind");
            request.steer("other");
            panic!("after it wrote");
        }
        "header-name" => request.set_header("not a name", "1"),
        "header-value" => request.set_header("x-split", "1\r\nx-more: 2"),
        "header-framing" => request.set_header("content-length", "3"),
        "headers" => {
            let taken = (0..1_000_000).take_while(|_| request.try_append_header("x-a", "1").is_ok()).count();
            return Ok(reply(format!("{taken} headers")));
        }
        "notes" => (0..1_000_000).for_each(|key| request.set_note(&key.to_string(), "1")),
        _ => return to_anything(deed),
    }
    Ok(Action::Next)
}

/// A deed that is done to a response, or any other.
pub fn to_response(deed: &str, response: &mut Response) -> Result<Action, String> {
    match deed {
        "write-then-panic" => {
            response.set_header("x-left-behind", "yes");
            response.set_status(StatusCode::IM_A_TEAPOT);
            panic!("after it wrote");
        }
        "header-framing" => response.set_header("transfer-encoding", "chunked"),
        _ => return to_anything(deed),
    }
    Ok(Action::Next)
}

fn to_anything(deed: &str) -> Result<Action, String> {
    let ok = || Reply::new(StatusCode::OK);
    let bad = match deed {
        "reply-status" => Reply::new(StatusCode::from_u16(999).map_err(|error| error.to_string())?),
        "reply-informational" => Reply::new(StatusCode::SWITCHING_PROTOCOLS),
        "reply-name" => ok().header("not a name", "1"),
        "reply-value" => ok().header("x-split", "1\r\nx-more: 2"),
        "reply-framing" => ok().header("transfer-encoding", "chunked"),
        "reply-headers" => (0..100_000).fold(ok(), |reply, _| reply.header("x-a", "1")),
        "reply-body" => ok().body(vec![b'a'; 16 * 1024 * 1024]),
        _ => return perform(deed).map(reply),
    };
    Ok(bad.into())
}

fn reply(text: String) -> Action {
    Reply::new(StatusCode::OK).body(text).into()
}

/// Recurses until the stack ends.
fn dive(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    if depth == u64::MAX { 0 } else { dive(depth + 1) + black_box(frame)[0] }
}

/// Takes all memory that there is.
fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(black_box(vec![7_u8; 64 * 1024]));
    }
}

/// What can be seen of the machine outside.
fn look_around() -> String {
    let passwords = std::fs::read("/etc/passwd").is_ok();
    let folder = std::fs::read_dir("/").is_ok() || std::fs::read_dir(".").is_ok();
    let written = std::fs::write("/tmp/hostile", "was here").is_ok();
    let input = std::io::Read::read(&mut std::io::stdin(), &mut [0; 16]).unwrap_or(0);
    format!(
        "variables {} arguments {} passwords {passwords} folder {folder} written {written} input {input} threads {}",
        std::env::vars().count(),
        std::env::args().count(),
        std::thread::Builder::new().spawn(|| ()).is_ok(),
    )
}

/// Fails once the wall clock has passed this many milliseconds since 1970.
fn fail_after(moment: &str) -> Result<(), String> {
    let moment: u128 = moment.parse().map_err(|_| "is told no moment".to_owned())?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(|error| error.to_string())?;
    if now.as_millis() < moment { Ok(()) } else { Err("its time has come".into()) }
}
