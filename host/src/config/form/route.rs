//! `[[route]]` as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value as Json, json};

use super::ChainEntry;
use crate::config::Place;
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form};
use crate::config::values::{MIB, OneOrMore, OrOff, Size, Whole};

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
        /// Where its requests go: a name, or several with weights.
        optional upstream: Placed<RouteUpstreams>,
        /// A second upstream that gets copies of requests.
        optional mirror: Mirror,
        /// In place of an upstream: sends the client elsewhere.
        optional redirect: Redirect,
        /// In place of an upstream: one response for every request.
        optional respond: Respond,
        /// Taken away from the start of the path.
        optional strip_prefix: Text,
        /// The path that the upstream sees, `{name}` standing for a parameter of the rule's path and
        /// `{rest}` for its `**`.
        optional rewrite: Text,
        /// In place of the upstream's timeouts.
        optional timeout: RouteTimeout,
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
        optional listener: Placed<OneOrMore<Text>>,
        /// Host names; `*.example.com` for every name below.
        optional host: Placed<OneOrMore<Text>>,
        /// `/users` alone, `/users/{id}` one segment, `/users/**` everything from there; `~` and a regular expression.
        optional path: Text,
        /// Any of them. `GET` serves `HEAD` too.
        preset methods: Vec<Placed<Method>> = [],
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

/// Names of upstreams, each with its share.
#[derive(Debug)]
pub(in crate::config) struct RouteUpstreams(pub(in crate::config) Vec<RoutePart>);

form! {
    /// An upstream with its share.
    struct RoutePart {
        /// Of an upstream.
        required name: Text,
        /// Its share of the requests, relative to the others; 0: none.
        preset weight: Whole<0, 65_535> = 1,
    }
}

impl Form for RouteUpstreams {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match &node.value {
            Value::List(_) => Vec::read(node, reading).map(Self),
            _ => {
                let name = reading.text(node, "a name, or an array of tables with `name` and `weight`")?;
                let (name, weight) = (Some(name.clone()), Whole(1));
                Some(Self(vec![RoutePart { place: node.place.clone(), sound: true, name, weight }]))
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [Text::schema(), Vec::<RoutePart>::schema()] })
    }
}

form! {
    /// A second upstream that gets copies of requests. Its responses are dropped, and nobody waits for them.
    struct Mirror {
        /// Its name.
        required upstream: Text,
        /// Of the requests.
        preset percent: Whole<1, 100> = 100,
        /// Of a request's body; with a longer one it is not copied.
        preset max_body: Size<0, { 16 * MIB }> = "64KiB",
        /// Copies that one worker has under way; further requests are not copied.
        preset requests: Whole<1, 10_000> = 64,
        /// After which a copy is given up.
        preset timeout: Duration = "10s",
    }
}

/// A duration alone is that of `response`.
#[derive(Debug)]
pub(in crate::config) struct RouteTimeout(pub(in crate::config) Timeouts);

form! {
    /// How long a response may take, in place of what the upstream says.
    struct Timeouts {
        /// From the request being sent to the head of its response.
        optional response: Duration,
        /// Between two pieces of the response's body, while the client takes them.
        optional idle: OrOff<Duration>,
        /// From the request being sent to the last byte of its response, all tries together.
        optional total: OrOff<Duration>,
    }
}

impl Form for RouteTimeout {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        if let Value::Table(_) = &node.value {
            return Timeouts::read(node, reading).map(Self);
        }
        let response = Some(Duration::read(node, reading)?);
        Some(Self(Timeouts { place: node.place.clone(), sound: true, response, idle: None, total: None }))
    }

    fn schema() -> Json {
        json!({ "anyOf": [Duration::schema(), Timeouts::schema()] })
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
            Value::Text(_) => reading.word(node, &[("off", &defaults), ("gzip", &defaults)])?,
            _ => {
                reading.unexpected(node, "\"off\", \"gzip\", or a table with `types` and `min-length`");
                return None;
            }
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
