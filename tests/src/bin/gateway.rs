//! The `tollgate` binary once more, so that cargo builds it with the tests that start it and they never run a stale one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate::cli::main()
}
