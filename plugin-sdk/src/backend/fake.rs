//! The back end of native tests: reads and writes the world that `testing` makes.

use crate::Origin;
use crate::header::{HeaderError, SeveralValues};
use crate::request::WriteError;
use crate::testing::apply;
use crate::testing::message::{Fields, Response};
use crate::testing::world::{self, Exchange, World};

pub(crate) mod request {
    use super::{HeaderError, SeveralValues, WriteError, all_bytes, apply, bytes, counted, exchange, raw, single};

    pub(crate) fn method() -> String {
        exchange(|exchange| exchange.request.method.to_string())
    }

    pub(crate) fn scheme() -> String {
        exchange(|exchange| exchange.request.scheme.clone())
    }

    pub(crate) fn authority() -> String {
        exchange(|exchange| exchange.request.authority.clone())
    }

    pub(crate) fn path() -> String {
        exchange(|exchange| exchange.request.path.clone())
    }

    pub(crate) fn query() -> Option<String> {
        exchange(|exchange| exchange.request.query.clone())
    }

    pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
        exchange(|exchange| bytes(&exchange.request.headers, name))
    }

    pub(crate) fn single_header(name: &str) -> Result<Option<Vec<u8>>, SeveralValues> {
        exchange(|exchange| single(&exchange.request.headers, name))
    }

    pub(crate) fn header_values(name: &str) -> Vec<Vec<u8>> {
        exchange(|exchange| all_bytes(&exchange.request.headers, name))
    }

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        exchange(|exchange| raw(&exchange.request.headers))
    }

    pub(crate) fn param(name: &str) -> Option<String> {
        exchange(|exchange| exchange.request.params.get(name).cloned())
    }

    pub(crate) fn client_address() -> String {
        exchange(|exchange| exchange.request.client_address.clone())
    }

    pub(crate) fn route() -> String {
        exchange(|exchange| exchange.request.route.clone())
    }

    pub(crate) fn upstream() -> String {
        exchange(|exchange| exchange.request.upstream.clone())
    }

    pub(crate) fn id() -> String {
        exchange(|exchange| exchange.request.id.clone())
    }

    pub(crate) fn consumer() -> Option<String> {
        exchange(|exchange| exchange.consumer.clone())
    }

    pub(crate) fn consumer_groups() -> Vec<String> {
        counted(|world| {
            let consumer = world.exchange().consumer.clone().unwrap_or_default();
            world.groups(&consumer)
        })
    }

    pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        exchange(|exchange| apply::set_header(&mut exchange.request.headers, name, value))
    }

    pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        exchange(|exchange| apply::append_header(&mut exchange.request.headers, name, value))
    }

    pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
        exchange(|exchange| apply::remove_header(&mut exchange.request.headers, name))
    }

    pub(crate) fn set_method(method: &str) -> Result<(), WriteError> {
        let method = method.parse().map_err(|_| WriteError::Invalid)?;
        exchange(|exchange| exchange.request.method = method);
        Ok(())
    }

    pub(crate) fn set_path(path: &str) -> Result<(), WriteError> {
        let path = apply::path(path)?;
        exchange(|exchange| exchange.request.path = path);
        Ok(())
    }

    pub(crate) fn set_query(query: Option<&str>) -> Result<(), WriteError> {
        let query = query.map(apply::query).transpose()?;
        exchange(|exchange| exchange.request.query = query);
        Ok(())
    }

    pub(crate) fn steer(upstream: &str) -> Result<(), WriteError> {
        counted(|world| {
            if !world.has_upstream(upstream) {
                return Err(WriteError::Unknown);
            }
            world.exchange().request.upstream = upstream.to_owned();
            Ok(())
        })
    }

    pub(crate) fn set_note(key: &str, value: &[u8]) -> Result<(), WriteError> {
        exchange(|exchange| exchange.keep(key, value))
    }

    pub(crate) fn note(key: &str) -> Option<Vec<u8>> {
        exchange(|exchange| exchange.notes.get(key).cloned())
    }
}

pub(crate) mod response {
    use super::{Fields, HeaderError, Origin, WriteError, all_bytes, apply, bytes, exchange, raw, response};
    use crate::setup::Edit;

    pub(crate) fn status() -> u16 {
        response(|response| response.status.as_u16())
    }

    pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
        response(|response| bytes(&response.headers, name))
    }

    pub(crate) fn header_values(name: &str) -> Vec<Vec<u8>> {
        response(|response| all_bytes(&response.headers, name))
    }

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        response(|response| raw(&response.headers))
    }

    pub(crate) fn set_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        edit(Edit::set(name, value))
    }

    pub(crate) fn append_header(name: &str, value: &[u8]) -> Result<(), HeaderError> {
        edit(Edit::append(name, value))
    }

    pub(crate) fn remove_header(name: &str) -> Result<(), HeaderError> {
        edit(Edit::remove(name))
    }

    /// Now, or when there is a response.
    fn edit(edit: Edit) -> Result<(), HeaderError> {
        exchange(|exchange| match &mut exchange.response {
            Some(response) => apply::edit(&mut response.headers, &edit),
            None => {
                apply::edit(&mut Fields::new(), &edit)?;
                exchange.staged.push(edit);
                Ok(())
            }
        })
    }

    pub(crate) fn set_status(status: u16) -> Result<(), WriteError> {
        let status = apply::status(status)?;
        response(|response| response.status = status);
        Ok(())
    }

    pub(crate) fn origin() -> Origin {
        response(|response| response.origin.clone())
    }
}

pub(crate) mod outcome {
    use super::exchange;
    use crate::testing::Entry;

    pub(crate) fn status() -> Option<u16> {
        entry(|entry| entry.status())
    }

    pub(crate) fn duration() -> u64 {
        entry(|entry| entry.duration())
    }

    pub(crate) fn request_bytes() -> u64 {
        entry(|entry| entry.request_bytes())
    }

    pub(crate) fn response_bytes() -> u64 {
        entry(|entry| entry.response_bytes())
    }

    pub(crate) fn completed() -> bool {
        entry(|entry| entry.completed())
    }

    pub(crate) fn endpoint() -> Option<String> {
        entry(|entry| entry.endpoint())
    }

    pub(crate) fn problem() -> Option<String> {
        entry(|entry| entry.problem())
    }

    fn entry<T>(read: impl FnOnce(&Entry) -> T) -> T {
        exchange(|exchange| read(exchange.entry.as_ref().expect("the exchange is not over yet")))
    }
}

pub(crate) mod setup {
    use super::world::{self, World};
    use crate::setup::{Condition, Edit, Fact, Hook};

    pub(crate) fn own_header(name: &str) {
        configuring(|world| world.own_headers.push(name.to_owned()));
    }

    pub(crate) fn tell_consumer(name: &str, fact: Fact) {
        own_header(name);
        configuring(|world| world.told.push((name.to_owned(), fact)));
    }

    pub(crate) fn edit_request(edits: Vec<Edit>) {
        configuring(|world| world.request_edits.extend(edits));
    }

    pub(crate) fn edit_response(edits: Vec<Edit>) {
        configuring(|world| world.response_edits.extend(edits));
    }

    pub(crate) fn call_when(hook: Hook, conditions: Vec<Condition>) {
        configuring(|world| world.call_when.push((hook, conditions)));
    }

    pub(crate) fn log_unanswered_only() {
        configuring(|world| world.log_unanswered_only = true);
    }

    fn configuring(declare: impl FnOnce(&mut World)) {
        world::with(|world| {
            assert!(world.configuring, "`setup` may be called only inside `configure`");
            declare(world);
        });
    }
}

pub(crate) mod state {
    use super::capability;
    use crate::Subject;

    pub(crate) fn get(of: Subject, key: &str) -> Option<Vec<u8>> {
        capability("state", |world| world.store.get(&world.entry(of, key), world.now))
    }

    pub(crate) fn set(of: Subject, key: &str, value: &[u8], ttl: Option<u64>) {
        capability("state", |world| world.store.set(&world.entry(of, key), value, ttl, world.now));
    }

    pub(crate) fn delete(of: Subject, key: &str) -> bool {
        capability("state", |world| world.store.delete(&world.entry(of, key), world.now))
    }

    pub(crate) fn add(of: Subject, key: &str, delta: i64, ttl: Option<u64>) -> i64 {
        capability("state", |world| world.store.add(&world.entry(of, key), delta, ttl, world.now))
    }

