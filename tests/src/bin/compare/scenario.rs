//! What is compared: who proxies, and through which policies.

use clap::ValueEnum;

/// One line of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// nginx, only proxying.
    Nginx,
    /// nginx with the chain of four in Lua.
    NginxLua,
    /// HAProxy, only proxying.
    #[value(name = "haproxy")]
    HaProxy,
    /// Caddy, only proxying.
    Caddy,
    /// Traefik, only proxying.
    Traefik,
    /// Traefik with an http-wasm plugin that sets one request header.
    TraefikWasm,
    /// PlectoProxy, only proxying.
    #[value(name = "plecto-0")]
    Plecto,
    /// PlectoProxy with a filter that does what key-auth does.
    #[value(name = "plecto-1")]
    PlectoKeyAuth,
    /// PlectoProxy with four filters that do what the chain of four does.
    #[value(name = "plecto-4")]
    PlectoChain,
    /// Tollgate without plugins.
    #[value(name = "tollgate-0")]
    Bare,
    /// Tollgate with key-auth over 1,000 consumers.
    #[value(name = "tollgate-1")]
    KeyAuth,
    /// Tollgate with key-auth, rate-limit, circuit-breaker and transform.
    #[value(name = "tollgate-4")]
    Chain,
}

/// What becomes of a request's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestId {
    /// A new one, which the upstream and the client see.
    Made,
    /// The upstream sees none.
    Dropped,
    /// The upstream sees what the client said.
    Kept,
}

impl Scenario {
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxLua => "nginx + Lua",
            Self::HaProxy => "HAProxy",
            Self::Caddy => "Caddy",
            Self::Traefik => "Traefik",
            Self::TraefikWasm => "Traefik + http-wasm",
            Self::Plecto => "PlectoProxy, no filter",
            Self::PlectoKeyAuth => "PlectoProxy, key-auth",
            Self::PlectoChain => "PlectoProxy, four filters",
            Self::Bare => "Tollgate, no plugin",
            Self::KeyAuth => "Tollgate, key-auth",
            Self::Chain => "Tollgate, chain of four",
        }
    }

    /// The name of `--only` and of the JSON.
    pub fn id(self) -> String {
        self.to_possible_value().expect("no scenario is hidden").get_name().to_owned()
    }

    pub fn is_tollgate(self) -> bool {
        matches!(self, Self::Bare | Self::KeyAuth | Self::Chain)
    }

    /// Whether callers have to show a key.
    pub fn authenticates(self) -> bool {
        self.has_chain() || matches!(self, Self::PlectoKeyAuth | Self::KeyAuth)
    }

    /// Whether all four policies run.
    pub fn has_chain(self) -> bool {
        matches!(self, Self::NginxLua | Self::PlectoChain | Self::Chain)
    }

    /// Whether the request header `x-edited` is set.
    pub fn edits(self) -> bool {
        self.has_chain() || self == Self::TraefikWasm
    }

    pub fn request_id(self) -> RequestId {
        match self {
            Self::Traefik | Self::TraefikWasm => RequestId::Dropped,
            Self::Plecto | Self::PlectoKeyAuth | Self::PlectoChain => RequestId::Kept,
            _ => RequestId::Made,
        }
    }

    /// Whether the upstream is told `Via` and `X-Forwarded-Host`.
    pub fn tells_its_part(self) -> bool {
        !matches!(self, Self::Plecto | Self::PlectoKeyAuth | Self::PlectoChain)
    }

    /// In what its work differs from the others', although it is set up to do the same.
    pub fn differs(self) -> Option<&'static str> {
        match self {
            Self::Traefik => Some("makes no request id, in neither direction: it has no middleware for it"),
            Self::TraefikWasm => Some(
                "makes no request id either; its plugin is the cheapest there can be, hand-written in WebAssembly text, \
                 and sets one request header",
            ),
            Self::Plecto => Some(
                "makes no request id and tells neither `Via` nor `X-Forwarded-Host`, but a `traceparent` and `X-Real-IP`; \
                 keeps 32 idle connections to the upstream, which is no setting, so that with more clients many requests \
                 open one",
            ),
            Self::PlectoKeyAuth | Self::PlectoChain => Some(
                "is as without filters, which run on threads beside the one worker; keeps keys unhashed and counts in token \
                 buckets: cheaper in kind than Tollgate's",
            ),
            Self::NginxLua => Some("keeps keys unhashed and counts in a fixed window: cheaper in kind than Tollgate's"),
            _ => None,
        }
    }
}
