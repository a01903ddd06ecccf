//! The back end of a component: the SDK's types to and from the contract's.
//!
//! All that the rest of the SDK knows of the contract's form stands here, in `outbound` and in `export`.

pub(crate) mod outbound;

use super::bindings::imports::tollgate::plugin as contract;
use crate::header::{HeaderError, SeveralValues};
use crate::request::WriteError;
use crate::{Action, ChunkAction, Origin};

/// The request of the exchange that this call serves.
pub(crate) mod request {
    use super::{HeaderError, SeveralValues, WriteError, contract, fields, header_error, write_error};
    pub(crate) use contract::request::{
        authority, client_address, consumer, consumer_groups, header, header_values, id, method, note, param, path,
        query, route, scheme, upstream,
    };

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        fields(contract::request::headers())
    }

    pub(crate) fn single_header(name: &str) -> Result<Option<Vec<u8>>, SeveralValues> {
        contract::request::single_header(name).map_err(|()| SeveralValues)
    }

    pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        contract::request::set_header(name, value).map_err(header_error)
    }

    pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        contract::request::append_header(name, value).map_err(header_error)
    }

    pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
        contract::request::remove_header(name).map_err(header_error)
    }

    pub(crate) fn set_method(method: &str) -> Result<(), WriteError> {
        contract::request::set_method(method).map_err(write_error)
    }

    pub(crate) fn set_path(path: &str) -> Result<(), WriteError> {
        contract::request::set_path(path).map_err(write_error)
    }

    pub(crate) fn set_query(query: Option<&str>) -> Result<(), WriteError> {
        contract::request::set_query(query).map_err(write_error)
    }

    pub(crate) fn steer(upstream: &str) -> Result<(), WriteError> {
        contract::request::steer(upstream).map_err(write_error)
    }

    pub(crate) fn set_note(key: &str, value: &[u8]) -> Result<(), WriteError> {
        contract::request::set_note(key, value).map_err(write_error)
    }
}

/// The response of the exchange that this call serves.
pub(crate) mod response {
    use super::{HeaderError, Origin, WriteError, contract, fields, header_error, write_error};
    use contract::response::ResponseOrigin;
    pub(crate) use contract::response::{header, header_values, status};

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        fields(contract::response::headers())
    }

    pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        contract::response::set_header(name, value).map_err(header_error)
    }

    pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        contract::response::append_header(name, value).map_err(header_error)
    }

    pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
        contract::response::remove_header(name).map_err(header_error)
    }

    pub(crate) fn set_status(status: u16) -> Result<(), WriteError> {
        contract::response::set_status(status).map_err(write_error)
    }

    pub(crate) fn origin() -> Origin {
        match contract::response::origin() {
            ResponseOrigin::Upstream => Origin::Upstream,
            ResponseOrigin::Plugin(name) => Origin::Plugin(name),
            ResponseOrigin::Gateway(reason) => Origin::Gateway(reason),
        }
    }
}

/// The body, or the piece of one, that this call serves.
pub(crate) mod body {
    pub(crate) use super::contract::body::{is_last, length, read, replace};
}

/// What became of the exchange.
pub(crate) mod outcome {
    pub(crate) use super::contract::outcome::{
        completed, duration, endpoint, problem, request_bytes, response_bytes, status,
    };
}

/// What the client has shown in the handshake of its connection.
pub(crate) mod client_certificate {
    pub(crate) use super::contract::client_certificate::{
        der, dns_names, email_addresses, fingerprint, ip_addresses, issuer, not_after, serial_number, subject, uris,
    };
}

pub(crate) mod setup {
    pub(crate) use super::contract::setup::{log_unanswered_only, own_header};
    use super::contract::{http, setup};
    use crate::setup::{Condition, Edit, Fact, Hook};

