//! `[gateway]`, `[[listener]]` and `[[consumer]]` as they are written.

use std::net::SocketAddr;
use std::time::Duration;

use super::ChainEntry;
use crate::config::checked::{LogFormat, LogLevel};
use crate::config::node::Text;
use crate::config::read::{Placed, form, words};
use crate::config::values::{FileMode, GIB, KIB, MIB, NameServer, Network, OrOff, Size, Where, Whole};
use crate::wire::headers::{Aliases, MOST_RECEIVED};

form! {
    /// What holds for the whole gateway.
    struct Gateway {
        /// Threads that serve requests; 0: one for each core. Read at start-up only.
        preset workers: Whole<0, 1024> = 0,
        /// Where the admin listener is, a loopback address, or `off`. Read at start-up only.
        preset admin: Placed<OrOff<SocketAddr>> = "127.0.0.1:9901",
        /// How long running exchanges may take to finish after SIGTERM.
        preset shutdown_timeout: Duration = "30s",
        /// Networks whose `Forwarded` and `X-Forwarded-*` headers are believed; `unix`: peers on Unix sockets.
        preset trusted_proxies: Vec<Network> = [],
        /// What becomes of clients' headers with `_` or `.` in their names, which some upstreams take for `-`.
        preset alias_headers: Aliases = "drop",
        /// Plugins that run first on every route, in this order. A route's entry with the same name replaces one.
        preset plugins: Vec<ChainEntry> = [],
        /// How the names of endpoints are looked up.
        table dns: Dns,
        /// What plugins may keep in `state`, all of them together.
        table state: State,
        /// What plugins may keep in `limiter`, all of them together.
        table limiter: Limiter,
        /// What may be kept of bodies for plugins that want them whole.
        table bodies: Bodies,
        /// Room for plugin instances. Read at start-up only.
        table sandbox: Sandbox,
        /// What is logged, and how.
        table log: Log,
    }
}

form! {
    /// How the names of endpoints are looked up.
    struct Dns {
        /// Name servers, with a port if it is not 53; [] are those of `/etc/resolv.conf`.
        preset servers: Vec<NameServer> = [],
        /// How long an answer is good at least, and how soon a lookup that failed is tried again.
        preset min_ttl: Placed<Duration> = "1s",
        /// How long an answer is good at most.
        preset max_ttl: Duration = "5m",
        /// For one lookup, whichever servers are asked.
        preset timeout: Duration = "2s",
    }
}

form! {
    /// What plugins may keep in `state`, all of them together.
    struct State {
        /// Entries.
        preset max_entries: Whole<1, 1_000_000_000> = 100000,
        /// Bytes of keys and values.
        preset max_bytes: Size<KIB> = "64MiB",
    }
}

form! {
    /// What plugins may keep in `limiter`, all of them together.
    struct Limiter {
        /// Keys that are counted.
        preset max_entries: Whole<1, 1_000_000_000> = 100000,
    }
}

form! {
    /// What may be kept of bodies for plugins that want them whole.
    struct Bodies {
        /// Of all exchanges at once.
        preset max_bytes: Size<KIB> = "256MiB",
    }
}

form! {
    /// Room for plugin instances. Read at start-up only.
    struct Sandbox {
        /// Instances alive at once, of all plugins on all workers.
        preset instances: Whole<1, 100_000> = 1000,
        /// Memory of one instance; no plugin's `limits.memory` is higher.
        preset memory: Placed<Size<MIB, { 4 * GIB }>> = "64MiB",
    }
}

form! {
    /// What is logged, and how.
    struct Log {
        /// The least serious level.
        preset level: LogLevel = "info",
        /// `auto`: text on a terminal, JSON otherwise.
        preset format: LogFormat = "auto",
        /// One line for each request.
        preset access: bool = true,
    }
}

words! {
    Aliases {
        "drop" = Aliases::Drop,
        "keep" = Aliases::Keep,
    }
    LogLevel {
        "error" = LogLevel::Error,
        "warn" = LogLevel::Warn,
        "info" = LogLevel::Info,
        "debug" = LogLevel::Debug,
        "trace" = LogLevel::Trace,
    }
    LogFormat {
        "auto" = LogFormat::Auto,
        "text" = LogFormat::Text,
        "json" = LogFormat::Json,
    }
}

