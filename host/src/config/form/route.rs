//! `[[route]]` as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value as Json, json};

use super::ChainEntry;
use crate::config::Place;
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form};
use crate::config::values::{OneOrMore, OrOff, Size, Whole};

form! {
    /// A match rule, its chain, and where its requests go: exactly one of `upstream`, `redirect` and `respond`.
    struct Route as "route" {
        /// Unique.
        required name: Text,
        /// Which requests it wants; every one if nothing is said.
        table r#match: Match,
        /// Among rules for the same host and path the highest wins.
        preset priority: Whole<{ i32::MIN as i64 }, { i32::MAX as i64 }> = 0,
        /// Plugins in the order in which they run, after the gateway's own.
        preset plugins: Vec<ChainEntry> = [],
        /// Where its requests go.
        optional upstream: Text,
        /// In place of an upstream: sends the client elsewhere.
        optional redirect: Redirect,
        /// In place of an upstream: one response for every request.
        optional respond: Respond,
        /// Taken away from the start of the path.
        optional strip_prefix: Text,
        /// The path that the upstream sees, `{name}` standing for a parameter of the rule's path and
        /// `{rest}` for its `**`.
        optional rewrite: Text,
        /// From the request being sent to the head of its response; the upstream's if nothing is said.
        optional timeout: Duration,
        /// Size of a request's body, or `off`.
        preset max_body: OrOff<Size> = "10MiB",
        /// Whether the upstream sees the client's `Host`.
        preset preserve_host: bool = true,
        /// Whether requests may switch to another protocol, as WebSocket does.
        preset upgrade: bool = true,
        /// Whether responses are compressed for clients that take gzip, and which.
        preset compress: OrOff<Compress> = "off",
    }
}

form! {
    /// Which requests a route wants: all parts that are given must fit.
    struct Match {
        /// Names of listeners; a request may come through any of them.
        optional listener: OneOrMore<Text>,
        /// Host names; `*.example.com` for every name below.
        optional host: OneOrMore<Text>,
        /// `/users` alone, `/users/{id}` one segment, `/users/**` everything from there; `~` and a regular expression.
        optional path: Text,
        /// Any of them. `GET` serves `HEAD` too.
        preset methods: Vec<Method> = [],
        /// All of them, with this value; `*`: with any; `~` and a regular expression: with one that it matches.
        optional headers: BTreeMap<String, (Place, Text)>,
        /// All of them, with this value; `*`: with any; `~` and a regular expression: with one that it matches.
        optional query: BTreeMap<String, (Place, Text)>,
    }
}

form! {
    /// An answer that sends the client elsewhere.
    struct Redirect {
        /// 301, 302, 303, 307 or 308.
        preset status: Placed<Whole<300, 399>> = 308,
        /// A URL, or a path. `{host}`, `{path}`, `{query}` and the parameters of the route's path stand for those of the
        /// request. The query is kept, unless it has one of its own.
        required to: Text,
    }
}

/// `gzip` alone, or a table that says more.
#[derive(Debug)]
pub(in crate::config) struct Compress(pub(in crate::config) Gzip);

form! {
    /// Which responses are compressed with gzip.
    struct Gzip {
        /// Media types, such as `text/html`, `text/*`.
        preset types: Vec<Text> = [
            "text/*", "application/javascript", "application/json", "application/manifest+json",
            "application/problem+json", "application/xml", "image/svg+xml"
        ],
        /// Bytes of a body; one of unknown length is long enough.
        preset min_length: Size = "1KiB",
    }
}

impl Form for Compress {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        let defaults = Node { place: node.place.clone(), value: Value::Table(Vec::new()) };
        let node = match &node.value {
            Value::Table(_) => node,
            _ => reading.word(node, &[("off", &defaults), ("gzip", &defaults)])?,
        };
        Gzip::read(node, reading).map(Self)
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "const": "gzip" }, Gzip::schema()] })
    }
}

/// Of a final response.
pub(in crate::config) type Status = Placed<Whole<200, 599>>;

form! {
    /// One response for every request.
    struct Respond {
        /// 200 to 599.
        required status: Status,
        /// Header fields; `content-type` is `text/plain; charset=utf-8` if there is a body and nothing is said.
        optional headers: BTreeMap<String, (Place, Text)>,
        /// At most 1 MiB. `${file:..}` takes it from a file.
        preset body: Text = "",
    }
}
