//! Redirects that lead back to where they come from, which a client follows until it gives up.
//!
//! An example of a request that the route takes is followed for a few steps, as a client would. What no example shows is
//! not found, such as most of what regular expressions take; and who stands before the gateway may say that it is well, so
//! it is a warning.

use http::{HeaderMap, HeaderValue, Method};

use crate::config::{Config, Destination, Listener, Origin, Problem, QueryPart, Redirect, Route, TemplatePart};
use crate::listener::Address;
use crate::router::{HostPattern, PathPattern, Router, Rule, Target, ValueRule};
use crate::wire;

/// Steps after which a location that is still of the same route always is.
const STEPS: usize = 3;

/// One for each such route.
pub(super) fn warnings(config: &Config) -> Vec<Problem> {
    let redirects = |route: &Route| matches!(route.destination, Destination::Redirect(_));
    if !config.routes.iter().any(redirects) {
        return Vec::new();
    }
    let router = Router::new(config.routes.iter().map(|route| route.rule.clone()).collect());
    let routes = config.routes.iter().enumerate();
    routes.filter_map(|(number, route)| warning(number, route, &router, config)).collect()
}

fn warning(number: usize, route: &Route, router: &Router, config: &Config) -> Option<Problem> {
    let Destination::Redirect(redirect) = &route.destination else { return None };
    config.listeners.iter().find_map(|listener| {
        let example = example(&route.rule, redirect, listener)?;
        let path = leads_back(number, redirect, &example, router, listener, config)?;
        let message = format!(
            "the redirect of route `{}` leads back to it: `{path}` through the listener on {}",
            route.name, listener.address
        );
        let is_secure = matches!(redirect.origin, Some(Origin::OfRequest { scheme: "https", .. }));
        Some(Problem::new(&route.place, message).help(match is_secure && listener.tls.is_some() {
            true => "name the listeners without TLS in `match.listener`",
            false => "give the route another `match`, or the location a route of its own",
        }))
    })
}

/// A request that a rule takes.
struct Example<'r> {
    listener: Option<&'r str>,
    host: String,
    path: String,
    query: Option<String>,
    method: Method,
    headers: HeaderMap,
}

/// `None`: there is none through this listener, or it takes more than this to find one.
fn example<'r>(rule: &'r Rule, redirect: &Redirect, listener: &'r Listener) -> Option<Example<'r>> {
    let name = listener.name.as_deref();
    if !rule.listeners.is_empty() && !rule.listeners.iter().any(|wanted| Some(&**wanted) == name) {
        return None;
    }
    let host = match (&redirect.origin, rule.hosts.first()) {
        (Some(Origin::Fixed(origin)), _) => of_origin(origin)?.1,
        (_, None) => "host.invalid".to_owned(),
        (_, Some(HostPattern::Exact(host))) => host.to_string(),
        (_, Some(HostPattern::Suffix(suffix))) => format!("x.{suffix}"),
    };
    let mut headers = HeaderMap::new();
    for header in &rule.headers {
        headers.append(&header.name, HeaderValue::from_str(fitting(&header.value)?).ok()?);
    }
    let mut query: Option<String> = None;
    for wanted in &rule.query {
        let pair = format!("{}={}", encoded(&wanted.name), encoded(fitting(&wanted.value)?));
        query = Some(query.map_or(pair.clone(), |query| format!("{query}&{pair}")));
    }
    let method = rule.methods.first().cloned().unwrap_or(Method::GET);
    Some(Example { listener: name, host, path: path(&rule.path, redirect)?, query, method, headers })
}

/// A value that fits; none is looked for that an expression matches.
fn fitting(rule: &ValueRule) -> Option<&str> {
    match rule {
        ValueRule::Equals(value) => Some(value),
        ValueRule::Present => Some("x"),
        ValueRule::Matches(_) => None,
    }
}

