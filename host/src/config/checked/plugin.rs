//! Checked plugins: a component with its config, grants and limits.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::Upstream;
use crate::config::{Place, Secret};
use crate::wire::origin::Origin;

/// A component with its config, grants and limits.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// What its operator calls it: metrics, logs, notes. Unique within a chain only.
    pub name: String,
    /// Under what it keeps state, limits and metrics; unique in the config. The name, or
    /// `route/name` for one that is written inside a route.
    pub scope: String,
    pub source: Source,
    pub config: PluginConfig,
    /// `None`: what a bundled plugin's manifest declares. Always `Some` for a file.
    pub grants: Option<Vec<Grant>>,
    pub limits: PluginLimits,
    /// Where its own requests may go, if they may.
    pub outbound: Option<Outbound>,
    /// `Reject` whenever `grants` holds one that forbids to skip. Of a bundled plugin without
    /// `grants` this is not known here: ask `Grant::forbids_skip` of what its manifest declares.
    pub on_error: OnError,
    pub isolation: Isolation,
    /// Its hooks of bodies see them without their content codings.
    pub decode: bool,
    /// Where `decode` is written, or the entry when it says nothing.
    pub decode_place: Place,
    /// Where the entry is written.
    pub place: Place,
    /// Where its source is written: a missing or wrong component is a problem there.
    pub source_place: Place,
    /// Where its grants are written, or the entry when it has none: a grant too few is a problem there.
    pub grants_place: Place,
    /// Where `on-error` is written, or the entry when it says nothing.
    pub on_error_place: Place,
}

/// Where the component comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// One of `Surroundings::bundled`.
    Bundled(String),
    /// The path as written, seen from the folder of its config file. Not looked at yet.
    File(PathBuf),
}

/// A capability lent to a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grant {
    State,
    Limiter,
    Consumers,
    /// To say who the caller is.
    Identify,
    /// To send requests of its own.
    Outbound,
}

impl Grant {
    pub const ALL: [Self; 5] = [Self::State, Self::Limiter, Self::Consumers, Self::Identify, Self::Outbound];

    /// The grant that a word names.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.name() == name)
    }

    /// The word in the config.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Limiter => "limiter",
            Self::Consumers => "consumers",
            Self::Identify => "identify",
            Self::Outbound => "outbound",
        }
    }

    /// A gateway that skips a plugin which says who is calling would let everyone in.
    pub fn forbids_skip(self) -> bool {
        match self {
            Self::Identify => true,
            Self::State | Self::Limiter | Self::Consumers | Self::Outbound => false,
        }
    }
}

/// Where a plugin's own requests may go, and how long it may wait.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// Names of upstreams.
    pub upstreams: Vec<String>,
    /// Each once.
    pub origins: Vec<OutboundOrigin>,
    /// Addresses that origins may have although they are special.
    pub networks: Vec<IpNet>,
    /// For all that one call of a hook waits.
    pub timeout: Duration,
    /// Bytes of the body of one request, and of one response; not above `PluginLimits::memory`.
    pub max_body: usize,
}

/// An origin, and the upstream that stands for it: of this plugin alone, with one endpoint.
#[derive(Clone, Debug)]
pub struct OutboundOrigin {
    pub origin: Origin,
    /// Its name, which has the plugin's scope in it, is no other upstream's.
    pub upstream: Upstream,
}

/// What a plugin may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginLimits {
    /// CPU time of one hook call.
    pub deadline: Duration,
    /// Time on the clock of one hook call, without what it waits for answers; not below `deadline`.
    pub wall: Duration,
    /// Bytes of linear memory; not above `SandboxLimits::memory`.
    pub memory: u64,
    /// Instances of one worker.
    pub instances: usize,
    /// Requests of one worker that wait for an instance.
    pub queue: usize,
    /// Calls after which an instance is replaced.
    pub calls: u64,
    /// Bytes of a body that it is given, or gives back, at once; not above `memory`.
    pub max_body: usize,
    pub over_limit: OverLimit,
    /// How many times as long a body may become when it is decoded.
    pub max_ratio: u32,
}

