//! The back end of a component: the SDK's types to and from the contract's.
//!
//! All that the rest of the SDK knows of the contract's form stands here and in `export`.

use super::bindings::imports::tollgate::plugin as contract;
use crate::edit::Edit;
use crate::{Action, Origin};

pub(crate) use contract::consumers::Consumer;
pub(crate) use contract::log_entry::Entry;

/// The request of the exchange that this call serves.
pub(crate) mod request {
    use super::contract;
    pub(crate) use contract::request::{
        authority, client_address, consumer, header, id, method, note, param, path, query, route,
        scheme, upstream,
    };

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        super::fields(contract::request::headers())
    }
}

/// The response of the exchange that this call serves.
pub(crate) mod response {
    use super::{Origin, contract};
    pub(crate) use contract::response::{header, status};
    use contract::response::ResponseOrigin;

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        super::fields(contract::response::headers())
    }

    pub(crate) fn origin() -> Origin {
        match contract::response::origin() {
            ResponseOrigin::Upstream => Origin::Upstream,
            ResponseOrigin::Plugin(name) => Origin::Plugin(name),
            ResponseOrigin::Gateway(reason) => Origin::Gateway(reason),
        }
    }
}

pub(crate) mod setup {
    pub(crate) use super::contract::setup::{own_header, read_header, read_response_header};
}

pub(crate) mod state {
    pub(crate) use super::contract::state::{add, compare_and_swap, delete, get, set};
}

pub(crate) mod consumers {
    pub(crate) use super::contract::consumers::{find, verify};
    pub(crate) use super::contract::identity::identify;
}

pub(crate) mod limiter {
    use super::contract::limiter;
    use crate::limiter::{Algorithm, Decision, Quota, Standing};
    use std::time::Duration;

    pub(crate) fn acquire(key: &str, quotas: &[Quota], cost: u64) -> Decision {
        let quotas: Vec<limiter::Quota> = quotas.iter().map(quota).collect();
        let decision = limiter::acquire(key, &quotas, cost);
        Decision {
            allowed: decision.allowed,
            standings: decision.standings.iter().map(standing).collect(),
        }
    }

    fn quota(quota: &Quota) -> limiter::Quota {
        limiter::Quota {
            limit: quota.limit,
            window: quota.window,
            burst: quota.burst,
            algorithm: match quota.algorithm {
                Algorithm::TokenBucket => limiter::Algorithm::TokenBucket,
                Algorithm::SlidingWindow => limiter::Algorithm::SlidingWindow,
            },
        }
    }

    fn standing(standing: &limiter::Standing) -> Standing {
        Standing {
            remaining: standing.remaining,
            reset: Duration::from_millis(standing.reset),
            retry_after: Duration::from_millis(standing.retry_after),
        }
    }
}

pub(crate) mod log {
    use super::contract;
    use crate::log::Level;

    pub(crate) fn log(level: Level, line: &str) {
        let level = match level {
            Level::Trace => contract::log::Level::Trace,
            Level::Debug => contract::log::Level::Debug,
            Level::Info => contract::log::Level::Info,
            Level::Warn => contract::log::Level::Warn,
            Level::Error => contract::log::Level::Error,
        };
        contract::log::log(level, line);
    }
}

pub(crate) mod clock {
    use std::time::SystemTime;

    pub(crate) fn now() -> u64 {
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// What a hook answers, in the contract's form.
pub(super) fn answer(edits: Vec<Edit>, action: Action) -> contract::http::Answer {
    contract::http::Answer {
        edits: edits.into_iter().map(edit).collect(),
        action: match action {
            Action::Next => contract::http::Action::Next,
            Action::Reply(reply) => {
                let (status, headers, body) = reply.into_parts();
                let headers = headers.into_iter();
                contract::http::Action::Reply(contract::http::Reply {
                    status: status.as_u16(),
                    headers: headers.map(|(name, value)| header(&name, &value)).collect(),
                    body,
                })
            }
        },
    }
}

fn edit(edit: Edit) -> contract::http::Edit {
    use contract::http::Edit as Out;
    match edit {
        Edit::SetHeader(name, value) => Out::SetHeader(header(&name, &value)),
        Edit::AppendHeader(name, value) => Out::AppendHeader(header(&name, &value)),
        Edit::RemoveHeader(name) => Out::RemoveHeader(name.as_str().to_owned()),
        Edit::SetMethod(method) => Out::SetMethod(method.as_str().to_owned()),
        Edit::SetPath(path) => Out::SetPath(path),
        Edit::SetQuery(query) => Out::SetQuery(query),
        Edit::Steer(upstream) => Out::Steer(upstream),
        Edit::SetStatus(status) => Out::SetStatus(status.as_u16()),
        Edit::SetNote(key, value) => Out::SetNote(contract::http::Note { key, value }),
    }
}

fn header(name: &http::HeaderName, value: &http::HeaderValue) -> contract::http::Header {
    contract::http::Header {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_owned(),
    }
}

fn fields(headers: Vec<contract::http::Header>) -> Vec<(String, Vec<u8>)> {
    headers.into_iter().map(|header| (header.name, header.value)).collect()
}
