//! Names: unique in their kind, and found again by who refers to them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::config::node::Text;
use crate::config::problem::{Place, Problem, closest, quote, quote_all};

/// As many names as a help line lists.
const MOST_LISTED: usize = 12;
/// After so many problems no suggestion is looked for: each takes the time of all names.
const MOST_SUGGESTED: usize = 50;

/// The names of one kind of element.
pub(super) struct Names<'a> {
    kind: &'static str,
    index: HashMap<&'a str, usize>,
    /// As messages show them.
    written: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// Notes names that cannot be one, or come twice. A missing name has been noted already.
    pub(super) fn of(
        kind: &'static str,
        names: impl Iterator<Item = Option<&'a Text>>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut index = HashMap::new();
        let mut written = Vec::new();
        let mut first: HashMap<&str, &Place> = HashMap::new();
        for (at, name) in names.enumerate() {
            let Some(name) = name else { continue };
            if !is_name(&name.value) {
                problems.push(not_a_name(kind, name));
            }
            match first.entry(&name.value) {
                Entry::Occupied(first) => problems.push(twice(kind, name, first.get())),
                Entry::Vacant(vacant) => {
                    vacant.insert(&name.place);
                    index.insert(name.value.as_str(), at);
                    written.push(name.written());
                }
            }
        }
        Self { kind, index, written }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The number of the element that is meant. `about` ends the message: " (route `users`)".
    pub(super) fn find(&self, name: &Text, about: &str, problems: &mut Vec<Problem>) -> Option<usize> {
        let found = self.index.get(name.value.as_str()).copied();
        if found.is_none() {
            let kind = self.kind;
            let message = format!("no {kind} named {}{about}", quote(name.written()));
            let problem = Problem::new(&name.place, message);
            unknown(problem, kind, name.written(), self.written.iter().copied(), problems);
        }
        found
    }
}

/// Notes that there is nothing of a name.
pub(super) fn unknown<'a>(
    problem: Problem,
    kind: &str,
    written: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    problems: &mut Vec<Problem>,
) {
    let suggest = problems.len() < MOST_SUGGESTED;
    problems.push(if suggest { suggestion(problem, kind, written, known) } else { problem });
}

/// Says what a misspelt name could be.
pub(super) fn suggestion<'a>(
    problem: Problem,
    kind: &str,
    written: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Problem {
    if let Some(name) = closest(written, known.clone()) {
        return problem.did_you_mean(Some(name));
    }
    match known.clone().take(MOST_LISTED + 1).count() {
        0 => problem.help(format!("there is no {kind} at all")),
        1..=MOST_LISTED => problem.help(format!("there are {}", quote_all(known))),
        _ => problem,
    }
}

/// Names stand in metrics, logs and scopes (`route/plugin`), so they are plain.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    !name.is_empty() && name.len() <= 128 && name.chars().all(plain)
}

pub(super) fn not_a_name(kind: &str, name: &Text) -> Problem {
    let article = if kind.starts_with('u') { "an" } else { "a" };
    Problem::new(&name.place, format!("{} cannot name {article} {kind}", quote(name.written())))
        .help("a name has 1 to 128 letters, digits, `.`, `_` and `-`")
}

pub(super) fn twice(kind: &str, name: &Text, first: &Place) -> Problem {
    Problem::new(&name.place, format!("a second {kind} is named {}", quote(name.written())))
        .help(format!("the first is at {first}"))
}
