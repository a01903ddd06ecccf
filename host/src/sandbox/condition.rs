//! What a plugin has said makes a call of a hook worth it, so that a call that would do nothing is not made.

use std::ops::RangeInclusive;
use std::time::Instant;

use super::bindings::subjects::Subject as Of;
use super::host::Identity;
use crate::exchange::Exchange;
use crate::state::Subject;

/// One of several, of which one has to hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// The plugin keeps an entry of `state` under this key.
    Kept(Whose, Box<str>),
    /// The response has such a status.
    Status(RangeInclusive<u16>),
}

/// A subject as a guest names it: of any exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Plugin,
    Route,
    Upstream,
    /// With the first bits of an IPv6 address that make a client.
    Caller(u8),
    Client(u8),
}

impl Condition {
    pub(super) fn holds(&self, plugin: &Identity, exchange: &Exchange, now: Instant) -> bool {
        match self {
            Self::Status(range) => {
                exchange.response.as_ref().is_some_and(|response| range.contains(&response.status.as_u16()))
            }
            Self::Kept(whose, key) => {
                let mut name = String::new();
                // A key that is too long was refused when it was declared.
                let is_name = whose.of(exchange).name_entry(key, &mut name).is_ok();
                let state = &plugin.state;
                is_name && state.store.has(&plugin.scope, &name, state.clock.at(now))
            }
        }
    }
}

impl Whose {
    /// Who it is in this exchange.
    pub(super) fn of(self, exchange: &Exchange) -> Subject<'_> {
        match self {
            Self::Plugin => Subject::Plugin,
            Self::Route => Subject::Route(exchange.route_name()),
            Self::Upstream => Subject::Upstream(exchange.upstream_name()),
            Self::Client(bits) => Subject::Client(exchange.client, bits),
            Self::Caller(bits) => match exchange.caller() {
                Some(consumer) => Subject::Consumer(&consumer.name),
                None => Subject::Client(exchange.client, bits),
            },
        }
    }
}

impl From<Of> for Whose {
    fn from(of: Of) -> Self {
        match of {
            Of::Plugin => Self::Plugin,
            Of::Route => Self::Route,
            Of::Upstream => Self::Upstream,
            Of::Caller(bits) => Self::Caller(bits),
            Of::Client(bits) => Self::Client(bits),
        }
    }
}
