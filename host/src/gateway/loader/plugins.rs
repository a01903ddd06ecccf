//! The plugins of a config: taken over from the live one where nothing changed, or compiled and configured.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Loader;
use super::words::refused;
use crate::config::{self, Config, Isolation, Problem, Source};
use crate::sandbox::{Component, OutboundPolicy, Plugin, PluginSpec};

/// A component file larger than this is not read; the sandbox refuses smaller ones yet.
const MOST_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Components of one config, each by its digest, so that a component of many entries is compiled once.
pub(super) type Components = HashMap<Digest32, Component>;

type Digest32 = [u8; 32];

/// A plugin with what tells whether it can be taken over.
#[derive(Clone)]
pub(super) struct Loaded {
    component: Digest32,
    pub(super) plugin: Arc<Plugin>,
}

/// A source of which nothing can be made, which is one problem however many entries name it.
struct Broken {
    source: Source,
    problem: Problem,
    /// Entries besides the first.
    more: usize,
}

impl Broken {
    fn into_problem(self) -> Problem {
        let more = match self.more {
            0 => return self.problem,
            1 => " (and 1 more entry)".to_owned(),
            more => format!(" (and {more} more entries)"),
        };
        Problem { message: self.problem.message + &more, ..self.problem }
    }
}

impl Loader {
    /// One for each entry, in their order, unless there is a problem with it; and the components that they are made of.
    pub(super) fn load_plugins(
        &self,
        config: &Config,
        problems: &mut Vec<Problem>,
    ) -> (Vec<Option<Loaded>>, Components) {
        let mut components = Components::new();
        let mut broken = Vec::new();
        let load = |entry| self.load_plugin(entry, &mut components, &mut broken, problems);
        let loaded = config.plugins.iter().map(load).collect();
        problems.extend(broken.into_iter().map(Broken::into_problem));
        (loaded, components)
    }

    /// Takes over or loads the plugin of one entry.
    fn load_plugin(
        &self,
        entry: &config::Plugin,
        components: &mut Components,
        broken: &mut Vec<Broken>,
        problems: &mut Vec<Problem>,
    ) -> Option<Loaded> {
        if let Some(broken) = broken.iter_mut().find(|broken| broken.source == entry.source) {
            broken.more += 1;
            return None;
        }
        let mut is_broken = |why: &dyn Display| {
            let problem = Problem::new(&entry.source_place, format!("plugin `{}`: {why}", entry.name));
            broken.push(Broken { source: entry.source.clone(), problem, more: 0 });
        };
        let (bytes, declared) = match source(&entry.source) {
            Ok(source) => source,
            Err(message) => {
                is_broken(&message);
                return None;
            }
        };
        let grants = entry.grants.clone().unwrap_or(declared);
        if entry.on_error == config::OnError::Skip && grants.iter().any(|grant| grant.forbids_skip()) {
            let message = format!("plugin `{}` says who is calling and cannot be skipped", entry.name);
            problems.push(Problem::new(&entry.on_error_place, message).help("use on-error = \"reject\""));
            return None;
        }
        let digest: Digest32 = Sha256::digest(&bytes).into();
        let spec = PluginSpec {
            name: entry.name.as_str().into(),
            scope: entry.scope.as_str().into(),
            config: entry.config.json().to_owned(),
            grants,
            limits: entry.limits,
            decode: entry.decode,
            outbound: entry.outbound.as_ref().map(policy).map(Arc::new),
            fresh: entry.isolation == Isolation::Request,
        };
        let same = |loaded: &&Loaded| loaded.component == digest && *loaded.plugin.spec() == spec;
        if let Some(loaded) = self.plugins.iter().find(same) {
            if let Some(component) = self.components.get(&digest) {
                components.insert(digest, component.clone());
            }
            return Some(loaded.clone());
        }
        let known = components.get(&digest).or_else(|| self.components.get(&digest)).cloned();
        let component = match known.map_or_else(|| self.engine.compile(&bytes), Ok) {
            Ok(component) => component,
            Err(error) => {
                is_broken(&error);
                return None;
            }
        };
        components.insert(digest, component.clone());
        let metrics = self.registry.plugin(&entry.scope);
        match Plugin::load(&self.engine, component, &bytes, spec, Arc::clone(&self.state), metrics, self.workers) {
            Ok(plugin) => Some(Loaded { component: digest, plugin: Arc::new(plugin) }),
            Err(error) => {
                refused(entry, error, problems);
                None
            }
        }
    }

    /// The pooling allocator has to hold the instances of the old and the new config together, for
    /// the time in which both have requests.
    pub(super) fn check_slots(&self, config: &Config, loaded: &[Option<Loaded>], problems: &mut Vec<Problem>) {
        let mut plugins: Vec<&Arc<Plugin>> = self.plugins.iter().map(|loaded| &loaded.plugin).collect();
        for new in loaded.iter().flatten() {
            if !plugins.iter().any(|old| Arc::ptr_eq(old, &new.plugin)) {
                plugins.push(&new.plugin);
            }
        }
        let slots: usize = plugins.iter().map(|plugin| plugin.slots(self.workers)).sum();
        let most = self.engine.slots();
        if slots > most {
            let place =
                config.plugins.last().map_or_else(|| config.routes[0].place.clone(), |plugin| plugin.place.clone());
            let message = format!(
                "the plugins may need {slots} instances at once, with those of the configuration that is live; \
                 the sandbox has {most}"
            );
            problems.push(
                Problem::new(&place, message)
                    .help("raise [gateway] sandbox.instances (it takes effect at a start) or lower limits.instances"),
            );
        }
    }
}

/// What the sandbox has to know of it.
fn policy(outbound: &config::Outbound) -> OutboundPolicy {
    let origin = |it: &config::OutboundOrigin| (it.origin.clone(), it.upstream.name.as_str().into());
    OutboundPolicy {
        upstreams: outbound.upstreams.iter().map(|name| name.as_str().into()).collect(),
        origins: outbound.origins.iter().map(origin).collect(),
        timeout: outbound.timeout,
        max_body: outbound.max_body,
    }
}

/// The bytes of a component, and the grants that a bundled one comes with.
fn source(source: &Source) -> Result<(Cow<'static, [u8]>, Vec<config::Grant>), String> {
    match source {
        Source::Bundled(name) => match tollgate_bundle::PLUGINS.iter().find(|plugin| plugin.name == name) {
            Some(plugin) => {
                let grants = plugin.grants.iter().filter_map(|name| config::Grant::named(name)).collect();
                Ok((plugin.component.into(), grants))
            }
            None => Err(format!("no plugin named `{name}` is bundled")),
        },
        Source::File(path) => match config::file::read(path, MOST_FILE_BYTES) {
            Ok(bytes) => Ok((bytes.into(), Vec::new())),
            Err(error) => Err(format!("cannot read `{}`: {error}", path.display())),
        },
    }
}