impl PluginLimits {
    /// `max_ratio` where nothing is said.
    pub(in crate::config) const USUAL_RATIO: u32 = 100;
}

/// What becomes of a body that is longer than a plugin takes, and of what has no end (gRPC, event streams, tunnels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverLimit {
    Reject,
    /// It passes, and the plugin does not see it.
    Stream,
}

/// What becomes of an exchange when a hook fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    Reject,
    Skip,
}

/// Who shares an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// One exchange after the other.
    Reuse,
    /// Nobody: each exchange has a fresh one.
    Request,
}

/// What a plugin's `configure` gets.
#[derive(Clone)]
pub struct PluginConfig {
    json: String,
    places: Places,
    /// What interpolations put in, longest first.
    secrets: Vec<Secret>,
}

impl PluginConfig {
    pub(in crate::config) fn new(json: String, places: Places, mut secrets: Vec<Secret>) -> Self {
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.reveal().len()));
        Self { json, places, secrets }
    }

    /// The config as a JSON object. May hold secrets: for the plugin only.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Where the value is written that a JSON Pointer (RFC 6901) names. One that names nothing gets
    /// the place of its nearest ancestor, and a config that is not written at all the entry's.
    pub fn locate(&self, pointer: &str) -> Place {
        self.places.locate(pointer).clone()
    }

    /// Whether what a JSON Pointer names came from an interpolation, wholly or in part: what a plugin says of it may
    /// have any piece of it in it.
    pub fn is_secret(&self, pointer: &str) -> bool {
        self.places.nearest(pointer).secret
    }

    /// The text, a problem that the plugin reports for instance, without what interpolations put
    /// into the config, and without longer pieces of it.
    pub fn mask(&self, text: &str) -> String {
        let mut masked = self.mask_whole(text);
        let is_part = |char: char| char.is_alphanumeric() || matches!(char, '-' | '_' | '.');
        let words: Vec<String> = masked.split(|char| !is_part(char)).map(str::to_owned).collect();
        for word in words.iter().filter(|word| word.len() >= SHORTEST_PIECE && *word != "redacted") {
            if self.secrets.iter().any(|secret| secret.reveal().contains(word.as_str())) {
                masked = masked.replace(word.as_str(), Secret::REDACTED);
            }
        }
        masked
    }

    fn mask_whole(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.secrets {
            let plain = secret.reveal();
            if plain.is_empty() {
                continue;
            }
            // A plugin may quote with escapes.
            let quoted = serde_json::Value::from(plain).to_string();
            masked = masked.replace(plain, Secret::REDACTED);
            masked = masked.replace(&quoted[1..quoted.len() - 1], Secret::REDACTED);
        }
        masked
    }
}

/// Bytes of a word that is looked for in secrets: shorter ones are words of a language more often than not.
const SHORTEST_PIECE: usize = 4;

/// Equal when the plugin would see the same; places do not count.
impl PartialEq for PluginConfig {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for PluginConfig {}

impl fmt::Debug for PluginConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = if self.secrets.is_empty() { &self.json } else { Secret::REDACTED };
        f.debug_tuple("PluginConfig").field(&json).finish()
    }
}

/// Where a value and everything in it is written.
#[derive(Clone)]
pub(in crate::config) struct Places {
    pub(in crate::config) place: Place,
    /// Whether it is a string in which something was put.
    pub(in crate::config) secret: bool,
    pub(in crate::config) members: Members,
}

/// What a value has in it.
#[derive(Clone)]
pub(in crate::config) enum Members {
    None,
    List(Vec<Places>),
    Table(BTreeMap<String, Places>),
}

impl Places {
    fn locate(&self, pointer: &str) -> &Place {
        &self.nearest(pointer).place
    }

    fn nearest(&self, pointer: &str) -> &Self {
        let mut nearest = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let member = match &nearest.members {
                Members::None => None,
                Members::List(list) => token.parse().ok().and_then(|index: usize| list.get(index)),
                Members::Table(table) => table.get(&token),
            };
            match member {
                Some(member) => nearest = member,
                None => break,
            }
        }
        nearest
    }
}
