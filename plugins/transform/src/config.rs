//! The configuration as the file has it, and its way into the checked form. Every problem is
//! reported, each at its place.

use crate::Transform;
use crate::edits::{Edits, How, Kind, Write};
use crate::path::Path;
use crate::status;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use tollgate_plugin_sdk::prelude::*;

#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Config {
    request: RequestForm,
    response: ResponseForm,
    missing: Missing,
}

/// What a template becomes when the request lacks one of its values.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The value is empty, the rest of the template stays.
    #[default]
    Empty,
    /// The field is not written. `set` removes it: what the client sent is never taken for the value.
    Skip,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RequestForm {
    path: Option<String>,
    query: EditsForm,
    headers: EditsForm,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResponseForm {
    headers: EditsForm,
    /// From `"404"`, `"5xx"` or `"*"` to a status.
    status: Table<u16>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct EditsForm {
    remove: Vec<String>,
    rename: Table<String>,
    set: Table<String>,
    add: Table<String>,
    append: Table<String>,
}

impl Config {
    pub fn check(self) -> Result<Transform, ConfigError> {
        let mut problems = Problems::default();
        let Self { request, response, missing } = self;
        let path = request.path.and_then(|path| problems.keep("/request/path", Path::parse(&path)));
        let transform = Transform {
            missing,
            path,
            query: request.query.check("/request/query", Kind::Query, &mut problems),
            request_headers: request.headers.check("/request/headers", Kind::Header, &mut problems),
            response_headers: response.headers.check("/response/headers", Kind::Header, &mut problems),
            status: statuses(response.status, &mut problems),
        };
        problems.0.or(transform)
    }
}

impl EditsForm {
    fn check(self, at: &str, kind: Kind, problems: &mut Problems) -> Edits {
        let mut edits = Edits::default();
        for (index, name) in self.remove.iter().enumerate() {
            edits.remove.extend(problems.keep(&format!("{at}/remove/{index}"), kind.name(name)));
        }
        for (from, to) in &self.rename.0 {
            let at = place(at, "rename", from);
            let names = (problems.keep(&at, kind.name(from)), problems.keep(&at, kind.name(to)));
            match names {
                (Some(from), Some(to)) if from == to => problems.0.add(at, "the new name is the old one"),
                (Some(from), Some(to)) => edits.rename.push((from, to)),
                _ => {}
            }
        }
        let tables = [("set", How::Set, self.set), ("add", How::Add, self.add), ("append", How::Append, self.append)];
        for (table, how, fields) in tables {
            for (name, value) in &fields.0 {
                let at = place(at, table, name);
                let field = (problems.keep(&at, kind.name(name)), problems.keep(&at, kind.value(value)));
                if let (Some(name), Some(value)) = field {
                    edits.write.push(Write { how, name, value });
                }
            }
        }
        edits
    }
}

fn statuses(form: Table<u16>, problems: &mut Problems) -> status::Map {
    let mut map = status::Map::default();
    for (from, to) in form.0 {
        let at = place("/response", "status", &from);
        problems.keep(&at, map.add(&from, to));
    }
    map
}

#[derive(Default)]
struct Problems(ConfigError);

impl Problems {
    /// The value, or a problem at its place.
    fn keep<T>(&mut self, at: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.0.add(at, message)).ok()
    }
}

/// The JSON Pointer (RFC 6901) to an entry of a table.
fn place(at: &str, table: &str, key: &str) -> String {
    format!("{at}/{table}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// A table with keys that are not known beforehand, in the order of the file. Smaller in a component
/// than a map.
struct Table<V>(Vec<(String, V)>);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Table<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Table<V>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Table(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}
