//! Checks plugins and builds chains out of them.

mod source;

use std::collections::{HashMap, HashSet};

use crate::config::form::{self, ChainEntry};
use crate::config::node::{Node, Text, Value};
use crate::config::problem::{Place, Problem, quote};
use crate::config::read::{Form, Reading};
use crate::config::values::shown;
use crate::config::{Grant, OnError, Plugin, PluginConfig, PluginLimits, SandboxLimits, Source, Surroundings};

use super::names::{Names, is_name, not_a_name, twice, unknown};
use super::outbound::outbound;

/// Every plugin that is configured, and which of them have a name for all to use.
pub(super) struct Plugins<'a> {
    surroundings: &'a Surroundings,
    sandbox: SandboxLimits,
    upstreams: &'a Names<'a>,
    list: Vec<Plugin>,
    named: HashMap<String, Named>,
    /// The keys of `named`, as messages show them.
    written: Vec<String>,
}

/// A plugin that others may name.
struct Named {
    index: usize,
    /// `None`: a bundled one that is nowhere configured.
    place: Option<Place>,
}

/// A plugin in a chain.
#[derive(Clone)]
pub(super) struct Link {
    name: String,
    pub(super) index: usize,
}

impl<'a> Plugins<'a> {
    pub(super) fn new(surroundings: &'a Surroundings, sandbox: SandboxLimits, upstreams: &'a Names<'a>) -> Self {
        Self { surroundings, sandbox, upstreams, list: Vec::new(), named: HashMap::new(), written: Vec::new() }
    }

    pub(super) fn into_list(self) -> Vec<Plugin> {
        self.list
    }

    /// The plugins of `[[plugin]]`.
    pub(super) fn define(&mut self, forms: &[form::Plugin], problems: &mut Vec<Problem>) {
        for form in forms {
            self.name(form, problems);
        }
    }

    /// The chain that every route begins with. What is written in it has a name for all.
    pub(super) fn globals(&mut self, entries: &[ChainEntry], problems: &mut Vec<Problem>) -> Vec<Link> {
        let mut links = Vec::new();
        for entry in entries {
            let (link, place) = match entry {
                ChainEntry::Name(name) => (self.find(name, "", problems), &name.place),
                ChainEntry::Inline(form) => (self.name(form, problems), &form.place),
            };
            links.extend(link.map(|link| (link, place)));
        }
        unrepeated(links, "", problems)
    }

    /// The chain of one route, `globals` merged in. `route` is its name, if it has one.
    pub(super) fn chain(
        &mut self,
        route: Option<&Text>,
        entries: &[ChainEntry],
        globals: &[Link],
        problems: &mut Vec<Problem>,
    ) -> Vec<usize> {
        let about = route.map_or(String::new(), |route| format!(" (route {})", quote(route.written())));
        let mut links = Vec::new();
        for entry in entries {
            let (link, place) = match entry {
                ChainEntry::Name(name) => (self.find(name, &about, problems), &name.place),
                ChainEntry::Inline(form) => {
                    let name = name_of(form);
                    let scope = format!("{}/{}", route.map_or("", |route| &route.value), name.value);
                    (self.add(form, &name, scope, &about, problems), &form.place)
                }
            };
            links.extend(link.map(|link| (link, place)));
        }
        let mut chain = globals.to_vec();
        for own in unrepeated(links, &about, problems) {
            match chain.iter_mut().find(|link| link.name == own.name) {
                Some(replaced) => *replaced = own,
                None => chain.push(own),
            }
        }
        chain.into_iter().map(|link| link.index).collect()
    }

    /// A plugin that all may name.
    fn name(&mut self, form: &form::Plugin, problems: &mut Vec<Problem>) -> Option<Link> {
        let name = name_of(form);
        let about = format!(" (plugin {})", quote(name.written()));
        let link = self.add(form, &name, name.value.clone(), &about, problems);
        let named = Named { index: self.list.len().saturating_sub(1), place: Some(name.place.clone()) };
        if form.name.is_some() || form.source.is_some() {
            if let Some(Named { place, .. }) = self.named.insert(name.value.clone(), named) {
                problems.push(match place {
                    Some(first) => twice("plugin", &name, &first),
                    None => Problem::new(&name.place, format!("{} was named before", quote(name.written())))
                        .help("configure it before it is named in `gateway.plugins`"),
                });
            }
            self.written.push(name.written().to_owned());
        }
        link
    }

    /// The plugin that a chain names: a configured one, or a bundled one that is not configured.
    fn find(&mut self, name: &Text, about: &str, problems: &mut Vec<Problem>) -> Option<Link> {
        let link = |index| Link { name: name.value.clone(), index };
        if let Some(named) = self.named.get(&name.value) {
            return Some(link(named.index));
        }
        if self.surroundings.bundled.contains(&name.value) {
            let form = bare(name);
            let index = self.add(&form, name, name.value.clone(), about, problems)?.index;
            self.named.insert(name.value.clone(), Named { index, place: None });
            return Some(link(index));
        }
        let problem = Problem::new(&name.place, format!("no plugin named {}{about}", quote(name.written())));
        if name.written().ends_with(".wasm") {
            let start = if source::is_path(name.written()) { "" } else { "./" };
            let help = format!("a file is written `{{ source = \"{start}{}\" }}`", name.written().escape_debug());
            problems.push(problem.help(help));
        } else {
            let known = self.written.iter().chain(&self.surroundings.bundled).map(String::as_str);
            unknown(problem, "plugin", name.written(), known, problems);
        }
        None
    }

