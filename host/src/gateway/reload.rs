//! Reads the configuration again while traffic flows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::listeners::Listeners;
use super::loader::{self, Loader};
use super::logs::Logs;
use super::names::Names;
use super::watch::{self, Seen};
use super::{GatewayError, aside};
use crate::config::{self, Config, Gateway, Problem};
use crate::listener::Worker;
use crate::live::Live;
use crate::telemetry::logging::{Finding, Findings};
use crate::telemetry::metrics::Registry;
use crate::upstream::Plan;

/// Makes the next live config and swaps it in, or leaves everything as it is.
pub(super) struct Reloader {
    path: PathBuf,
    /// Away while a reload runs.
    loader: Option<Loader>,
    names: Names,
    listeners: Listeners,
    logs: Logs,
    registry: Arc<Registry>,
    /// What the process started with: some of it takes effect at a start only.
    started_with: Gateway,
    /// Every file whose change may change the live config, as it looked before it was read.
    files: Seen,
}

/// What follows the configuration.
pub(super) struct Followers {
    pub(super) loader: Loader,
    pub(super) names: Names,
    pub(super) listeners: Listeners,
    pub(super) logs: Logs,
}

impl Reloader {
    pub(super) fn new(path: &Path, config: Config, followers: Followers, registry: Arc<Registry>, files: Seen) -> Self {
        let Followers { loader, names, listeners, logs } = followers;
        let started_with = config.gateway;
        Self { path: path.to_owned(), loader: Some(loader), names, listeners, logs, registry, started_with, files }
    }

    pub(super) fn files(&self) -> &Seen {
        &self.files
    }

    /// The gateway stops: what only this thread accepts on is closed, before the workers are told.
    pub(super) fn close(&mut self) {
        self.listeners.close();
    }

    /// Logs what is to be said again of the live configuration.
    pub(super) fn remind(&self) {
        if let Some(loader) = &self.loader {
            loader.remind();
        }
    }

    /// Reads, checks, compiles and configures on another thread, then swaps. A configuration with a
    /// problem changes nothing, and its problems are logged as `tollgate check` prints them.
    ///
    /// Answers the shutdown timeout of a configuration that was taken.
    pub(super) async fn reload(&mut self, workers: &[Worker]) -> Option<Duration> {
        let started = Instant::now();
        let path = self.path.clone();
        let (loader, prepared) = aside::with(self.loader.take()?, move |loader: &mut Loader| {
            let read = config::load(&path, &loader::surroundings());
            read.map_err(|problems| (watch::seen(problems.files()), problems)).and_then(|config| {
                let files = watch::seen(&loader::files(&config));
                match loader.load(&config) {
                    Ok(live) => Ok((config, live, files)),
                    Err(problems) => Err((files, problems)),
                }
            })
        })
        .await;
        // What was loaded halfway is forgotten by the next load; what is live, the loader has not touched.
        let loader = self.loader.insert(loader);
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                self.registry.host.reloads_failed.increment();
                tracing::error!(%error, "the configuration was not read, the gateway goes on with the one it has");
                return None;
            }
        };
        let failure = match prepared {
            Ok((config, live, files)) => match self.listeners.prepare(&config, loader.tls()) {
                Ok(changes) => {
                    self.names.look_up(loader.plans(), &config.gateway.dns).await;
                    loader.commit();
                    let plans = loader.plans().to_vec();
                    self.listeners.make(changes, workers);
                    self.files = files;
                    return Some(self.swap(&config, live, &plans, started));
                }
                Err(error) => {
                    self.watch_too(files);
                    error
                }
            },
            Err((files, problems)) => {
                self.watch_too(files);
                GatewayError::Problems(problems)
            }
        };
        self.registry.host.reloads_failed.increment();
        let findings = findings(&failure);
        let count = findings.0.len();
        tracing::error!(
            problems = findings.value(),
            "the configuration is refused, the gateway goes on with the one it has: {count} problem{}",
            if count == 1 { "" } else { "s" }
        );
        None
    }

    /// A file that is new in a refused configuration may be where it is mended.
    fn watch_too(&mut self, files: Seen) {
        for (file, looks) in files {
            self.files.entry(file).or_insert(looks);
        }
    }

    fn swap(&self, config: &Config, live: Live, plans: &[Plan], started: Instant) -> Duration {
        let generation = live.generation;
        self.names.make_live(live, plans);
        self.registry.host.reloads_ok.increment();
        self.registry.host.config_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.logs.set(config.gateway.log);
        self.say_what_waits(&config.gateway);
        tracing::info!(generation, "configuration reloaded in {:.0?}", started.elapsed());
        config.gateway.shutdown_timeout
    }

    fn say_what_waits(&self, new: &Gateway) {
        let old = &self.started_with;
        let waits = [
            ("workers", old.workers != new.workers),
            ("admin", old.admin != new.admin),
            ("sandbox", old.sandbox != new.sandbox),
        ];
        for (key, _) in waits.into_iter().filter(|(_, changed)| *changed) {
            tracing::warn!("[gateway] {key} was changed and takes effect at the next start");
        }
    }
}

/// What is wrong with a configuration, as `tollgate check` and a start would say it.
fn findings(failure: &GatewayError) -> Findings {
    let problems = match failure {
        GatewayError::Problems(problems) => problems.list().to_vec(),
        GatewayError::Listener { place, error } => {
            let problem = Problem::new(place, error.to_string());
            vec![Problem { help: failure.help().map(str::to_owned), ..problem }]
        }
        GatewayError::Sandbox(_) | GatewayError::Admin(_) | GatewayError::Io(_) => Vec::new(),
    };
    let number = |number: u32| Some(number).filter(|number| *number > 0);
    let finding = |Problem { place, message, help }: Problem| Finding {
        file: place.file.display().to_string(),
        line: number(place.line),
        column: number(place.line).and(number(place.column)),
        message,
        help,
    };
    Findings(problems.into_iter().map(finding).collect())
}
