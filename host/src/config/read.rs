//! Reading: gives a tree of nodes the shape of Rust types, notes every problem on the way, and tells the same
//! shape as JSON Schema.
//!
//! Not serde, because a serde deserialiser stops at its first error. It must not know which keys there
//! are (`form`) nor what the leaves mean (`values`).

mod plain;
mod shape;

pub(super) use plain::Placed;
pub(super) use shape::{Kind, Property, form, object_schema, words};

use serde_json::Value as Json;

use super::node::{Entry, Node, Text, Value};
use super::problem::{Place, Problem, closest, quote, quote_all};

/// A type that a node can be read as.
pub(super) trait Form: Sized {
    /// What an element of an array of tables is called.
    const LABEL: Option<&'static str> = None;

    /// `None`: a problem has been noted.
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self>;

    /// The shape as JSON Schema.
    fn schema() -> Json;
}

/// What is noted while reading.
pub(super) struct Reading<'a> {
    problems: &'a mut Vec<Problem>,
    /// The element that is read, as it ends a message: " (route `users`)".
    about: String,
}

impl<'a> Reading<'a> {
    pub(super) fn new(problems: &'a mut Vec<Problem>) -> Self {
        Self { problems, about: String::new() }
    }

    /// Notes a problem with the element that is read.
    pub(super) fn note(&mut self, problem: Problem) {
        self.problems.push(problem.about(&self.about));
    }

    /// Says what would be right of a key that was noted as missing at this place.
    pub(super) fn explain_missing(&mut self, key: &str, place: &Place, help: &str) {
        let missing = missing(key);
        let is_it = |problem: &&mut Problem| problem.place == *place && problem.message.starts_with(&missing);
        if let Some(problem) = self.problems.iter_mut().rev().find(is_it) {
            problem.help = Some(help.to_owned());
        }
    }

    /// Notes that something of another type stands there; says nothing of its value.
    pub(super) fn unexpected(&mut self, node: &Node, expected: &str) {
        if !matches!(node.value, Value::Broken) {
            self.note(Problem::new(&node.place, format!("expected {expected}, found {}", node.kind())));
        }
    }

    /// The string that stands there.
    pub(super) fn text<'n>(&mut self, node: &'n Node, expected: &str) -> Option<&'n Text> {
        let Value::Text(text) = &node.value else {
            self.unexpected(node, expected);
            return None;
        };
        Some(text)
    }

    /// A string as something more definite. `parse` answers what is wrong ("is not a duration") and
    /// what would be right.
    pub(super) fn parse<T>(
        &mut self,
        node: &Node,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let text = self.text(node, expected)?;
        match parse(&text.value) {
            Ok(value) => Some(value),
            Err(Wrong { what, help }) => {
                let message = format!("{} {what}", quote(text.written()));
                self.note(Problem { place: node.place.clone(), message, help });
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(node, "a string")?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(*value);
        }
        let known = || words.iter().map(|(word, _)| *word);
        let message = format!("unknown value {}, expected one of {}", quote(text.written()), quote_all(known()));
        self.note(Problem::new(&node.place, message).did_you_mean(meant(text.written(), known())));
        None
    }
}

/// Why a string is not what it should be. Neither part shows the string.
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) help: Option<String>,
}

impl Wrong {
    pub(super) fn new(what: &str) -> Self {
        Self { what: what.to_owned(), help: None }
    }

    pub(super) fn help(what: &str, help: impl Into<String>) -> Self {
        Self { what: what.to_owned(), help: Some(help.into()) }
    }
}

/// The one of a few words that was probably meant. Words that differ in a number mean different things (`http3`), and
/// a short form leaves letters out (`h2`).
fn meant<'w>(written: &str, mut known: impl Iterator<Item = &'w str> + Clone) -> Option<&'w str> {
    let letters = |word: &str| word.trim_end_matches(|char: char| char.is_ascii_digit()).to_ascii_lowercase();
    let is_short_for = |word: &str| {
        let mut rest = word.chars();
        written.chars().all(|char| rest.by_ref().any(|other| other == char)) && rest.next().is_none()
    };
    match closest(written, known.clone()) {
        Some(word) if word != letters(word) && letters(word) == letters(written) => None,
        Some(word) => Some(word),
        None => known.find(|word| written.len() > 1 && is_short_for(word)),
    }
}

fn missing(key: &str) -> String {
    format!("the key {} is missing", quote(key))
}

/// Keys that are named where something else than a table stands.
const MOST_KEYS: usize = 8;

/// A table that is read key by key.
pub(super) struct Fields<'n> {
    node: &'n Node,
    entries: &'n [Entry],
    /// What `Reading::about` was before.
    around: String,
    /// How many problems there were before.
    problems: usize,
    /// Keys that unknown ones were probably meant to be.
    misspelt: Vec<&'n str>,
}

impl<'n> Fields<'n> {
    /// Notes every key that is not known.
    pub(super) fn of(
        node: &'n Node,
        label: Option<&str>,
        known: &'n [String],
        reading: &mut Reading<'_>,
    ) -> Option<Self> {
        let problems = reading.problems.len();
        let Value::Table(entries) = &node.value else {
            match known.len() {
                0..=MOST_KEYS => {
                    reading.unexpected(node, &format!("a table with {}", quote_all(known.iter().map(String::as_str))))
                }
                _ => reading.unexpected(node, "a table"),
            }
            return None;
        };
        let around = reading.about.clone();
        // Whoever is around says it better: an inline plugin is found by its route.
        if let (Some(label), "") = (label, around.as_str()) {
            let name = node.member("name").or(node.member("source")).map(|entry| &entry.node.value);
            if let Some(Value::Text(name)) = name {
                reading.about = format!(" ({label} {})", quote(name.written()));
            }
        }
        let mut misspelt = Vec::new();
        for entry in entries.iter().filter(|entry| !known.contains(&entry.key)) {
            let known = || known.iter().map(String::as_str);
            let problem = Problem::new(&entry.place, format!("unknown key {}", quote(&entry.key)));
            reading.note(match closest(&entry.key, known()) {
                Some(name) => {
                    misspelt.push(name);
                    problem.did_you_mean(Some(name))
                }
                None => problem.help(format!("the keys here are {}", quote_all(known()))),
            });
        }
        Some(Self { node, entries, around, problems, misspelt })
    }

    /// `None`: the key is absent, or a problem has been noted.
    pub(super) fn optional<T: Form>(&self, key: &str, reading: &mut Reading<'_>) -> Option<T> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        T::read(&entry.node, reading)
    }

    /// `None`: a problem has been noted.
    pub(super) fn required<T: Form>(&self, key: &str, reading: &mut Reading<'_>) -> Option<T> {
        if self.node.member(key).is_none() && !self.misspelt.contains(&key) {
            reading.note(Problem::new(&self.node.place, missing(key)));
        }
        self.optional(key, reading)
    }

    /// The default when the key is absent, or a problem has been noted.
    pub(super) fn preset<T: Form>(&self, key: &str, default: fn() -> Json, reading: &mut Reading<'_>) -> T {
        self.optional(key, reading).unwrap_or_else(|| {
            let node = Node::from_json(&default(), &self.node.place);
            T::read(&node, reading).expect("a default fits its type: a test reads an empty table of every form")
        })
    }

    /// Whether no problem was noted in the table.
    pub(super) fn finish(self, reading: &mut Reading<'_>) -> bool {
        reading.about = self.around;
        reading.problems.len() == self.problems
    }
}
