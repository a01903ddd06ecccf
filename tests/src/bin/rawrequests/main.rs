//! Plays requests that lie in files to a gateway, and compares what becomes of each with what is expected of it:
//! `tests/conformance/run rawrequests`, with those of gunicorn's own tests.
//!
//! What is expected stands in a file, a line for each case, with a reason where a gateway has to do something else than
//! gunicorn, which is a server behind one. Every case is sent in one piece and in pieces of one byte. Many do not name a
//! host, and are refused for that alone, whatever they are about: those are played once more with one.

mod case;
mod expectation;
mod play;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;
use tests::{Builder, Upstream};

use case::Case;
use expectation::{Expectation, Outcome};
use play::Place;

/// Plays requests from files, and compares what becomes of them with what is expected.
#[derive(Debug, Parser)]
struct Arguments {
    /// The gateway.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// The folder with `valid/*.http` and `invalid/*.http`.
    #[arg(long, value_name = "FOLDER")]
    requests: PathBuf,
    /// What is expected of each.
    #[arg(long, value_name = "FILE")]
    expectations: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            say(&format!("{problem:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Answers whether everything was as expected.
fn run(arguments: &Arguments) -> Result<bool> {
    let cases = case::read_all(&arguments.requests)?;
    let expectations = expectation::read_all(&arguments.expectations)?;
    if let Some(name) = expectations.keys().find(|name| !cases.iter().any(|case| case.name == **name)) {
        bail!("{}: there is no case {name}", arguments.expectations.display());
    }
    let upstream = Upstream::saying("");
    let binary = arguments.binary.canonicalize().with_context(|| format!("no {}", arguments.binary.display()))?;
    let gateway =
        Builder::new(binary.to_str().context("the binary's path is no text")?, &config(&upstream.url())).start();
    let place = |expectation: &Expectation| Place {
        address: gateway.addresses()[expectation.listener.index()],
        upstream: &upstream,
    };
    let mut passed = 0;
    for case in &cases {
        let Some(expectation) = expectations.get(&case.name) else {
            say(&format!("{}: nothing is said of what is expected", case.name));
            continue;
        };
        let problems = judge(case, expectation, &place(expectation));
        for problem in &problems {
            say(&format!("{}: {problem}", case.name));
        }
        passed += usize::from(problems.is_empty());
    }
    say(&format!("result {passed} {}", cases.len()));
    Ok(passed == cases.len())
}

fn judge(case: &Case, expectation: &Expectation, place: &Place<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut compare = |variant: &str, bytes: &[u8], expected: &Outcome| {
        for (pieces, size) in [("in one piece", bytes.len()), ("byte by byte", 1)] {
            let happened = play::play(place, bytes, size, expected.leaves);
            if happened != expected.happened {
                problems
                    .push(format!("{variant}, {pieces}: expected `{}`, but it was `{happened}`", expected.happened));
            }
        }
    };
    compare("as it is", &case.bytes, &expectation.outcome);
    match (&case.with_host, &expectation.with_host) {
        (Some(bytes), Some(expected)) => compare("with a host", bytes, expected),
        (Some(_), None) => problems.push("it names no host: what is expected with one?".to_owned()),
        (None, Some(_)) => problems.push("it names a host, so that there is nothing to send with another".to_owned()),
        (None, None) => {}
    }
    let last = expectation.with_host.as_ref().unwrap_or(&expectation.outcome);
    if last.is_refusal() == case.is_valid && expectation.reason.is_empty() {
        problems.push("it differs from what gunicorn does, and no reason is given".to_owned());
    }
    problems
}

/// The listeners stand in the order of [`expectation::Listener::index`]. They have addresses of their own because a listener
/// is known by what the configuration calls it, port 0 included.
fn config(upstream: &str) -> String {
    format!(
        r#"
[[listener]]
address = "127.0.0.1:0"

[[listener]]
address = "127.0.0.2:0"
limits = {{ header-bytes = "8KiB" }}

[[listener]]
address = "127.0.0.3:0"
proxy-protocol = ["127.0.0.1"]

[[upstream]]
name = "behind"
endpoints = ["{upstream}"]

[[route]]
name = "everything"
upstream = "behind"
"#
    )
}

fn say(line: &str) {
    // Nobody reads it any more, if it cannot be written.
    let _ = writeln!(std::io::stdout(), "{line}");
}
