//! The best route for a request, and why the others lost.
//!
//! A [`Rule`] says which requests a route wants; [`Router::find`] answers the number of the rule
//! that wins. Which one that is depends on the rules and the request alone, in this order:
//!
//! 1. the host: exact, then the longest `*.suffix`, then rules without hosts;
//! 2. the path, segment by segment from the left: literal, then `{param}`, then `**`; then regular expressions;
//! 3. `priority`, the higher number first;
//! 4. of regular expressions: the order of the file, in which the same one keeps its first place;
//! 5. the number of conditions (the listeners count as one, and so do the methods, and each header and query rule),
//!    then how many of them ask for a value, then for a regular expression and not only for a presence, then whether
//!    the rule lists `HEAD` or only serves it by `GET`;
//! 6. the order of the file.
//!
//! So `priority` chooses among routes for the same host and path pattern, and never makes
//! `/users/**` win over `/users/{id}`. A rule whose listeners, methods, headers or query refuse the request
//! leaves it to the next best. [`indistinguishable_pairs`] finds the rules that only step 6 would
//! tell apart.
//!
//! Pure: knows HTTP's types, and neither sockets, upstreams, plugins nor the form of the config.

mod conditions;
mod explain;
mod hash;
mod host;
mod path;
mod regex;
mod rule;
#[cfg(test)]
mod tests;
mod trie;

use std::collections::HashMap;

use http::{HeaderMap, Method};

use self::conditions::{Gate, serves, suits};
#[cfg(test)]
use self::explain::Outcome;
use self::explain::by_conditions;
use self::hash::Table;
pub use self::host::HostPattern;
pub use self::path::PathPattern;
pub use self::regex::Regex;
pub use self::rule::{HeaderRule, QueryRule, Rule, ValueRule, hidden_behind, indistinguishable_pairs};
use self::trie::Trie;

/// What the router sees of a request.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The name of the listener that it came through, if that has one.
    pub listener: Option<&'a str>,
    /// Lower case, without port and without a final dot; IPv6 in brackets. Empty when there is none.
    pub host: &'a str,
    /// Begins with `/`. Normalised as RFC 3986 section 6.2.2 says: no dot segments, percent-encoding
    /// in upper case and only where it is needed. One that does not begin with `/` (`*`) has no route.
    pub path: &'a str,
    /// Without the `?`, as it was sent.
    pub query: Option<&'a str>,
    pub method: &'a Method,
    pub headers: &'a HeaderMap,
}

/// Why a request has no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// No rule wants this host, path, headers and query: 404.
    NotFound,
    /// A rule would have matched but for the method: 405, and these are the methods for its `Allow`,
    /// in alphabetical order.
    MethodNotAllowed(Vec<Method>),
}

/// All rules, arranged for lookup at load: a hash map of hosts; under each a trie of path segments, and behind it
/// regular expressions.
#[derive(Debug)]
pub struct Router {
    rules: Vec<Rule>,
    /// Of each rule.
    gates: Vec<Gate>,
    exact: Table<Site>,
    /// Under what follows the `*.`.
    suffixes: Table<Site>,
    any: Site,
}

/// The paths of one host.
#[derive(Debug, Default)]
struct Site {
    trie: Trie,
    /// Rules with regular expressions, best first.
    regexes: Vec<u32>,
}

