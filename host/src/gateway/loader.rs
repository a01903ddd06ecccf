//! From a checked configuration to a live one: compiles components, configures plugins, builds
//! chains. Finds every problem that only the components themselves can tell.

mod metrics;
mod plugins;
mod words;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use self::plugins::{Components, Loaded};
use self::words::{nothing_to_decode, unfit, unseen};
use super::certificates::endpoints;
use super::certificates::{self, Certificates};
use super::expiry::{self, Expiry};
use super::{patterns, redirects};
use crate::chain::{Chain, Link};
use crate::config::{self, Config, Problem, Problems, Source, Surroundings};
use crate::exchange::{Directory, RouteNames};
use crate::listener::Tls;
use crate::live::{Live, Route};
use crate::router::Router;
use crate::sandbox::Engine;
use crate::state::{Bounds, Consumers, Registration, State};
use crate::telemetry::metrics::{Limited, Registry};
use crate::upstream::{Handshakes, Permits, Plan};
use crate::wire::headers::Owned;

/// Makes live configs. What did not change since the last one is taken over from it: compiled
/// components, and plugins with their instances.
pub struct Loader {
    engine: Engine,
    state: Arc<State>,
    registry: Arc<Registry>,
    workers: usize,
    generation: u64,
    /// Of the last live config.
    components: Components,
    plugins: Vec<Loaded>,
    permits: HashMap<String, Arc<Permits>>,
    /// Of the config that was loaded last, until it is the live one.
    next: Option<Next>,
    /// What it takes of its listeners.
    certificates: Certificates,
    /// Of the config that was loaded last.
    plans: Vec<Plan>,
    /// Of the live config.
    expiries: Vec<Expiry>,
    warnings: Vec<Problem>,
}

/// What becomes the loader's when a config becomes the live one.
struct Next {
    components: Components,
    plugins: Vec<Loaded>,
    /// Of its upstreams, by name: as many requests run as before, whatever the new limit is.
    permits: HashMap<String, Arc<Permits>>,
    limited: Vec<Limited>,
    bounds: (Bounds, Bounds),
}

/// What a configuration may refer to besides its files.
pub fn surroundings() -> Surroundings {
    Surroundings::new(tollgate_bundle::PLUGINS.iter().map(|plugin| plugin.name.to_owned()).collect())
}

/// Every file whose change may change the live config.
pub fn files(config: &Config) -> Vec<PathBuf> {
    let components = config.plugins.iter().filter_map(|plugin| match &plugin.source {
        Source::File(path) => Some(path.clone()),
        Source::Bundled(_) => None,
    });
    let certificates = config.listeners.iter().filter_map(|listener| listener.tls.as_ref());
    let certificates = certificates.flat_map(|tls| tls.files().map(|file| file.path.clone()));
    let of_upstreams = config.upstreams.iter().flat_map(|upstream| upstream.tls.files().map(|file| file.path.clone()));
    let certificates = certificates.chain(of_upstreams);
    let written = config.files.iter().chain(&config.folders).cloned();
    let mut files: Vec<PathBuf> = written.chain(components).chain(certificates).collect();
    files.sort();
    files.dedup();
    files
}

/// The state of a process that starts with this configuration.
pub fn state(gateway: &config::Gateway) -> State {
    let (store, limiter) = bounds(gateway);
    State::new(store, limiter)
}

fn bounds(gateway: &config::Gateway) -> (Bounds, Bounds) {
    let bytes = usize::try_from(gateway.state.max_bytes).unwrap_or(usize::MAX);
    let store = Bounds { entries: gateway.state.max_entries, bytes };
    (store, Bounds::of_entries(gateway.limiter.max_entries))
}

