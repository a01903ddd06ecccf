//! What is done to headers or query parameters, in the order remove, rename, set, add, append.

use crate::config::Missing;
use crate::template::Template;
use std::borrow::Cow;
use tollgate_plugin_sdk::QueryParams;
use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::Edit;

/// The checked form of a table of edits.
#[derive(Default)]
pub struct Edits {
    pub remove: Vec<String>,
    /// From and to.
    pub rename: Vec<(String, String)>,
    /// In the order of [`How`].
    pub write: Vec<Write>,
}

/// A field that is written.
pub struct Write {
    pub how: How,
    pub name: String,
    pub value: Template,
}

#[derive(Clone, Copy)]
pub enum How {
    /// Replaces what is there.
    Set,
    /// Only if nothing is there.
    Add,
    /// Behind what is there.
    Append,
}

/// The value of each write, rendered; `None` for one that is skipped.
pub type Values<'e> = Vec<Option<Cow<'e, str>>>;

impl Edits {
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.rename.is_empty() && self.write.is_empty()
    }

    /// The edits as the gateway makes them, if they are the same for every exchange and not too many.
    pub fn constant(&self) -> Option<Vec<Edit>> {
        const MOST: usize = 64;
        let removals = self.remove.iter().map(|name| Some(Edit::remove(name)));
        let renames = self.rename.iter().map(|(from, to)| Some(Edit::rename(from, to)));
        let writes = self.write.iter().map(|Write { how, name, value }| {
            let value = value.constant()?;
            Some(match how {
                How::Set => Edit::set(name, value),
                How::Add => Edit::add(name, value),
                How::Append => Edit::append(name, value),
            })
        });
        let edits: Vec<Edit> = removals.chain(renames).chain(writes).collect::<Option<_>>()?;
        (edits.len() <= MOST).then_some(edits)
    }

    pub fn render(&self, request: &Request, missing: Missing) -> Values<'_> {
        self.write.iter().map(|write| write.value.render(request, missing)).collect()
    }

    pub fn apply(&self, fields: &mut dyn Fields, values: Values<'_>) {
        for name in &self.remove {
            fields.remove(name);
        }
        for (from, to) in &self.rename {
            fields.rename(from, to);
        }
        for (Write { how, name, .. }, value) in self.write.iter().zip(values) {
            match (how, value) {
                (How::Set, Some(value)) => fields.set(name, &value),
                (How::Set, None) => fields.remove(name),
                (How::Add, Some(value)) if !fields.has(name) => fields.append(name, &value),
                (How::Append, Some(value)) => fields.append(name, &value),
                (How::Add | How::Append, _) => {}
            }
        }
    }
}

/// What can be edited.
pub trait Fields {
    fn has(&self, name: &str) -> bool;
    fn remove(&mut self, name: &str);
    /// Replaces what is under the new name, if there is something under the old one.
    fn rename(&mut self, from: &str, to: &str);
    fn set(&mut self, name: &str, value: &str);
    fn append(&mut self, name: &str, value: &str);
}

macro_rules! headers {
    ($($message:ty),*) => {$(
        impl Fields for $message {
            fn has(&self, name: &str) -> bool {
                self.header(name).is_some()
            }

            fn remove(&mut self, name: &str) {
                self.remove_header(name);
            }

            fn rename(&mut self, from: &str, to: &str) {
                // Asked first, because the values come only with all headers.
                if self.has(from) {
                    let values = self.header_values(from);
                    self.remove_header(from);
                    self.remove_header(to);
                    for value in &values {
                        self.append_header(to, value);
                    }
                }
            }

            fn set(&mut self, name: &str, value: &str) {
                self.set_header(name, &*legal(value));
            }

            fn append(&mut self, name: &str, value: &str) {
                self.append_header(name, &*legal(value));
            }
        }
    )*};
}
headers!(Request, Response);

impl Fields for QueryParams {
    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn remove(&mut self, name: &str) {
        self.remove(name);
    }

    fn rename(&mut self, from: &str, to: &str) {
        if self.has(from) {
            self.remove(to);
            self.rename(from, to);
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.set(name, value);
    }

    fn append(&mut self, name: &str, value: &str) {
        self.append(name, value);
    }
}

/// The value with control characters, which may not stand in a header, percent-encoded: a client
/// can put them into a param or a query parameter.
fn legal(value: &str) -> Cow<'_, str> {
    if value.contains(is_illegal) { percent::encode(value, |char| !is_illegal(char)).into() } else { value.into() }
}

/// Whether a character may not stand in a header (RFC 9110, section 5.5).
fn is_illegal(char: char) -> bool {
    char.is_ascii_control() && char != '\t'
}

/// What the fields are: decides which names and values are good.
#[derive(Clone, Copy)]
pub enum Kind {
    Header,
    Query,
}

/// Headers that frame messages or concern one connection only.
const GATEWAYS: [&str; 11] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Kind {
    /// The name, or why it cannot be one.
    pub fn name(self, name: &str) -> Result<String, String> {
        match self {
            Self::Header => {
                let lower = String::from(name.parse::<config::HeaderName>()?);
                if GATEWAYS.contains(&lower.as_str()) {
                    return Err(format!("the header `{lower}` is the gateway's: it alone writes it"));
                }
                Ok(lower)
            }
            Self::Query if name.is_empty() => Err("a query parameter needs a name".to_owned()),
            Self::Query => Ok(name.to_owned()),
        }
    }

    /// The template of a value, or why it cannot be one.
    pub fn value(self, text: &str) -> Result<Template, String> {
        if matches!(self, Self::Header) && text.contains(is_illegal) {
            return Err("a header cannot hold a line break or another control character".to_owned());
        }
        Template::parse(text)
    }
}
