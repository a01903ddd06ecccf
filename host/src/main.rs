//! The `tollgate` binary.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

fn main() -> ExitCode {
    tollgate::cli::main()
}
