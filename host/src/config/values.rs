//! The leaves of the file form: durations, sizes, numbers with bounds, addresses, networks, methods.

mod duration;
mod network;
mod percent;
mod size;

pub(super) use network::{FileMode, IpNetwork, NameServer, Network, Where};
pub(super) use percent::Percent;
pub(super) use size::{GIB, KIB, MIB, Size, shown};

use serde_json::{Value as Json, json};

use super::node::{Node, Value};
use super::problem::Problem;
use super::read::{Form, Reading};

/// A whole number from `LEAST` to `MOST`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole<const LEAST: i64, const MOST: i64>(pub(super) i64);

impl<const LEAST: i64, const MOST: i64> Whole<LEAST, MOST> {
    /// Where `LEAST` is not below 0.
    pub(super) fn count(self) -> usize {
        usize::try_from(self.0).unwrap_or_default()
    }
}

impl<const LEAST: i64, const MOST: i64> Form for Whole<LEAST, MOST> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let Value::Integer(integer) = node.value else {
            reading.unexpected(node, "an integer");
            return None;
        };
        if !(LEAST..=MOST).contains(&integer) {
            let message = format!("{integer} is out of range: a number from {LEAST} to {MOST} is possible here");
            reading.note(Problem::new(&node.place, message));
            return None;
        }
        Some(Self(integer))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

/// A value, or the word `off`.
#[derive(Clone, Copy, Debug)]
pub(super) enum OrOff<T> {
    On(T),
    Off,
}

impl<T> OrOff<T> {
    pub(super) fn as_on(&self) -> Option<&T> {
        match self {
            Self::On(value) => Some(value),
            Self::Off => None,
        }
    }

    pub(super) fn on(self) -> Option<T> {
        match self {
            Self::On(value) => Some(value),
            Self::Off => None,
        }
    }
}

impl<T: Form> Form for OrOff<T> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match &node.value {
            Value::Text(text) if text.value == "off" => Some(Self::Off),
            Value::Boolean(false) => {
                let problem = Problem::new(&node.place, "expected what it is, or \"off\", found `false`");
                reading.note(problem.help("write \"off\", with its quotes"));
                None
            }
            _ => T::read(node, reading).map(Self::On),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "off" }, T::schema()] })
    }
}

/// One value, or an array of them.
#[derive(Debug)]
pub(super) struct OneOrMore<T>(pub(super) Vec<T>);

impl<T: Form> Form for OneOrMore<T> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match node.value {
            Value::List(_) => Vec::read(node, reading).map(Self),
            _ => T::read(node, reading).map(|one| Self(vec![one])),
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [T::schema(), Vec::<T>::schema()] })
    }
}

/// `1.5s` as 1.5 and `s`.
fn number_and_unit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.')?;
    let (number, unit) = text.split_at(end);
    if !number.starts_with(|first: char| first.is_ascii_digit()) || number.ends_with('.') {
        return None;
    }
    Some((number.parse().ok()?, unit.trim_start()))
}

/// The pattern of a string that this fits, unless it is known only when an interpolation is put in.
fn pattern(regex: &str) -> String {
    format!(r"^({regex}|.*\$\{{.+\}}.*)$")
}
