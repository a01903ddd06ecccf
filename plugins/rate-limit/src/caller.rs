//! Whose quota a request is charged to.

use serde::Deserialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use tollgate_plugin_sdk::limiter::Decision;
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
    /// Charges the cost to the caller's quotas.
    pub fn acquire(&self, request: &Request, quotas: &[Quota], cost: u64) -> Decision {
        let client = Subject::Client { ipv6_prefix: self.ipv6_prefix };
        let subject = match &self.by {
            By::Consumer => Subject::Caller { ipv6_prefix: self.ipv6_prefix },
            By::Address => client,
            By::Route => Subject::Route,
            By::Header(name) => match request.header(name) {
                Some(value) => {
                    // A hash, as the value may be long, a secret, or no text.
                    let key = format!("{:x}", hash(value.as_bytes()));
                    return limiter::acquire(Subject::Plugin, &key, quotas, cost);
                }
                None => client,
            },
        };
        limiter::acquire(subject, "", quotas, cost)
    }
}

fn hash(value: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