form! {
    /// An address that is accepted on.
    struct Listener as "listener" {
        /// By which routes ask for it. Unique.
        optional name: Text,
        /// IP address and port, or `unix:` and the path of a Unix socket, seen from the file that says it.
        required address: Placed<Where>,
        /// Permissions of a Unix socket's file; `0660` if nothing is said. Who may write may connect.
        optional mode: Placed<FileMode>,
        /// What is spoken; without TLS `http2` is with prior knowledge.
        preset protocols: Placed<Vec<ProtocolWord>> = ["http1", "http2"],
        /// TLS instead of plain connections. Which protocol is spoken is agreed on by ALPN.
        optional tls: Placed<Tls>,
        /// Networks whose connections begin with the PROXY protocol; `unix`: peers on Unix sockets.
        preset proxy_protocol: Vec<Placed<Network>> = [],
        /// What a client may take.
        table limits: ListenerLimits,
    }
}

form! {
    /// What a client may take of a listener.
    struct ListenerLimits {
        /// Open connections, on all workers together; 0: no limit.
        preset connections: Whole<0, 1_000_000> = 10000,
        /// Open connections of one IPv4 address, or of one IPv6 network of 64 bits; 0: no limit.
        preset connections_per_address: Whole<0, 1_000_000> = 0,
        /// From the first byte of a request to the end of its headers.
        preset header_timeout: Duration = "10s",
        /// From the accept to the end of the TLS handshake.
        preset handshake_timeout: Duration = "10s",
        /// Between two requests of one connection.
        preset idle_timeout: Duration = "60s",
        /// Between two pieces of a request's body.
        preset body_timeout: Duration = "30s",
        /// How long a client may not read what is written to it.
        preset write_timeout: Duration = "60s",
        /// Bytes a second below which a body does not come and a client does not read, over the time of these two
        /// timeouts; 0: any byte counts.
        preset min_rate: Size<0, MIB> = "100B",
        /// Between two pieces of a tunnel (WebSocket), whichever way they go.
        preset tunnel_idle_timeout: Duration = "1h",
        /// Requests of one connection; 0: no limit.
        preset requests: Whole<0, 1_000_000_000> = 10000,
        /// Bytes of a request's target.
        preset target_bytes: Size<KIB, { 63 * KIB }> = "8KiB",
        /// Header fields of one request.
        preset headers: Whole<1, { MOST_RECEIVED as i64 }> = 100,
        /// Bytes of one request's line and headers.
        preset header_bytes: Size<{ 8 * KIB }, { 16 * MIB }> = "64KiB",
        /// Requests that an HTTP/2 connection may have open at once.
        preset streams: Whole<1, 10_000> = 128,
    }
}

form! {
    /// With which certificates a listener speaks TLS: one as `cert` and `key`, or several as `certificates`.
    struct Tls {
        /// PEM file with the certificate, and behind it those that lead to its issuer.
        optional cert: Text,
        /// PEM file with the private key of `cert`.
        optional key: Text,
        /// Several, chosen by the name that the client asks for; the first is for all other names.
        preset certificates: Vec<Certificate> = [],
        /// What clients must show.
        optional client: ClientCertificates,
    }
}

form! {
    /// A certificate with its key.
    struct Certificate {
        /// PEM file with the certificate, and behind it those that lead to its issuer.
        required cert: Text,
        /// PEM file with its private key.
        required key: Text,
    }
}

form! {
    /// Which certificates of clients are accepted.
    struct ClientCertificates {
        /// Whether clients without one are served.
        preset certificate: Presence = "required",
        /// PEM file with the certificates of those who issue them.
        required ca: Text,
        /// PEM files with revocation lists.
        preset crls: Vec<Text> = [],
    }
}

/// Whether something must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Presence {
    Required,
    Optional,
}

words! {
    Presence {
        "required" = Presence::Required,
        "optional" = Presence::Optional,
    }
}

/// What is spoken on a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum ProtocolWord {
    Http1,
    Http2,
}

words! {
    ProtocolWord {
        "http1" = ProtocolWord::Http1,
        "http2" = ProtocolWord::Http2,
    }
}

form! {
    /// An authenticated caller known to the gateway.
    struct Consumer as "consumer" {
        /// Unique.
        required name: Text,
        /// What plugins and upstreams may tell callers apart by.
        preset groups: Vec<Text> = [],
        /// By what the caller is known.
        preset credentials: Vec<Credential> = [],
    }
}

form! {
    /// By what a consumer is known.
    struct Credential {
        /// An API key. Write it as `${env:NAME}` or `${file:path}`.
        required key: Text,
    }
}