    pub(crate) fn tell_consumer(name: &str, fact: Fact) {
        setup::tell_consumer(
            name,
            match fact {
                Fact::Name => setup::ConsumerFact::Name,
                Fact::Groups => setup::ConsumerFact::Groups,
            },
        );
    }

    pub(crate) fn edit_request(edits: Vec<Edit>) {
        setup::edit_request(&contract(edits));
    }

    pub(crate) fn edit_response(edits: Vec<Edit>) {
        setup::edit_response(&contract(edits));
    }

    pub(crate) fn call_when(hook: Hook, conditions: Vec<Condition>) {
        let hook = match hook {
            Hook::OnRequest => setup::Hook::OnRequest,
            Hook::OnResponse => setup::Hook::OnResponse,
        };
        let condition = |condition| match condition {
            Condition::Kept(of, key) => setup::Condition::Kept((super::subject(of), key.to_owned())),
            Condition::Status(statuses) => setup::Condition::Status((*statuses.start(), *statuses.end())),
        };
        setup::call_when(hook, &conditions.into_iter().map(condition).collect::<Vec<_>>());
    }

    fn contract(edits: Vec<Edit>) -> Vec<http::Edit> {
        let edit = |edit| match edit {
            Edit::Remove(name) => http::Edit::Remove(name),
            Edit::Rename(from, to) => http::Edit::Rename((from, to)),
            Edit::Set(name, value) => http::Edit::Set(http::Field { name, value }),
            Edit::Add(name, value) => http::Edit::Add(http::Field { name, value }),
            Edit::Append(name, value) => http::Edit::Append(http::Field { name, value }),
        };
        edits.into_iter().map(edit).collect()
    }
}

pub(crate) mod state {
    use super::contract::state;
    use super::subject;
    use crate::Subject;

    pub(crate) fn get(of: Subject, key: &str) -> Option<Vec<u8>> {
        state::get(subject(of), key)
    }

    pub(crate) fn set(of: Subject, key: &str, value: &[u8], ttl: Option<u64>) {
        state::set(subject(of), key, value, ttl);
    }

    pub(crate) fn delete(of: Subject, key: &str) -> bool {
        state::delete(subject(of), key)
    }

    pub(crate) fn add(of: Subject, key: &str, delta: i64, ttl: Option<u64>) -> i64 {
        state::add(subject(of), key, delta, ttl)
    }

    pub(crate) fn compare_and_swap(
        of: Subject,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Option<u64>,
    ) -> bool {
        state::compare_and_swap(subject(of), key, expected, value, ttl)
    }
}

fn subject(of: crate::Subject) -> contract::subjects::Subject {
    match of {
        crate::Subject::Plugin => contract::subjects::Subject::Plugin,
        crate::Subject::Route => contract::subjects::Subject::Route,
        crate::Subject::Upstream => contract::subjects::Subject::Upstream,
        crate::Subject::Caller { ipv6_prefix } => contract::subjects::Subject::Caller(ipv6_prefix),
        crate::Subject::Client { ipv6_prefix } => contract::subjects::Subject::Client(ipv6_prefix),
    }
}

pub(crate) mod consumers {
    pub(crate) use super::contract::consumers::{find, groups, verify};
    pub(crate) use super::contract::identity::{authenticate, authenticate_header, identify};
}

pub(crate) mod limiter {
    use super::contract::limiter;
    use super::subject;
    use crate::Subject;
    use crate::limiter::{Algorithm, Decision, Quota, Standing};
    use std::time::Duration;

