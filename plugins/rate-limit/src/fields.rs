//! What a client is told: the fields of draft-ietf-httpapi-ratelimit-headers-11 and `Retry-After`
//! (RFC 9110, section 10.2.3).
//!
//! ```text
//! RateLimit-Policy: "second";q=100;w=1, "day";q=10000;w=86400
//! RateLimit: "second";r=99;t=1, "day";r=9214;t=6791
//! ```

use std::fmt::Write;
use tollgate_plugin_sdk::limiter::{Decision, Standing};
use tollgate_plugin_sdk::prelude::*;

pub const POLICY: &str = "ratelimit-policy";
pub const STANDING: &str = "ratelimit";
pub const RETRY_AFTER: &str = "retry-after";

/// The most that an integer of a structured field can say (RFC 9651, section 3.3.1).
const MOST: u64 = 999_999_999_999_999;

/// How the quotas are named to clients.
pub struct Fields {
    /// In the order of the quotas.
    names: Vec<String>,
    policy: HeaderValue,
}

impl Fields {
    /// The quotas: name, limit and window of each. The names need no escapes.
    pub fn new<'a>(quotas: impl Iterator<Item = (&'a str, u64, Duration)> + Clone) -> Self {
        let policy = list(quotas.clone(), |item, (name, limit, window)| {
            write!(item, "\"{name}\";q={}", limit.min(MOST))?;
            // Only whole seconds can be said.
            match (window.subsec_nanos(), window.as_secs()) {
                (0, seconds @ 1..) => write!(item, ";w={}", seconds.min(MOST)),
                _ => Ok(()),
            }
        });
        // A bad name is a problem of the configuration, reported where it stands.
        let policy = policy.parse().unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { names: quotas.map(|(name, ..)| name.to_owned()).collect(), policy }
    }

    /// `RateLimit-Policy`: what the quotas are.
    pub fn policy(&self) -> &HeaderValue {
        &self.policy
    }

    /// `RateLimit`: what is left of them (`r`), and for how many seconds that has to do (`t`): until
    /// the quota is whole, or until it lets pass what it just refused.
    ///
    /// Made for every request that passes, so without the machinery of `format!`, which takes ten times as long.
    pub fn standing(&self, decision: &Decision) -> String {
        let mut list = String::with_capacity(32 * self.names.len());
        for (name, standing) in self.names.iter().zip(decision.standings()) {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push('"');
            list.push_str(name);
            list.push_str("\";r=");
            list.push_str(itoa::Buffer::new().format(standing.remaining.min(MOST)));
            let until = if has_passed(standing) { standing.reset } else { standing.retry_after };
            if let Some(seconds) = wait(until) {
                list.push_str(";t=");
                list.push_str(itoa::Buffer::new().format(seconds));
            }
        }
        list
    }

    /// Which quotas have refused.
    pub fn exceeded(&self, decision: &Decision) -> String {
        let refused = self.names.iter().zip(decision.standings()).filter(|(_, standing)| !has_passed(standing));
        format!("exceeded: {}", list(refused, |item, (name, _)| item.write_str(name)))
    }
}

/// Whole seconds, rounded up, so that who waits so long does not come too early; none for never.
pub fn wait(duration: std::time::Duration) -> Option<u64> {
    const NEVER: std::time::Duration = std::time::Duration::from_millis(u64::MAX);
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    (duration < NEVER).then_some(seconds.min(MOST))
}

fn has_passed(standing: &Standing) -> bool {
    standing.retry_after.is_zero()
}

fn list<T>(items: impl Iterator<Item = T>, write: impl Fn(&mut String, T) -> std::fmt::Result) -> String {
    let mut list = String::new();
    for item in items {
        if !list.is_empty() {
            list.push_str(", ");
        }
        write(&mut list, item).expect("a string takes all that is written to it");
    }
    list
}
