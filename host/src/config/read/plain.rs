//! Shapes of what has no meaning of its own: arrays, tables with free keys, strings, booleans.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Form, Reading};
use crate::config::node::{Entry, Node, Text, Value};
use crate::config::problem::{Place, Problem};

impl<T: Form> Form for Vec<T> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match (&node.value, T::LABEL) {
            (Value::List(list), _) => Some(list.iter().filter_map(|node| T::read(node, reading)).collect()),
            (Value::Table(_), Some(label)) => {
                let problem = Problem::new(&node.place, "expected an array of tables, found a table");
                reading.note(problem.help(format!("each begins with `[[{label}]]`")));
                None
            }
            (Value::Table(_) | Value::Broken, _) => {
                reading.unexpected(node, "an array");
                None
            }
            _ => {
                let message = format!("expected an array, found {}", node.kind());
                reading.note(Problem::new(&node.place, message).help("an array of one has brackets: `[..]`"));
                None
            }
        }
    }

    fn schema() -> Json {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Form> Form for BTreeMap<String, (Place, T)> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let Value::Table(entries) = &node.value else {
            reading.unexpected(node, "a table");
            return None;
        };
        let member = |entry: &Entry| Some((entry.key.clone(), (entry.place.clone(), T::read(&entry.node, reading)?)));
        Some(entries.iter().filter_map(member).collect())
    }

    fn schema() -> Json {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

impl<T: Form> Form for Box<T> {
    const LABEL: Option<&'static str> = T::LABEL;

    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        T::read(node, reading).map(Self::new)
    }

    fn schema() -> Json {
        T::schema()
    }
}

impl Form for Text {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.text(node, "a string").cloned()
    }

    fn schema() -> Json {
        json!({ "type": "string" })
    }
}

impl Form for bool {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let Value::Boolean(boolean) = node.value else {
            reading.unexpected(node, "`true` or `false`");
            return None;
        };
        Some(boolean)
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub(in crate::config) struct Placed<T> {
    pub(in crate::config) value: T,
    pub(in crate::config) place: Place,
}

impl<T: Form> Form for Placed<T> {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        T::read(node, reading).map(|value| Self { value, place: node.place.clone() })
    }

    fn schema() -> Json {
        T::schema()
    }
}
