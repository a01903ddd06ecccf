//! The command line: flags, exit codes, and what a person reads there.

#![cfg(feature = "gateway")]

mod check;
mod matching;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{self, Config};
use crate::gateway::{self, GatewayError, Logs, loader};

/// Could not run, or found no route.
const FAILED: u8 = 1;
/// Wrong usage: `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;
/// A configuration with problems: `EX_CONFIG` of sysexits.h.
const BAD_CONFIG: u8 = 78;

/// An API gateway whose every policy is a sandboxed WebAssembly component.
#[derive(Debug, Parser)]
#[command(name = "tollgate", bin_name = "tollgate", version, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The configuration.
    #[arg(long, short, env = "TOLLGATE_CONFIG", default_value = "config/gateway.toml", value_name = "FILE")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway; what happens without a command.
    Run(Configuration),
    /// Print every problem of the configuration, its plugins' own included.
    Check(Configuration),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
    /// Say which route a request takes, and why the others lost. Exits with 1 if none takes it.
    #[command(
        after_help = "Exit codes: 0 if a route takes the request, 1 if none does, 64 if the request is refused before \
                            routes are looked at (or for wrong usage), 78 for a bad configuration."
    )]
    Match {
        #[command(flatten)]
        request: matching::Request,
        #[command(flatten)]
        configuration: Configuration,
    },
    /// Print the version.
    Version,
}

/// The flag of the commands that read the configuration, behind the command's name as well as before it.
#[derive(Debug, Args)]
struct Configuration {
    /// The configuration [env: TOLLGATE_CONFIG] [default: config/gateway.toml]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { command, config }) => execute(command.as_ref(), &config),
        Err(error) => {
            // To stdout what was asked for (help, version), to stderr what is wrong.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
        }
    }
}

fn execute(command: Option<&Command>, before: &Path) -> ExitCode {
    let of = |configuration: &'_ Configuration| configuration.config.clone().unwrap_or_else(|| before.to_owned());
    match command {
        None => run(before),
        Some(Command::Run(configuration)) => run(&of(configuration)),
        Some(Command::Check(configuration)) => {
            let path = of(configuration);
            match load(&path).and_then(|config| check::check(&config)) {
                Ok(checked) => {
                    checked.warnings.iter().for_each(|warning| complain(warning));
                    say(&format!("{}: {}", path.display(), checked.summary))
                }
                Err(error) => fail(&error),
            }
        }
        Some(Command::Schema) => say(&format!("{:#}", config::schema())),
        Some(Command::Match { request, configuration }) => match load(&of(configuration)) {
            Ok(config) => match matching::explain(&config, request) {
                Ok(explanation) => {
                    let code = say(&explanation.text);
                    if explanation.is_taken { code } else { ExitCode::from(FAILED) }
                }
                Err(reason) => {
                    complain(&reason);
                    ExitCode::from(USAGE)
                }
            },
            Err(error) => fail(&error),
        },
        Some(Command::Version) => say(concat!("tollgate ", env!("CARGO_PKG_VERSION"))),
    }
}

fn run(path: &Path) -> ExitCode {
    let config = match load(path) {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    let (logs, guard) = match Logs::start(config.gateway.log) {
        Ok(started) => started,
        Err(error) => return fail(&error.into()),
    };
    let ran = gateway::run(path, config, logs);
    // The last log lines stand before the last word.
    drop(guard);
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn load(path: &Path) -> Result<Config, GatewayError> {
    Ok(config::load(path, &loader::surroundings())?)
}

fn fail(error: &GatewayError) -> ExitCode {
    match error {
        GatewayError::Problems(problems) => {
            complain(&problems.to_string());
            ExitCode::from(BAD_CONFIG)
        }
        error => {
            let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            complain(&format!("tollgate: {error}{help}"));
            ExitCode::from(FAILED)
        }
    }
}

/// What was asked for. A reader that went away is not a failure of ours.
fn say(text: &str) -> ExitCode {
    let _ = writeln!(std::io::stdout(), "{text}");
    ExitCode::SUCCESS
}

fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