impl Loader {
    pub fn new(engine: Engine, state: Arc<State>, registry: Arc<Registry>, workers: usize) -> Self {
        Self {
            engine,
            state,
            registry,
            workers,
            generation: 0,
            components: Components::new(),
            plugins: Vec::new(),
            permits: HashMap::new(),
            next: None,
            certificates: Certificates::default(),
            plans: Vec::new(),
            expiries: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Makes the live config, or says everything that is in its way. Nothing that runs notices before
    /// [`Loader::commit`]. Blocks: not for a worker.
    pub fn load(&mut self, config: &Config) -> Result<Live, Problems> {
        self.next = None;
        self.warnings.clear();
        let mut problems = Vec::new();
        let (loaded, components) = self.load_plugins(config, &mut problems);
        let entries = loaded.iter().zip(&config.plugins);
        problems.extend(entries.filter_map(|(loaded, entry)| nothing_to_decode(entry, loaded.as_ref()?)));
        metrics::check(config, &loaded, &mut problems);
        let consumers = consumers(config, &mut problems);
        self.check_slots(config, &loaded, &mut problems);
        self.certificates = certificates::load(&config.listeners, &self.expiries, &self.registry, &mut problems);
        let upstreams = config.all_upstreams();
        let handshakes = endpoints::load(&upstreams, &mut self.certificates.expiries, &mut problems);
        Problems::check(problems, &config.files)?;

        // Without a problem there is a plugin for each entry.
        let plugins: Vec<Loaded> = loaded.into_iter().flatten().collect();
        let unfit = plugins.iter().zip(&config.plugins).filter_map(|(loaded, entry)| unfit(entry, loaded));
        let unseen = plugins.iter().zip(&config.plugins).filter_map(|(loaded, entry)| unseen(entry, loaded));
        self.warnings = unfit
            .chain(unseen)
            .chain(expiry::warnings(&self.certificates.expiries))
            .chain(endpoints::warnings(&config.upstreams))
            .chain(redirects::warnings(config))
            .chain(patterns::warnings(config))
            .collect();
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        let permits = config.upstreams.iter().map(|upstream| {
            let permits = self.permits.get(&upstream.name).cloned().unwrap_or_default();
            (upstream.name.clone(), permits)
        });
        let permits: HashMap<String, Arc<Permits>> = permits.collect();
        let limited = config.upstreams.iter().filter(|upstream| upstream.limit.is_some());
        let limited = limited.map(|upstream| (upstream.name.clone(), Arc::clone(&permits[&upstream.name]))).collect();
        self.plans = plans(config, &permits, handshakes);
        let live = self.live(config, &plugins, consumers);
        self.next = Some(Next { components, plugins, permits, limited, bounds: bounds(&config.gateway) });
        Ok(live)
    }

    /// What the handshakes of each listener need, of the config that was loaded last.
    pub fn tls(&self) -> &[Option<Tls>] {
        &self.certificates.tls
    }

    /// What the upstreams of the config that was loaded last are made of.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// What is not wrong with the config that was loaded last, but dear or soon to be.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The config that was loaded last becomes the live one.
    pub fn commit(&mut self) {
        let Some(next) = self.next.take() else { return };
        let Next { components, plugins, permits, limited, bounds: (store, limiter) } = next;
        self.state.resize(store, limiter);
        self.components = components;
        self.plugins = plugins;
        self.permits = permits;
        self.registry.show_limited(limited);
        self.generation += 1;
        self.expiries.clone_from(&self.certificates.expiries);
        self.registry.show_certificates(self.expiries.iter().filter_map(Expiry::end).collect());
    }

    /// Logs what is to be said again of the live config.
    pub fn remind(&self) {
        for warning in expiry::warnings(&self.expiries) {
            tracing::warn!("{warning}");
        }
    }

    fn live(&self, config: &Config, plugins: &[Loaded], consumers: Consumers) -> Live {
        let routes = config.routes.iter().map(|route| self.route(config, route, plugins)).collect();
        let names = config.routes.iter().map(|route| RouteNames {
            name: route.name.as_str().into(),
            plugins: route.chain.iter().map(|&entry| config.plugins[entry].scope.as_str().into()).collect(),
        });
        let owned = plugins.iter().flat_map(|loaded| loaded.plugin.declarations().owned.iter().cloned());
        Live {
            generation: self.generation + 1,
            routes,
            // Names are looked up by who makes it live.
            upstreams: self.plans.iter().map(|plan| plan.upstream(|_| Vec::new())).collect(),
            directory: Directory {
                router: Arc::new(Router::new(config.routes.iter().map(|route| route.rule.clone()).collect())),
                routes: names.collect(),
                upstreams: config.upstreams.iter().map(|upstream| upstream.name.as_str().into()).collect(),
                consumers: Arc::new(consumers),
            },
            owned: Owned::new(owned, config.gateway.alias_headers),
            max_bodies: config.gateway.bodies.max_bytes,
            trusted_proxies: config.gateway.trusted_proxies.clone(),
        }
    }

    fn route(&self, config: &Config, route: &config::Route, plugins: &[Loaded]) -> Route {
        let links = route.chain.iter().map(|&entry| Link {
            plugin: Arc::clone(&plugins[entry].plugin),
            on_error: config.plugins[entry].on_error,
        });
        let chain = Chain::new(links.collect());
        Route {
            upgrade: route.upgrade && !chain.guards_bodies(),
            chain,
            destination: route.destination.clone(),
            mirror: route.mirror.clone(),
            path: route.path.clone(),
            timeout: route.timeout.into(),
            max_body: route.max_body,
            preserve_host: route.preserve_host,
            compress: route.compress.clone(),
            metrics: self.registry.route(&route.name),
        }
    }
}

/// Those of the configuration, and behind them those that stand for origins of plugins. `handshakes` are in that order.
fn plans(config: &Config, permits: &HashMap<String, Arc<Permits>>, handshakes: Vec<Option<Handshakes>>) -> Vec<Plan> {
    let mut handshakes = handshakes.into_iter();
    let mut handshake = || handshakes.next().flatten();
    let configured = config.upstreams.iter().map(|it| Plan::new(it, handshake(), &permits[&it.name]));
    let mut plans: Vec<Plan> = configured.collect();
    for outbound in config.plugins.iter().filter_map(|plugin| plugin.outbound.as_ref()) {
        let of_origins = outbound
            .origins
            .iter()
            .map(|origin| Plan::new(&origin.upstream, handshake(), &Arc::default()).reaching(&outbound.networks));
        plans.extend(of_origins);
    }
    plans
}

fn consumers(config: &Config, problems: &mut Vec<Problem>) -> Consumers {
    let registrations: Vec<Registration<'_>> = config.consumers.iter().map(registration).collect();
    Consumers::new(&registrations).unwrap_or_else(|duplicate| {
        let place = &config.consumers[duplicate.1].place;
        problems.push(Problem::new(place, duplicate.to_string()));
        Consumers::new(&[]).expect("nobody has no key twice")
    })
}

fn registration(consumer: &config::Consumer) -> Registration<'_> {
    Registration {
        name: consumer.name.clone(),
        groups: consumer.groups.clone(),
        keys: consumer.credentials.iter().map(|config::Credential::Key(key)| key.reveal()).collect(),
    }
}
