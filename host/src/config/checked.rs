//! The checked form: what the rest of the gateway works with. Its types cannot hold a config that
//! is wrong in itself: names are resolved to indexes, text to durations, sizes and addresses.
//!
//! It must not know how a config is written down (`form`) nor how it is checked (`check`).

mod destination;
mod plugin;
mod route;
mod split;
mod tls;
mod upstream;
mod upstream_health;

pub use destination::{Destination, Mirror, Origin, QueryPart, Redirect, Respond};
pub use plugin::{
    Grant, Isolation, OnError, Outbound, OutboundOrigin, OverLimit, Plugin, PluginConfig, PluginLimits, Source,
};
pub(super) use plugin::{Members, Places};
pub use route::{Compress, Path, PathTemplate, Route, RouteTimeout, TemplatePart};
pub use split::Split;
pub use tls::{Certificate, ClientCertificates, NamedFile, Tls, UpstreamTls};
pub use upstream::{
    Address, Balancer, Endpoint, HashKey, KeepAlive, Protocol, Retry, RetryOn, SameSite, StickyCookie, Upstream,
    UpstreamLimit, UpstreamTimeout,
};
pub use upstream_health::{Ejection, Health, HealthQuestion};

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::{Place, Secret};
use crate::listener;
use crate::wire::headers::Aliases;
use crate::wire::peer::Peers;

/// A whole config without a problem in it.
#[derive(Debug)]
pub struct Config {
    pub gateway: Gateway,
    /// At least one; no two with the same address (port 0 excepted).
    pub listeners: Vec<Listener>,
    /// Names are unique.
    pub upstreams: Vec<Upstream>,
    /// Names are unique, and no credential belongs to two.
    pub consumers: Vec<Consumer>,
    /// Every configured plugin once: named ones, bundled ones that an entry names directly, and
    /// every inline entry. Scopes are unique. Some may be in no chain.
    pub plugins: Vec<Plugin>,
    /// At least one; names are unique, in file order.
    pub routes: Vec<Route>,
    /// Every file that was read: the config, what it includes, and `${file:..}` secrets. Watch them.
    pub files: Vec<PathBuf>,
    /// The folders in which an `include` with a `*` looks: a new file there may belong to it.
    pub folders: Vec<PathBuf>,
}

impl Config {
    /// Those that are written, and behind them those that stand for origins of plugins, in the order of the plugins.
    pub fn all_upstreams(&self) -> Vec<Upstream> {
        let origins = self.plugins.iter().filter_map(|plugin| plugin.outbound.as_ref()).flat_map(|it| &it.origins);
        self.upstreams.iter().cloned().chain(origins.map(|origin| origin.upstream.clone())).collect()
    }
}

/// What holds for the whole gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// `None`: one for each core. Read at start-up only.
    pub workers: Option<NonZeroUsize>,
    /// Where the admin listener is, always a loopback address; `None`: off. Read at start-up only.
    pub admin: Option<SocketAddr>,
    /// How long running exchanges may take to finish after SIGTERM.
    pub shutdown_timeout: Duration,
    /// Whose `Forwarded` and `X-Forwarded-*` are believed.
    pub trusted_proxies: Peers,
    /// What becomes of clients' headers with `_` or `.` in their names.
    pub alias_headers: Aliases,
    pub dns: Dns,
    pub state: StateLimits,
    pub limiter: LimiterLimits,
    pub bodies: BodyLimits,
    pub sandbox: SandboxLimits,
    pub log: Log,
}

/// How the names of endpoints are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// None: those of `/etc/resolv.conf`.
    pub servers: Vec<SocketAddr>,
    /// Not above `max_ttl`.
    pub min_ttl: Duration,
    pub max_ttl: Duration,
    /// For one lookup, whichever servers are asked.
    pub timeout: Duration,
}

/// What may be kept of bodies for plugins that want them whole, over all exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyLimits {
    pub max_bytes: usize,
}

/// What plugins may keep in `state`, all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateLimits {
    pub max_entries: usize,
    pub max_bytes: u64,
}

/// What plugins may keep in `limiter`, all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimiterLimits {
    pub max_entries: usize,
}

/// The slots of the pooling allocator. Read at start-up only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SandboxLimits {
    /// Instances alive at once, of all plugins on all workers.
    pub instances: u32,
    /// Bytes of linear memory of one instance; no plugin's limit is higher.
    pub memory: u64,
}

/// What is logged, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
    /// One line for each request.
    pub access: bool,
}

/// The least serious level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

/// An address that is accepted on.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Unique.
    pub name: Option<String>,
    pub address: listener::Address,
    /// Permissions of a Unix socket's file.
    pub mode: u32,
    pub protocols: Protocols,
    /// `None`: plain connections.
    pub tls: Option<Tls>,
    /// Whose connections begin with the PROXY protocol.
    pub proxy_protocol: Peers,
    /// Open ones, on all workers together.
    pub connections: listener::ConnectionLimits,
    pub limits: listener::ClientLimits,
    /// Where its address is written.
    pub place: Place,
}

/// What is spoken on a listener; at least one is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols {
    pub http1: bool,
    /// With prior knowledge; over TLS by ALPN.
    pub http2: bool,
}

/// An authenticated caller known to the gateway.
#[derive(Clone, Debug)]
pub struct Consumer {
    pub name: String,
    pub groups: Vec<String>,
    pub credentials: Vec<Credential>,
    pub place: Place,
}

/// By what a consumer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Kind `key`: a secret without a public id.
    Key(Secret),
}
