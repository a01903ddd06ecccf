//! Builds the guests of the end-to-end tests for wasm32-wasip2, and says where they are. As
//! `plugins/bundle/build.rs` builds the bundled plugins, in a target folder of their own.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Of the environment only what finds the tools and the registry: flags for the tests must not reach the guests.
const KEPT: [&str; 12] = [
    "PATH",
    "HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUSTUP_AUTO_INSTALL",
    "TMPDIR",
    "CARGO_NET_OFFLINE",
    "http_proxy",
    "https_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

fn main() -> ExitCode {
    match build() {
        Ok(components) => {
            println!("cargo::rustc-env=TOLLGATE_GUESTS={}", components.display());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            println!("cargo::error={problem}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<PathBuf, String> {
    let guests = path("CARGO_MANIFEST_DIR")?.join("guests");
    let root = guests.join("../..");
    for watched in ["wit", "plugin-sdk/src", "plugin-sdk/Cargo.toml", "plugin-sdk/macros", "Cargo.toml"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    println!("cargo::rerun-if-changed={}", guests.display());
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let out = path("OUT_DIR")?;
    let target = out.ancestors().nth(4).ok_or("OUT_DIR is not in a target folder")?.join("guests");
    let output = Command::new(path("CARGO")?)
        .current_dir(&guests)
        .env_clear()
        .envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .args(["build", "--release", "--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .output()
        .map_err(|error| format!("cargo does not run: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).replace('\n', " | ");
        return Err(format!("the guests do not build (do they lack `rustup target add wasm32-wasip2`?): {text}"));
    }
    Ok(target.join("wasm32-wasip2/release"))
}

fn path(variable: &str) -> Result<PathBuf, String> {
    env::var_os(variable).map(PathBuf::from).ok_or_else(|| format!("cargo sets no {variable}"))
}
