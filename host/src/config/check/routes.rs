//! Checks routes: their rules can be told apart, and what they name exists.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};
use crate::config::read::Placed;
use crate::config::values::{OneOrMore, OrOff};
use crate::config::{Compress, Route, RouteTimeout};
use crate::router::{
    HeaderRule, HostPattern, PathPattern, QueryRule, Regex, Rule, ValueRule, hidden_behind, indistinguishable_pairs,
};

use super::names::Names;
use super::plugins::{Link, Plugins};
use super::{destination, path};

/// What routes refer to by name.
pub(super) struct Named<'a> {
    pub(super) listeners: &'a Names<'a>,
    pub(super) upstreams: &'a Names<'a>,
}

pub(super) fn routes(
    forms: &[form::Route],
    globals: &[Link],
    named: &Named<'_>,
    plugins: &mut Plugins<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Route> {
    Names::of("route", forms.iter().map(|form| form.name.as_ref()), problems);
    let mut routes = Vec::new();
    let (mut rules, mut names) = (Vec::new(), Vec::new());
    for form in forms {
        let before = problems.len();
        let Some(route) = route(form, globals, named, plugins, problems) else { continue };
        // A rule that lacks what could not be read may seem to be like another.
        if form.sound && problems.len() == before {
            rules.push(route.rule.clone());
            names.extend(&form.name);
        }
        routes.push(route);
    }
    let mut told = vec![false; rules.len()];
    for (first, second) in indistinguishable_pairs(&rules) {
        // One problem for each route is enough.
        if names[first].value != names[second].value && !std::mem::replace(&mut told[second], true) {
            problems.push(alike(names[first], names[second]));
        }
    }
    for (place, rule) in rules.iter().enumerate() {
        if let Some(before) = hidden_behind(&rules, rule) {
            problems.push(hidden(names[place], names[before]));
        }
    }
    routes
}

fn alike(first: &Text, second: &Text) -> Problem {
    let (one, other) = (quote(first.written()), quote(second.written()));
    let message = format!("route {other} wants the same requests as route {one}");
    Problem::new(&second.place, message)
        .help(format!("{one} is at {}; give one of them another `match`, or a higher `priority`", first.place))
}

fn hidden(route: &Text, before: &Text) -> Problem {
    let (hidden, all) = (quote(route.written()), quote(before.written()));
    Problem::new(
        &route.place,
        format!("no request takes route {hidden}: {all} takes every path, before any regular expression"),
    )
    .help(format!(
        "{all} is at {}; with path = \"~/.*\", behind {hidden} in the file, it takes what is left",
        before.place
    ))
}

fn route(
    form: &form::Route,
    globals: &[Link],
    named: &Named<'_>,
    plugins: &mut Plugins<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Route> {
    let about = form.name.as_ref().map_or(String::new(), |name| format!(" (route {})", quote(name.written())));
    let chain = plugins.chain(form.name.as_ref(), &form.plugins, globals, problems);
    let rule = rule(form, named.listeners, &about, problems);
    let pattern = rule.as_ref().map(|rule| &rule.path);
    let destination = destination::destination(form, pattern, named.upstreams, &about, problems);
    let mirror = destination::mirror(form, named.upstreams, &about, problems);
    let path = rule.as_ref().and_then(|rule| path::path(form, &rule.path, &about, problems));
    let name = form.name.as_ref()?;
    Some(Route {
        name: name.value.clone(),
        rule: rule?,
        chain,
        destination: destination?,
        mirror,
        path: path?,
        timeout: form.timeout.as_ref().map(timeout).unwrap_or_default(),
        max_body: form.max_body.on().map(|size| size.0),
        preserve_host: form.preserve_host,
        upgrade: form.upgrade,
        compress: form.compress.as_on().map(|compress| self::compress(compress, &about, problems)),
        place: name.place.clone(),
    })
}

fn timeout(form: &form::RouteTimeout) -> RouteTimeout {
    let form::RouteTimeout(timeouts) = form;
    RouteTimeout {
        response: timeouts.response,
        idle: timeouts.idle.map(OrOff::on),
        total: timeouts.total.map(OrOff::on),
    }
}

fn rule(form: &form::Route, listeners: &Names<'_>, about: &str, problems: &mut Vec<Problem>) -> Option<Rule> {
    let wanted = &form.r#match;
    let path = match &wanted.path {
        Some(text) => PathPattern::parse(&text.value).map_err(|error| problems.push(foreign(text, &error, about))).ok(),
        None => PathPattern::parse("/**").ok(),
    };
    let (mut hosts, mut headers, mut query) = (Vec::new(), Vec::new(), Vec::new());
    for text in named(&wanted.host, "host", about, problems) {
        match HostPattern::parse(&text.value) {
            Ok(host) => hosts.push(host),
            Err(error) => problems.push(foreign(text, &error, about)),
        }
    }
    for (name, (place, value)) in wanted.headers.iter().flatten() {
        match HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => {
                problems.extend(unsendable(value, about));
                headers.extend(value_rule(value, about, problems).map(|value| HeaderRule { name, value }));
            }
            Err(_) => problems.push(Problem::new(place, format!("{} is not a header's name{about}", quote(name)))),
        }
    }
    for (name, (_, value)) in wanted.query.iter().flatten() {
        let value = value_rule(value, about, problems);
        query.extend(value.map(|value| QueryRule { name: name.clone(), value }));
    }
    let priority = i32::try_from(form.priority.0).unwrap_or_default();
    let listeners = bound(&wanted.listener, listeners, about, problems);
    let methods = wanted.methods.iter().map(|method| self::method(method, about, problems)).collect();
    Some(Rule { listeners, hosts, path: path?, methods, headers, query, priority })
}

/// A method that requests may have when they are routed.
fn method(method: &Placed<Method>, about: &str, problems: &mut Vec<Problem>) -> Method {
    if matches!(method.value, Method::CONNECT | Method::TRACE) {
        let message = format!("no route is asked with `{}`: the gateway answers it with 501{about}", method.value);
        problems.push(Problem::new(&method.place, message).help("take it away; `[]` is every other method"));
    }
    method.value.clone()
}

/// What a key of `match` names: one or more, for none would take no request.
fn named<'f>(
    wanted: &'f Option<Placed<OneOrMore<Text>>>,
    key: &str,
    about: &str,
    problems: &mut Vec<Problem>,
) -> &'f [Text] {
    let Some(wanted) = wanted else { return &[] };
    let OneOrMore(names) = &wanted.value;
    if names.is_empty() {
        let problem = Problem::new(&wanted.place, format!("no {key} is named, so no request would be taken{about}"));
        problems.push(problem.help(format!("leave `{key}` out for any {key}")));
    }
    names
}