impl Router {
    /// The numbers that [`Router::find`] answers are the places in `rules`.
    pub fn new(rules: Vec<Rule>) -> Self {
        let gates = rules.iter().map(Gate::of).collect();
        let (exact, suffixes, any) = (Table::default(), Table::default(), Site::default());
        let mut router = Self { rules, gates, exact, suffixes, any };
        let turns = turns(&router.rules);
        let mut best_first: Vec<_> = router.rules.iter().enumerate().collect();
        // Stable: what is equal stays in the order of the file.
        best_first.sort_by(|&(a, one), &(b, other)| {
            let by_priority = other.priority.cmp(&one.priority);
            by_priority.then(turns[a].cmp(&turns[b])).then_with(|| by_conditions(one, other))
        });
        for (route, rule) in best_first {
            if rule.hosts.is_empty() {
                router.any.insert(&rule.path, route);
            }
            for host in &rule.hosts {
                let site = match host {
                    HostPattern::Exact(name) => router.exact.entry(name.clone()).or_default(),
                    HostPattern::Suffix(name) => router.suffixes.entry(name.clone()).or_default(),
                };
                site.insert(&rule.path, route);
            }
        }
        router
    }

    /// The number of the rule that wins. Allocates nothing, except for the methods of a 405.
    pub fn find(&self, target: &Target<'_>) -> Result<usize, NoRoute> {
        let bit = Gate::bit(target.method);
        let mut but_for_the_method = false;
        let found = self.first(target, &mut |route| {
            let rule = &self.rules[route];
            let answer = self.gates[route].answer(bit);
            let served = answer.unwrap_or_else(|| serves(&rule.methods, target.method));
            if served {
                return answer.is_some() || suits(rule, target);
            }
            but_for_the_method = but_for_the_method || suits(rule, target);
            false
        });
        match found {
            Some(route) => Ok(route),
            None if but_for_the_method => Err(NoRoute::MethodNotAllowed(self.allowed(target))),
            None => Err(NoRoute::NotFound),
        }
    }

    /// The rules in the order in which they were given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What rule `route` captures of `path` under `name`, raw: percent-encoding is left as it is.
    /// `path` is the one that [`Router::find`] saw.
    pub fn param<'p>(&self, route: usize, name: &str, path: &'p str) -> Option<&'p str> {
        self.rules.get(route)?.path.capture(name, path)
    }

    /// The first rule that `accept` accepts, among those that want the host and the path, best first.
    fn first(&self, target: &Target<'_>, accept: &mut impl FnMut(usize) -> bool) -> Option<usize> {
        let mut find = |site: &Site| {
            let found = site.trie.find(target.path, accept);
            if found.is_some() || site.regexes.is_empty() {
                return found;
            }
            let mut regexes = site.regexes.iter().map(|&route| route as usize);
            regexes.find(|&route| self.rules[route].path.matches(target.path) && accept(route))
        };
        if let Some(route) = self.exact.get(target.host).and_then(&mut find) {
            return Some(route);
        }
        if !self.suffixes.is_empty() {
            let mut name = target.host;
            while let Some((_, suffix)) = name.split_once('.') {
                if let Some(route) = self.suffixes.get(suffix).and_then(&mut find) {
                    return Some(route);
                }
                name = suffix;
            }
        }
        find(&self.any)
    }

    fn allowed(&self, target: &Target<'_>) -> Vec<Method> {
        let mut methods = Vec::new();
        self.first(target, &mut |route| {
            let rule = &self.rules[route];
            if suits(rule, target) {
                methods.extend_from_slice(&rule.methods);
            }
            false
        });
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        methods.dedup();
        methods
    }
}

impl Site {
    /// Rules with the same pattern are tried in the order in which they are inserted, regular expressions too.
    fn insert(&mut self, path: &PathPattern, route: usize) {
        match path {
            PathPattern::Segments(segments) => self.trie.insert(segments, route),
            PathPattern::Regex { .. } => {
                self.regexes.push(u32::try_from(route).expect("a config has fewer than 2^32 routes"));
            }
        }
    }
}

/// Of each rule with a regular expression: which rule has the same one first.
fn turns(rules: &[Rule]) -> Vec<usize> {
    let mut first = HashMap::new();
    let turn = |(place, rule): (usize, &Rule)| match rule.path.is_regex() {
        true => *first.entry(rule.path.to_string()).or_insert(place),
        false => 0,
    };
    rules.iter().enumerate().map(turn).collect()
}
