//! `[[route]]` as it is written.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;

use super::ChainEntry;
use crate::config::Place;
use crate::config::node::Text;
use crate::config::read::form;
use crate::config::values::{OneOrMore, OrOff, Size, Whole};

form! {
    /// A match rule, its chain, its upstream.
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
        required upstream: Text,
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
    }
}

form! {
    /// Which requests a route wants: all parts that are given must fit.
    struct Match {
        /// Host names; `*.example.com` for every name below.
        optional host: OneOrMore<Text>,
        /// `/users` alone, `/users/{id}` one segment, `/users/**` everything from there.
        optional path: Text,
        /// Any of them. `GET` serves `HEAD` too.
        preset methods: Vec<Method> = [],
        /// All of them, with this value; `*`: with any.
        optional headers: BTreeMap<String, (Place, Text)>,
        /// All of them, with this value; `*`: with any.
        optional query: BTreeMap<String, (Place, Text)>,
    }
}