    pub(crate) fn compare_and_swap(
        of: Subject,
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Option<u64>,
    ) -> bool {
        capability("state", |world| {
            let entry = world.entry(of, key);
            let same = world.store.get(&entry, world.now).as_deref() == expected;
            if same {
                world.store.set(&entry, value, ttl, world.now);
            }
            same
        })
    }
}

pub(crate) mod limiter {
    use super::capability;
    use crate::Subject;
    use crate::limiter::{Decision, Quota};

    pub(crate) fn acquire(of: Subject, key: &str, quotas: &[Quota], cost: u64) -> Decision {
        capability("limiter", |world| world.meters.acquire(&world.entry(of, key), quotas, cost, world.now))
    }
}

pub(crate) mod consumers {
    use super::{SeveralValues, capability, single};
    use crate::testing::world::{Credential, World};

    pub(crate) fn find(kind: &str, id: &str) -> Option<String> {
        capability("consumers", |world| world.consumer(|credential| credential.kind == kind && credential.id == id))
    }

    pub(crate) fn verify(kind: &str, id: &str, secret: &[u8]) -> Option<String> {
        capability("consumers", |world| {
            world.consumer(|credential| credential.kind == kind && credential.id == id && credential.secret == secret)
        })
    }

    pub(crate) fn groups(consumer: &str) -> Vec<String> {
        capability("consumers", |world| world.groups(consumer))
    }

    pub(crate) fn identify(consumer: &str) -> bool {
        capability("identity", |world| {
            let known = world.consumers.iter().any(|known| known.name == consumer);
            if known {
                world.identified(consumer);
            }
            known
        })
    }

    pub(crate) fn authenticate(kind: &str, id: &str, secret: &[u8]) -> bool {
        capability("identity", |world| identify_by(world, kind, id, secret))
    }

    pub(crate) fn authenticate_header(kind: &str, name: &str) -> bool {
        capability("identity", |world| match single(&world.exchange().request.headers, name) {
            Ok(Some(secret)) => identify_by(world, kind, "", &secret),
            Ok(None) | Err(SeveralValues) => false,
        })
    }

    fn identify_by(world: &mut World, kind: &str, id: &str, secret: &[u8]) -> bool {
        let is =
            |credential: &Credential| credential.kind == kind && credential.id == id && credential.secret == secret;
        let found = world.consumer(is);
        found.is_some_and(|consumer| {
            world.identified(&consumer);
            true
        })
    }
}

pub(crate) mod log {
    use crate::log::Level;
    use crate::testing::world;

    pub(crate) fn log(level: Level, line: &str) {
        world::with(|world| {
            world.calls += 1;
            world.log.push(format!("{level}: {line}"));
        });
    }
}

pub(crate) mod clock {
    use crate::testing::world;

    pub(crate) fn now() -> u64 {
        world::with(|world| world.now)
    }
}

/// One call into the gateway.
fn counted<T>(call: impl FnOnce(&mut World) -> T) -> T {
    world::with(|world| {
        world.calls += 1;
        call(world)
    })
}

fn exchange<T>(call: impl FnOnce(&mut Exchange) -> T) -> T {
    counted(|world| call(world.exchange()))
}

fn response<T>(call: impl FnOnce(&mut Response) -> T) -> T {
    exchange(|exchange| call(exchange.response.as_mut().expect("no response yet: it traps in the gateway")))
}

fn capability<T>(name: &str, call: impl FnOnce(&mut World) -> T) -> T {
    counted(|world| {
        assert!(!world.configuring, "`{name}` may not be called inside `configure`");
        call(world)
    })
}

fn single(headers: &Fields, name: &str) -> Result<Option<Vec<u8>>, SeveralValues> {
    let mut values = all_bytes(headers, name);
    if values.len() > 1 { Err(SeveralValues) } else { Ok(values.pop()) }
}

fn all_bytes(headers: &Fields, name: &str) -> Vec<Vec<u8>> {
    let named = headers.iter().filter(|(other, _)| other == name);
    named.map(|(_, value)| value.as_bytes().to_owned()).collect()
}

fn bytes(headers: &Fields, name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_bytes().to_owned())
}

fn raw(headers: &Fields) -> Vec<(String, Vec<u8>)> {
    let raw =
        |(name, value): &(http::HeaderName, http::HeaderValue)| (name.as_str().to_owned(), value.as_bytes().to_owned());
    headers.iter().map(raw).collect()
}
