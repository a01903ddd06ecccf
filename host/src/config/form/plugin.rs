//! `[[plugin]]` and the entries of `plugins` as they are written.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::config::checked::{Grant, Isolation, OnError, OverLimit, Places};
use crate::config::node::{Node, Text, Value};
use crate::config::read::{Form, Placed, Reading, form, words};
use crate::config::secret::Secret;
use crate::config::values::{GIB, IpNetwork, MIB, Size, Whole};

form! {
    /// A component with its config, grants and limits.
    struct Plugin as "plugin" {
        /// Unique. The name of a bundled source, or of its file without `.wasm`, if nothing is said.
        optional name: Text,
        /// A bundled plugin's name, or the path of a `.wasm` file that begins with `./`, `../` or `/`.
        required source: Text,
        /// What the plugin's `configure` gets.
        optional config: Config,
        /// Capabilities lent to the plugin; what its manifest declares if nothing is said of a bundled
        /// one, none otherwise.
        optional grants: Placed<Vec<Grant>>,
        /// What the plugin may take.
        table limits: Limits,
        /// What becomes of an exchange when a hook fails.
        preset on_error: Placed<OnError> = "reject",
        /// Whether its hooks of bodies see them without their content codings (gzip, deflate).
        preset decode: Placed<bool> = false,
        /// Where its own requests may go; with the grant `outbound`.
        optional outbound: Outbound,
        /// `reuse`: instances serve one exchange after the other; `request`: each has a fresh one.
        preset isolation: Isolation = "reuse",
    }
}

words! {
    Grant {
        "state" = Grant::State,
        "limiter" = Grant::Limiter,
        "consumers" = Grant::Consumers,
        "identify" = Grant::Identify,
        "outbound" = Grant::Outbound,
    }
    OnError {
        "reject" = OnError::Reject,
        "skip" = OnError::Skip,
    }
    OverLimit {
        "reject" = OverLimit::Reject,
        "stream" = OverLimit::Stream,
    }
    Isolation {
        "reuse" = Isolation::Reuse,
        "request" = Isolation::Request,
    }
}

form! {
    /// What a plugin may take.
    struct Limits {
        /// CPU time of one hook call.
        preset deadline: Placed<Duration> = "5ms",
        /// Time on the clock of one hook call, without what it waits for answers to requests of its own.
        preset wall: Placed<Duration> = "1s",
        /// Linear memory of one instance.
        preset memory: Placed<Size<MIB, { 4 * GIB }>> = "16MiB",
        /// Instances of one worker.
        preset instances: Whole<1, 100_000> = 64,
        /// Requests of one worker that wait for an instance.
        preset queue: Whole<0, 1_000_000> = 256,
        /// Calls after which an instance is replaced.
        preset calls: Whole<1, { i64::MAX }> = 100000,
        /// Bytes of a body that the plugin is given, or gives back, at once.
        preset max_body: Placed<Size<1, { 4 * GIB }>> = "1MiB",
        /// What becomes of a body that is longer, and of what has no end: `stream` lets it pass unseen.
        preset over_limit: OverLimit = "reject",
        /// How many times as long a body may become by `decode`, where it becomes longer than 256 KiB.
        preset max_ratio: Placed<Whole<1, 100_000>> = 100,
    }
}

form! {
    /// Where a plugin's own requests may go, and how long it may wait.
    struct Outbound {
        /// Names of upstreams.
        preset upstreams: Vec<Text> = [],
        /// Scheme, host and port of URLs: `https://api.example.com`, `http://10.1.0.7:8181`.
        preset origins: Vec<Text> = [],
        /// Networks that origins may be in although they are special: of this machine, link-local, private and so on.
        preset networks: Vec<IpNetwork> = [],
        /// For all that one call of a hook waits.
        preset timeout: Duration = "5s",
        /// Bytes of the body of one request, and of one response.
        preset max_body: Placed<Size<1, { 4 * GIB }>> = "1MiB",
    }
}

/// A plugin's own config: any table.
#[derive(Debug)]
pub(in crate::config) struct Config {
    /// Kept from `Debug`: may hold secrets.
    pub(in crate::config) json: Secret,
    pub(in crate::config) places: ConfigPlaces,
    pub(in crate::config) secrets: Vec<Secret>,
}

/// `Places` without a `Debug` form of its own.
pub(in crate::config) struct ConfigPlaces(pub(in crate::config) Places);

impl std::fmt::Debug for ConfigPlaces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.place.fmt(f)
    }
}

impl Form for Config {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        if !matches!(node.value, Value::Table(_)) {
            reading.unexpected(node, "a table");
            return None;
        }
        let mut secrets = Vec::new();
        node.secrets(&mut secrets);
        let json = Secret::new(node.to_json().to_string());
        Some(Self { json, places: ConfigPlaces(node.places()), secrets })
    }

    fn schema() -> Json {
        json!({ "type": "object" })
    }
}

/// An entry of `plugins`: the name of a plugin, or a plugin written on the spot.
#[derive(Debug)]
pub(in crate::config) enum ChainEntry {
    Name(Text),
    Inline(Box<Plugin>),
}

impl Form for ChainEntry {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        match &node.value {
            Value::Table(_) => {
                let inline = Box::read(node, reading).map(Self::Inline);
                let help = "a bundled plugin's name, or `./file.wasm`; what is defined as `[[plugin]]` is named without a table";
                reading.explain_missing("source", &node.place, help);
                inline
            }
            _ => {
                let name = reading.text(node, "a plugin's name or a table that begins with `source`")?;
                Some(Self::Name(name.clone()))
            }
        }
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "string" }, Plugin::schema()] })
    }
}
