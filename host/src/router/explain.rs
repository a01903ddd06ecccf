//! Why a request takes the route that it takes: what `tollgate match` prints.
//!
//! Judges rule by rule, without the trie, so it also checks [`super::Router::find`] in the tests.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use http::Method;

use super::conditions::{is_bound, missing_header, missing_query, serves, weight};
use super::{HeaderRule, HostPattern, PathPattern, QueryRule, Router, Rule, Target, ValueRule};

/// How one rule fared.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation<'r> {
    /// Its place in [`Router::rules`].
    pub route: usize,
    pub outcome: Outcome<'r>,
}

/// What a rule lost by; the first thing, in the order in which they are listed.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<'r> {
    Taken,
    /// It is bound to others.
    Listener(&'r [Arc<str>]),
    Host(&'r [HostPattern]),
    Path(&'r PathPattern),
    Header(&'r HeaderRule),
    Query(&'r QueryRule),
    /// It would have matched but for the method; these are the ones that it lists.
    Method(&'r [Method]),
    /// It matches; the taken one comes before it.
    Behind {
        taken: usize,
        step: Step,
    },
}

/// What put one matching rule before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Host,
    Path,
    Priority,
    Conditions,
    Order,
}

impl Router {
    /// One explanation for each rule, in their order.
    pub fn explain<'r>(&'r self, target: &Target<'_>) -> Vec<Explanation<'r>> {
        let taken = self.find(target).ok();
        let outcome = |(route, rule): (usize, &'r Rule)| {
            let outcome = match (refusal(rule, target), taken) {
                (Some(refusal), _) => refusal,
                (None, Some(taken)) if taken != route => {
                    Outcome::Behind { taken, step: compare(self.rules(), (taken, route), target.host).0 }
                }
                (None, _) => Outcome::Taken,
            };
            Explanation { route, outcome }
        };
        self.rules().iter().enumerate().map(outcome).collect()
    }
}

/// Why `rule` does not match.
pub(super) fn refusal<'r>(rule: &'r Rule, target: &Target<'_>) -> Option<Outcome<'r>> {
    if !is_bound(rule, target) {
        return Some(Outcome::Listener(&rule.listeners));
    }
    if !rule.hosts.is_empty() && !rule.hosts.iter().any(|host| host.matches(target.host)) {
        return Some(Outcome::Host(&rule.hosts));
    }
    if !rule.path.matches(target.path) {
        return Some(Outcome::Path(&rule.path));
    }
    if let Some(header) = missing_header(rule, target) {
        return Some(Outcome::Header(header));
    }
    if let Some(query) = missing_query(rule, target) {
        return Some(Outcome::Query(query));
    }
    (!serves(&rule.methods, target.method)).then_some(Outcome::Method(&rule.methods))
}

/// Which of two matching rules, by their places, comes first, and by what. Equal only if their order decides.
pub(super) fn compare(rules: &[Rule], (a, b): (usize, usize), host: &str) -> (Step, Ordering) {
    // Of a regular expression: where in the file it comes first.
    let turn = |rule: usize| {
        let path = &rules[rule].path;
        path.is_regex().then(|| rules.iter().position(|rule| rule.path == *path))
    };
    let turns = turn(a).cmp(&turn(b));
    let (a, b) = (&rules[a], &rules[b]);
    let steps = [
        (Step::Host, closeness(b, host).cmp(&closeness(a, host))),
        (Step::Path, a.path.ranks().cmp(b.path.ranks())),
        (Step::Priority, b.priority.cmp(&a.priority)),
        (Step::Order, turns),
        (Step::Conditions, by_conditions(a, b)),
    ];
    steps.into_iter().find(|(_, order)| order.is_ne()).unwrap_or((Step::Order, Ordering::Equal))
}

/// Between rules of one priority. A rule that lists `HEAD` comes before one that serves it by `GET`.
pub(super) fn by_conditions(a: &Rule, b: &Rule) -> Ordering {
    let head = |rule: &Rule| rule.methods.contains(&Method::HEAD);
    weight(b).cmp(&weight(a)).then_with(|| head(b).cmp(&head(a)))
}

/// Of the host pattern of `rule` that fits best. The greater comes first.
fn closeness(rule: &Rule, host: &str) -> usize {
    let matching = rule.hosts.iter().filter(|pattern| pattern.matches(host));
    let closeness = matching.map(|pattern| match pattern {
        HostPattern::Exact(_) => usize::MAX,
        HostPattern::Suffix(suffix) => suffix.len(),
    });
    closeness.max().unwrap_or(0)
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken => f.write_str("taken"),
            Self::Listener(names) => write!(f, "another listener: it wants {}", Either(names)),
            Self::Host(hosts) => write!(f, "another host: it wants {}", Either(hosts)),
            Self::Path(path) => write!(f, "another path: it wants `{path}`"),
            Self::Header(HeaderRule { name, value: ValueRule::Present }) => write!(f, "no header `{name}`"),
            Self::Header(HeaderRule { name, value: ValueRule::Equals(value) }) => {
                write!(f, "header `{name}` is not `{value}`")
            }
            Self::Header(HeaderRule { name, value: ValueRule::Matches(regex) }) => {
                write!(f, "header `{name}` does not match `{regex}`")
            }
            Self::Query(QueryRule { name, value: ValueRule::Present }) => write!(f, "no query parameter `{name}`"),
            Self::Query(QueryRule { name, value: ValueRule::Equals(value) }) => {
                write!(f, "query parameter `{name}` is not `{value}`")
            }
            Self::Query(QueryRule { name, value: ValueRule::Matches(regex) }) => {
                write!(f, "query parameter `{name}` does not match `{regex}`")
            }
            Self::Method(methods) => write!(f, "another method: it wants {}", Either(methods)),
            Self::Behind { step, .. } => write!(f, "it matches, but {step}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host of the taken route is more specific",
            Self::Path => "the path of the taken route is more specific",
            Self::Priority => "the taken route has a higher priority",
            Self::Conditions => "the taken route asks for more",
            Self::Order => "the taken route comes earlier in the file",
        })
    }
}

/// `a`, `b` or `c`.
struct Either<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Either<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, item) in self.0.iter().enumerate() {
            match place {
                0 => {}
                _ if place + 1 == self.0.len() => f.write_str(" or ")?,
                _ => f.write_str(", ")?,
            }
            write!(f, "`{item}`")?;
        }
        Ok(())
    }
}