    pub(crate) fn acquire(of: Subject, key: &str, quotas: &[Quota], cost: u64) -> Decision {
        let quotas: Vec<limiter::Quota> = quotas.iter().map(quota).collect();
        let decision = limiter::acquire(subject(of), key, &quotas, cost);
        Decision { allowed: decision.allowed, standings: decision.standings.iter().map(standing).collect() }
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

pub(crate) mod crypto {
    use super::contract::crypto;
    pub(crate) use super::contract::crypto::verify;
    use crate::crypto::{Algorithm, Form};

    pub(crate) fn key(algorithm: Algorithm, form: Form<'_>) -> Result<u32, String> {
        let algorithm = match algorithm {
            Algorithm::Rs256 => crypto::Algorithm::Rs256,
            Algorithm::Rs384 => crypto::Algorithm::Rs384,
            Algorithm::Rs512 => crypto::Algorithm::Rs512,
            Algorithm::Ps256 => crypto::Algorithm::Ps256,
            Algorithm::Ps384 => crypto::Algorithm::Ps384,
            Algorithm::Ps512 => crypto::Algorithm::Ps512,
            Algorithm::Es256 => crypto::Algorithm::Es256,
            Algorithm::Es384 => crypto::Algorithm::Es384,
            Algorithm::EdDsa => crypto::Algorithm::Eddsa,
            Algorithm::Hs256 => crypto::Algorithm::Hs256,
            Algorithm::Hs384 => crypto::Algorithm::Hs384,
            Algorithm::Hs512 => crypto::Algorithm::Hs512,
        };
        let form = match form {
            Form::Pem(text) => crypto::KeyForm::Pem(text.into()),
            Form::Jwk(text) => crypto::KeyForm::Jwk(text.into()),
            Form::Secret(bytes) => crypto::KeyForm::Secret(bytes.into()),
        };
        crypto::key(algorithm, &form)
    }
}

pub(crate) mod metrics {
    use super::contract::metrics;
    pub(crate) use super::contract::metrics::{add, observe, set};

    pub(crate) fn counter(name: &str, help: &str, labels: &[(&str, &str)]) -> u32 {
        metrics::counter(name, help, &contract(labels))
    }

    pub(crate) fn gauge(name: &str, help: &str, labels: &[(&str, &str)]) -> u32 {
        metrics::gauge(name, help, &contract(labels))
    }

    pub(crate) fn histogram(name: &str, help: &str, labels: &[(&str, &str)], bounds: &[f64]) -> u32 {
        metrics::histogram(name, help, &contract(labels), bounds)
    }

    fn contract(labels: &[(&str, &str)]) -> Vec<metrics::Label> {
        let label = |(name, value): &(&str, &str)| metrics::Label { name: (*name).into(), value: (*value).into() };
        labels.iter().map(label).collect()
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
pub(super) fn action(action: Action) -> contract::http::Action {
    match action {
        Action::Next => contract::http::Action::Next,
        Action::Reply(reply) => {
            let (status, headers, body) = reply.into_parts();
            let field = |(name, value)| contract::http::Field { name, value };
            contract::answer::reply_with(&contract::http::Reply {
                status: status.as_u16(),
                headers: headers.into_iter().map(field).collect(),
                body,
            });
            contract::http::Action::Reply
        }
    }
}

pub(super) fn chunk_action(action: ChunkAction) -> contract::http::ChunkAction {
    match action {
        ChunkAction::Next => contract::http::ChunkAction::Next,
        ChunkAction::Stop => contract::http::ChunkAction::Stop,
    }
}

fn fields(fields: Vec<contract::http::Field>) -> Vec<(String, Vec<u8>)> {
    fields.into_iter().map(|field| (field.name, field.value)).collect()
}

fn header_error(error: contract::http::HeaderError) -> HeaderError {
    match error {
        contract::http::HeaderError::InvalidName => HeaderError::InvalidName,
        contract::http::HeaderError::InvalidValue => HeaderError::InvalidValue,
        contract::http::HeaderError::Forbidden => HeaderError::Forbidden,
        contract::http::HeaderError::TooMany => HeaderError::TooMany,
    }
}

fn write_error(error: contract::http::WriteError) -> WriteError {
    match error {
        contract::http::WriteError::Invalid => WriteError::Invalid,
        contract::http::WriteError::Unknown => WriteError::Unknown,
        contract::http::WriteError::Full => WriteError::Full,
    }
}
