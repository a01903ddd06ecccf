//! The `tollgate` binary once more, so that cargo builds it with the tests that start it and they never run a stale one.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

fn main() -> ExitCode {
    tollgate::cli::main()
}
