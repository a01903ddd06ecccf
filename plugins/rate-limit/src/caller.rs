//! Whose quota a request is charged to.

use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::Ipv6Addr;
use tollgate_plugin_sdk::prelude::*;

/// How callers are told apart.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The consumer; before anyone is identified, the client's address.
    Consumer,
    Address,
    /// The value of a header; without it, the client's address.
    Header(config::HeaderName),
    /// Nobody: all callers of the route share the quotas.
    Route,
}

pub struct Caller {
    pub by: By,
    /// Bits of an IPv6 address that make one caller: 1 to 128.
    pub ipv6_prefix: u8,
}

impl Caller {
    /// The key that the gateway counts under. Each kind has a letter, so that no header can be
    /// another's address.
    pub fn key(&self, request: &Request) -> String {
        let key = match &self.by {
            By::Consumer => request.consumer().map(|consumer| ["c:", consumer.name()].concat()),
            // A hash, as the value may be long, a secret, or no text.
            By::Header(name) => request.header(name).map(|value| format!("h:{:x}", hash(value.as_bytes()))),
            By::Route => Some(format!("r:{}", request.route())),
            By::Address => None,
        };
        key.unwrap_or_else(|| self.network(request.client_address()))
    }

    /// An IPv4 address, or the network of an IPv6 address.
    fn network(&self, address: &str) -> String {
        // One of IPv4 is its own key.
        let Some(ip) = address.contains(':').then(|| address.parse::<Ipv6Addr>().ok()).flatten() else {
            return ["a:", address].concat();
        };
        if let Some(ip) = ip.to_ipv4_mapped() {
            return format!("a:{ip}");
        }
        let network = u128::from(ip) >> (128 - u32::from(self.ipv6_prefix));
        format!("a:{network:x}/{}", self.ipv6_prefix)
    }
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
