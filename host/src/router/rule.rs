//! What a route asks of a request.

use std::collections::HashMap;
use std::sync::Arc;

use http::{HeaderName, Method};

use super::regex::Regex;
use super::{HostPattern, PathPattern};

/// The requests that a route wants: those that match the path and every other part. An empty part
/// asks for nothing.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Names of listeners; any of them.
    pub listeners: Vec<Arc<str>>,
    /// Any of them.
    pub hosts: Vec<HostPattern>,
    pub path: PathPattern,
    /// Any of them. `GET` serves `HEAD` too; nothing else is implied.
    pub methods: Vec<Method>,
    /// All of them.
    pub headers: Vec<HeaderRule>,
    /// All of them.
    pub query: Vec<QueryRule>,
    /// Among rules for the same host and path pattern the highest wins; among all regular expressions of a host too.
    pub priority: i32,
}

/// Asks for a request header. One with several lines matches if any of them does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderRule {
    pub name: HeaderName,
    pub value: ValueRule,
}

/// Asks for a query parameter. Names and values are compared decoded (`%41` is `A`, `+` is a
/// space); one that comes several times matches if any of them does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryRule {
    pub name: String,
    pub value: ValueRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueRule {
    /// Byte for byte, the whole of it.
    Equals(String),
    /// The whole of it, as it is; of a query parameter decoded.
    Matches(Regex),
    /// There is one, even an empty one.
    Present,
}

impl Rule {
    /// A rule for every host and method.
    #[cfg(test)]
    pub fn of_path(path: PathPattern) -> Self {
        let (headers, query) = (Vec::new(), Vec::new());
        Self { listeners: Vec::new(), hosts: Vec::new(), path, methods: Vec::new(), headers, query, priority: 0 }
    }

    /// Whether some request would match both, and only their order would decide: they share a listener,
    /// a host pattern, a path pattern (whatever its params are called), a method, the conditions and the
    /// priority.
    pub fn indistinguishable(&self, other: &Self) -> bool {
        self.priority == other.priority
            && self.path.same_shape(&other.path)
            && (overlap(&self.hosts, &other.hosts) || self.hosts.is_empty() && other.hosts.is_empty())
            && (overlap(&self.listeners, &other.listeners) || self.listeners.is_empty() && other.listeners.is_empty())
            && (overlap(&self.methods, &other.methods) || self.methods.is_empty() && other.methods.is_empty())
            && same_set(&self.headers, &other.headers)
            && same_set(&self.query, &other.query)
    }
}

/// Pairs of places in `rules` that are [`Rule::indistinguishable`], smaller first. Cheaper than
/// comparing each with each.
pub fn indistinguishable_pairs(rules: &[Rule]) -> Vec<(usize, usize)> {
    let mut shapes: HashMap<String, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let same_path = shapes.entry(rule.path.shape()).or_default();
        // One earlier rule is enough to say, and keeps a file of 20,000 equal routes linear.
        match same_path.iter().find(|&&earlier| rules[earlier].indistinguishable(rule)) {
            Some(&earlier) => pairs.push((earlier, place)),
            None => same_path.push(place),
        }
    }
    pairs
}

/// The place of a rule that takes every request that `rule`, which has a regular expression, could take: it wants every
/// path of the same hosts and listeners, without a condition, and segments come before expressions.
pub fn hidden_behind(rules: &[Rule], rule: &Rule) -> Option<usize> {
    let hides = |other: &Rule| {
        let is_plain = other.methods.is_empty() && other.headers.is_empty() && other.query.is_empty();
        let has_hosts = match rule.hosts.is_empty() {
            true => other.hosts.is_empty(),
            false => rule.hosts.iter().all(|host| other.hosts.contains(host)),
        };
        let is_bound = match rule.listeners.is_empty() {
            true => other.listeners.is_empty(),
            false => other.listeners.is_empty() || rule.listeners.iter().all(|name| other.listeners.contains(name)),
        };
        is_plain && other.path.takes_all() && has_hosts && is_bound
    };
    if rule.path.is_regex() { rules.iter().position(hides) } else { None }
}

fn overlap<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.iter().any(|item| b.contains(item))
}

fn same_set<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    a.iter().all(|item| b.contains(item)) && b.iter().all(|item| a.contains(item))
}