    /// Checks one plugin and puts it on the list.
    fn add(
        &mut self,
        form: &form::Plugin,
        name: &Text,
        scope: String,
        about: &str,
        problems: &mut Vec<Problem>,
    ) -> Option<Link> {
        let source = form.source.as_ref().and_then(|text| {
            let source = source::source(text, &self.surroundings.bundled);
            source.map_err(|problem| problems.push(problem.about(about))).ok()
        });
        // A name made of a source that is wrong says nothing new.
        if !is_name(&name.value) && (form.name.is_some() || source.is_some()) {
            problems.push(not_a_name("plugin", name));
        }
        let grants = form.grants.as_ref().map(|grants| {
            let mut grants = grants.value.clone();
            grants.sort();
            grants.dedup();
            grants
        });
        let forbids = |grants: &Vec<Grant>| grants.iter().copied().find(|grant| grant.forbids_skip());
        if form.on_error.value == OnError::Skip && grants.as_ref().and_then(forbids).is_some() {
            let message = format!("plugin {} says who the caller is and may not be skipped", quote(name.written()));
            let problem = Problem::new(&form.on_error.place, message);
            problems.push(problem.help("leave `on-error` at `reject`, or take the grant `identify` away"));
        }
        let limits = self.limits(&form.limits, about, problems);
        if limits.max_ratio != PluginLimits::USUAL_RATIO && !form.decode.value {
            let message = format!("`max-ratio` is for bodies that are decoded, and these are not{about}");
            let problem = Problem::new(&form.limits.max_ratio.place, message);
            problems.push(problem.help("add `decode = true` to the plugin, or leave it out"));
        }
        let is_file = matches!(source, Some(Source::File(_)));
        // What a bundled plugin declares is known to who loads it.
        let known = grants.as_deref().or(is_file.then_some(&[]));
        let outbound = outbound(form, known, &scope, self.upstreams, about, problems);
        let place = &form.place;
        let source = source?;
        let index = self.list.len();
        self.list.push(Plugin {
            name: name.value.clone(),
            scope,
            grants: match source {
                Source::Bundled(_) => grants,
                Source::File(_) => Some(grants.unwrap_or_default()),
            },
            source,
            config: config(form),
            limits,
            outbound,
            on_error: form.on_error.value,
            isolation: form.isolation,
            decode: form.decode.value,
            decode_place: form.decode.place.clone(),
            place: place.clone(),
            source_place: form.source.as_ref().map_or(place, |source| &source.place).clone(),
            grants_place: form.grants.as_ref().map_or(place, |grants| &grants.place).clone(),
            on_error_place: form.on_error.place.clone(),
        });
        Some(Link { name: name.value.clone(), index })
    }

    fn limits(&self, form: &form::Limits, about: &str, problems: &mut Vec<Problem>) -> PluginLimits {
        let memory = form.memory.value.0;
        if memory > self.sandbox.memory {
            let (memory, most) = (shown(memory), shown(self.sandbox.memory));
            let message = format!("{memory} of memory are more than the {most} of a slot{about}");
            let help = "lower `limits.memory`, or raise `gateway.sandbox.memory`";
            problems.push(Problem::new(&form.memory.place, message).help(help));
        }
        let (deadline, wall) = (form.deadline.value, form.wall.value);
        if deadline > wall {
            let message = format!("a deadline of {deadline:?} is longer than `limits.wall`, {wall:?}{about}");
            problems.push(Problem::new(&form.deadline.place, message));
        }
        let max_body = form.max_body.value.0;
        if max_body > memory {
            let message = format!("a body of {} does not fit into {} of memory{about}", shown(max_body), shown(memory));
            let help = "lower `limits.max-body`, or raise `limits.memory`";
            problems.push(Problem::new(&form.max_body.place, message).help(help));
        }
        PluginLimits {
            deadline,
            wall,
            memory,
            instances: form.instances.count().min(self.sandbox.instances as usize),
            queue: form.queue.count(),
            calls: form.calls.count() as u64,
            max_body: usize::try_from(max_body).unwrap_or(usize::MAX),
            over_limit: form.over_limit,
            max_ratio: u32::try_from(form.max_ratio.value.count()).unwrap_or(u32::MAX),
        }
    }
}

/// What it is called: its name, or else its source's.
fn name_of(form: &form::Plugin) -> Text {
    let source = || form.source.as_ref().map(source::stem);
    let nameless = || Text { value: String::new(), place: form.place.clone(), interpolated: None };
    form.name.clone().or_else(source).unwrap_or_else(nameless)
}

/// A bundled plugin of which nothing but its name is written.
fn bare(name: &Text) -> form::Plugin {
    let empty = Node { place: name.place.clone(), value: Value::Table(Vec::new()) };
    let form = form::Plugin::read(&empty, &mut Reading::new(&mut Vec::new())).expect("a table is a plugin's form");
    form::Plugin { source: Some(name.clone()), ..form }
}

fn config(form: &form::Plugin) -> PluginConfig {
    match &form.config {
        Some(config) => {
            PluginConfig::new(config.json.reveal().to_owned(), config.places.0.clone(), config.secrets.clone())
        }
        None => {
            let empty = Node { place: form.place.clone(), value: Value::Table(Vec::new()) };
            PluginConfig::new("{}".to_owned(), empty.places(), Vec::new())
        }
    }
}

/// The links without repetition; a plugin runs once in a chain.
fn unrepeated(links: Vec<(Link, &Place)>, about: &str, problems: &mut Vec<Problem>) -> Vec<Link> {
    let mut seen = HashSet::new();
    let mut unrepeated = Vec::new();
    for (link, place) in links {
        if seen.insert(link.name.clone()) {
            unrepeated.push(link);
        } else {
            let problem = Problem::new(place, format!("the plugin is in this chain already{about}"));
            problems.push(problem.help("give each its own `name`"));
        }
    }
    unrepeated
}
