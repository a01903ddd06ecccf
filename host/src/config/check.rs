//! Checks what no single key can show, and builds the checked form.
//!
//! Every check notes its problems and goes on, leaving out what it cannot build: the indexes in the
//! result are right only if there was no problem, and without that nobody sees it.

mod consumers;
mod destination;
mod gateway;
mod listeners;
mod names;
mod outbound;
mod path;
mod plugins;
mod routes;
mod template;
mod tls;
mod upstream_health;
mod upstreams;

use super::form::Document;
use super::problem::{Place, Problem};
use super::{Config, Surroundings};
use names::Names;
use plugins::Plugins;

/// The checked form of a document.
pub(super) fn check(document: &Document, surroundings: &Surroundings, problems: &mut Vec<Problem>) -> Config {
    let whole = Place::whole(&document.place.file);
    for (label, empty) in [("listener", document.listener.is_empty()), ("route", document.route.is_empty())] {
        if empty {
            problems.push(Problem::new(&whole, format!("there is no `[[{label}]]`")));
        }
    }
    let gateway = gateway::gateway(&document.gateway, problems);
    let listener_names = Names::of("listener", document.listener.iter().map(|it| it.name.as_ref()), problems);
    let listeners = listeners::listeners(&document.listener, gateway.admin, problems);
    let upstream_names = Names::of("upstream", document.upstream.iter().map(|it| it.name.as_ref()), problems);
    let upstreams = upstreams::upstreams(&document.upstream, &upstream_names, problems);
    let consumers = consumers::consumers(&document.consumer, problems);
    let mut plugins = Plugins::new(surroundings, gateway.sandbox, &upstream_names);
    plugins.define(&document.plugin, problems);
    let globals = plugins.globals(&document.gateway.plugins, problems);
    let named = routes::Named { listeners: &listener_names, upstreams: &upstream_names };
    let routes = routes::routes(&document.route, &globals, &named, &mut plugins, problems);
    Config {
        gateway,
        listeners,
        upstreams,
        consumers,
        plugins: plugins.into_list(),
        routes,
        files: Vec::new(),
        folders: Vec::new(),
    }
}
