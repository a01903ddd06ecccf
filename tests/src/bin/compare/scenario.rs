//! What is compared: who proxies, and through which policies.

use clap::ValueEnum;

/// One column of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// nginx, only proxying.
    Nginx,
    /// nginx with the chain of four in Lua.
    NginxLua,
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

impl Scenario {
    pub fn all() -> &'static [Self] {
        Self::value_variants()
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxLua => "nginx + Lua",
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
        !matches!(self, Self::Nginx | Self::NginxLua)
    }

    /// Whether callers have to show a key.
    pub fn authenticates(self) -> bool {
        matches!(self, Self::NginxLua | Self::KeyAuth | Self::Chain)
    }

    /// Whether all four policies run.
    pub fn has_chain(self) -> bool {
        matches!(self, Self::NginxLua | Self::Chain)
    }
}