fn encoded(text: &str) -> String {
    let mut out = String::new();
    text.bytes().for_each(|byte| wire::path::encode(byte, &mut out));
    out
}

/// A path that a pattern takes; of an expression, where the location is if it takes that.
fn path(pattern: &PathPattern, redirect: &Redirect) -> Option<String> {
    if pattern.is_regex() {
        let [TemplatePart::Literal(path)] = &redirect.path.parts[..] else { return None };
        return pattern.matches(path).then(|| path.clone());
    }
    let written = pattern.to_string();
    let segment =
        |segment: &str| if segment.starts_with('{') || segment == "**" { "x".to_owned() } else { segment.to_owned() };
    Some(written.split('/').map(segment).collect::<Vec<_>>().join("/"))
}

/// A path whose request is sent to where the same route takes it, again and again.
fn leads_back(
    number: usize,
    redirect: &Redirect,
    example: &Example<'_>,
    router: &Router,
    listener: &Listener,
    config: &Config,
) -> Option<String> {
    if !is_origin(redirect.origin.as_ref(), &example.host, listener, config) {
        return None;
    }
    let (mut path, mut query) = (example.path.clone(), example.query.clone());
    for _ in 0..STEPS {
        let taken = |path: &str, query: &Option<String>| {
            router.find(&Target {
                listener: example.listener,
                host: &example.host,
                path,
                query: query.as_deref(),
                method: &example.method,
                headers: &example.headers,
            }) == Ok(number)
        };
        if !taken(&path, &query) {
            return None;
        }
        let pattern = &router.rules()[number].path;
        let part = |part: &TemplatePart| value(part, pattern, &path);
        let next: String = redirect.path.parts.iter().map(part).collect();
        let written = redirect.query.as_ref().map(|parts| {
            let piece = |piece: &QueryPart| match piece {
                QueryPart::Literal(literal) => literal.clone(),
                QueryPart::Query => query.clone().unwrap_or_default(),
                QueryPart::Value(part) => encoded(&value(part, pattern, &path)),
            };
            parts.iter().map(piece).collect()
        });
        let next = wire::path::joined(&next).ok()?;
        if !taken(&next, &written.clone().or_else(|| query.clone())) {
            return None;
        }
        (path, query) = (next.into(), written.or(query));
    }
    Some(path)
}

fn value(part: &TemplatePart, pattern: &PathPattern, path: &str) -> String {
    match part {
        TemplatePart::Literal(literal) => literal.clone(),
        TemplatePart::Param(name) => pattern.capture(name, path).unwrap_or_default().to_owned(),
        TemplatePart::Path => path.to_owned(),
    }
}

/// Whether a location of this origin is asked for through this listener. One without a port may stand for any port that
/// somebody passes on, but for one that is another listener's.
fn is_origin(origin: Option<&Origin>, host: &str, listener: &Listener, config: &Config) -> bool {
    let (scheme, port) = match origin {
        None => return true,
        Some(Origin::OfRequest { scheme, port }) => ((*scheme).to_owned(), *port),
        Some(Origin::Fixed(origin)) => match of_origin(origin) {
            Some((scheme, named, port)) if named == host => (scheme, port),
            _ => return false,
        },
    };
    let Address::Tcp(address) = &listener.address else { return false };
    if (scheme == "https") != listener.tls.is_some() {
        return false;
    }
    if let Some(port) = port {
        return address.port() == port;
    }
    let port = if scheme == "https" { 443 } else { 80 };
    let is_there = |other: &Listener| matches!(&other.address, Address::Tcp(other) if other.port() == port);
    address.port() == port || !config.listeners.iter().any(is_there)
}

/// Scheme, host and port of `https://www.example.com:8443`.
fn of_origin(origin: &str) -> Option<(String, String, Option<u16>)> {
    let uri: http::Uri = origin.parse().ok()?;
    Some((uri.scheme_str()?.to_owned(), uri.host()?.to_ascii_lowercase(), uri.port_u16()))
}