/// The listeners that a route is bound to.
fn bound(
    wanted: &Option<Placed<OneOrMore<Text>>>,
    listeners: &Names<'_>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<str>> {
    let mut bound: Vec<Arc<str>> = Vec::new();
    for text in named(wanted, "listener", about, problems) {
        if listeners.is_empty() {
            let problem = Problem::new(&text.place, format!("no listener has a name{about}"));
            problems.push(problem.help("`name = \"public\"` in a `[[listener]]`"));
        } else if listeners.find(text, about, problems).is_some() {
            bound.push(text.value.as_str().into());
        }
    }
    bound
}

fn compress(form: &form::Compress, about: &str, problems: &mut Vec<Problem>) -> Compress {
    let form::Compress(gzip) = form;
    let mut types = Vec::new();
    for text in &gzip.types {
        let media_type = text.value.to_ascii_lowercase();
        let is_token = |part: &str| !part.is_empty() && HeaderName::from_bytes(part.as_bytes()).is_ok();
        let parts = media_type.split_once('/');
        if parts.is_some_and(|(whole, part)| is_token(whole) && whole != "*" && is_token(part)) {
            types.push(media_type);
        } else {
            let problem = Problem::new(&text.place, format!("{} is not a media type{about}", quote(text.written())));
            problems.push(problem.help("such as `text/html`, or `text/*` for all that begin so"));
        }
    }
    Compress { types, min_length: gzip.min_length.0 }
}

fn value_rule(text: &Text, about: &str, problems: &mut Vec<Problem>) -> Option<ValueRule> {
    match (text.value.as_str(), text.value.strip_prefix('~')) {
        ("*", _) => Some(ValueRule::Present),
        (value, None) => Some(ValueRule::Equals(value.to_owned())),
        (_, Some(regex)) => match Regex::parse(regex) {
            Ok(regex) => Some(ValueRule::Matches(regex)),
            Err(error) => {
                problems.push(foreign(text, &error, about));
                None
            }
        },
    }
}

/// The problem of a value that no request's header has (RFC 9110, section 5.5).
fn unsendable(text: &Text, about: &str) -> Option<Problem> {
    let value = &text.value;
    let why = if HeaderValue::from_bytes(value.as_bytes()).is_err() {
        "it has a character that is not for headers"
    } else if value.trim_matches([' ', '\t']) != value {
        "spaces around a value are not part of it"
    } else {
        return None;
    };
    Some(Problem::new(&text.place, format!("no header has the value {}: {why}{about}", quote(text.written()))))
}

/// A problem in the router's words, which quote the text.
fn foreign(text: &Text, error: &dyn std::error::Error, about: &str) -> Problem {
    let message = match text.interpolated {
        Some(_) => format!("{} is not a pattern", quote(text.written())),
        None => error.to_string().replace(char::is_control, "?"),
    };
    Problem::new(&text.place, message + about)
}
