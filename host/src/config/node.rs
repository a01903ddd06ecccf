//! A config file as a tree in which every value knows its place, interpolations put in.
//!
//! It must not know which keys there are.

mod json;
mod parse;

pub(super) use parse::parse;

use super::checked::{Members, Places};
use super::problem::Place;
use super::secret::Secret;

/// A value with its place.
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

/// What is written at a place.
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    /// As written: nothing in a config is a time of its own.
    Datetime(String),
    List(Vec<Node>),
    /// In the order of their names.
    Table(Vec<Entry>),
    /// Something about which a problem has been reported already.
    Broken,
}

/// A key and its value.
pub(super) struct Entry {
    pub(super) key: String,
    /// Where the key is written.
    pub(super) place: Place,
    pub(super) node: Node,
}

/// A string.
#[derive(Clone)]
pub(super) struct Text {
    /// With interpolations put in: may hold a secret, so no message shows it.
    pub(super) value: String,
    pub(super) place: Place,
    pub(super) interpolated: Option<Interpolated>,
}

/// What is special about a string that had interpolations in it.
#[derive(Clone)]
pub(super) struct Interpolated {
    pub(super) written: String,
    /// What was put in.
    pub(super) secrets: Vec<Secret>,
}

impl Text {
    /// The string as it stands in the file: this is what messages show.
    pub(super) fn written(&self) -> &str {
        self.interpolated.as_ref().map_or(&self.value, |interpolated| &interpolated.written)
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.written())
    }
}

impl Node {
    /// What kind of value it is, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a float",
            Value::Boolean(_) => "a boolean",
            Value::Datetime(_) => "a date or time",
            Value::List(_) => "an array",
            Value::Table(_) => "a table",
            Value::Broken => "a broken value",
        }
    }

    /// The value of a key of this table.
    pub(super) fn member(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Where the value and everything in it is written.
    pub(super) fn places(&self) -> Places {
        let members = match &self.value {
            Value::List(list) => Members::List(list.iter().map(Self::places).collect()),
            Value::Table(entries) => {
                Members::Table(entries.iter().map(|entry| (entry.key.clone(), entry.node.places())).collect())
            }
            _ => Members::None,
        };
        let secret = matches!(&self.value, Value::Text(Text { interpolated: Some(_), .. }));
        Places { place: self.place.clone(), secret, members }
    }

    /// What interpolations put into the value.
    pub(super) fn secrets(&self, into: &mut Vec<Secret>) {
        match &self.value {
            Value::Text(Text { interpolated: Some(interpolated), .. }) => {
                into.extend(interpolated.secrets.iter().cloned());
            }
            Value::List(list) => list.iter().for_each(|node| node.secrets(into)),
            Value::Table(entries) => entries.iter().for_each(|entry| entry.node.secrets(into)),
            _ => {}
        }
    }
}
