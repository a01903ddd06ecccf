//! The back end of native tests: reads and writes the world that `testing` makes.

use crate::Origin;
use crate::testing::Response;
use crate::testing::world::{self, World};
use std::rc::Rc;

pub(crate) use crate::testing::Entry;

pub(crate) type Consumer = Rc<world::Known>;

pub(crate) mod request {
    use super::{Consumer, bytes, exchange, raw};

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

    pub(crate) fn consumer() -> Option<Consumer> {
        exchange(|exchange| exchange.consumer.clone())
    }

    pub(crate) fn note(key: &str) -> Option<Vec<u8>> {
        exchange(|exchange| exchange.notes.get(key).cloned())
    }
}

pub(crate) mod response {
    use super::{Origin, bytes, raw, response};

    pub(crate) fn status() -> u16 {
        response(|response| response.status.as_u16())
    }

    pub(crate) fn header(name: &str) -> Option<Vec<u8>> {
        response(|response| bytes(&response.headers, name))
    }

    pub(crate) fn headers() -> Vec<(String, Vec<u8>)> {
        response(|response| raw(&response.headers))
    }

    pub(crate) fn origin() -> Origin {
        response(|response| response.origin.clone())
    }
}

pub(crate) mod setup {
    use super::declare;

    pub(crate) fn own_header(name: &str) {
        declare(|world| world.own_headers.push(name.to_owned()));
    }

    pub(crate) fn read_header(name: &str) {
        declare(|world| world.read_headers.push(name.to_owned()));
    }

    pub(crate) fn read_response_header(name: &str) {
        declare(|world| world.read_response_headers.push(name.to_owned()));
    }
}

pub(crate) mod state {
    use super::capability;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        capability("state", |world| world.store.get(key, world.now))
    }

    pub(crate) fn set(key: &str, value: &[u8], ttl: Option<u64>) {
        capability("state", |world| world.store.set(key, value, ttl, world.now));
    }

    pub(crate) fn delete(key: &str) -> bool {
        capability("state", |world| world.store.delete(key, world.now))
    }

    pub(crate) fn add(key: &str, delta: i64, ttl: Option<u64>) -> i64 {
        capability("state", |world| world.store.add(key, delta, ttl, world.now))
    }

    pub(crate) fn compare_and_swap(
        key: &str,
        expected: Option<&[u8]>,
        value: &[u8],
        ttl: Option<u64>,
    ) -> bool {
        capability("state", |world| {
            let same = world.store.get(key, world.now).as_deref() == expected;
            if same {
                world.store.set(key, value, ttl, world.now);
            }
            same
        })
    }
}

pub(crate) mod limiter {
    use super::capability;
    use crate::limiter::{Decision, Quota};

    pub(crate) fn acquire(key: &str, quotas: &[Quota], cost: u64) -> Decision {
        capability("limiter", |world| world.meters.acquire(key, quotas, cost, world.now))
    }
}

pub(crate) mod consumers {
    use super::{Consumer, capability};

    pub(crate) fn find(kind: &str, id: &str) -> Option<Consumer> {
        capability("consumers", |world| {
            world.consumer(|credential| credential.kind == kind && credential.id == id)
        })
    }

    pub(crate) fn verify(kind: &str, id: &str, secret: &[u8]) -> Option<Consumer> {
        capability("consumers", |world| {
            world.consumer(|credential| {
                credential.kind == kind && credential.id == id && credential.secret == secret
            })
        })
    }

    pub(crate) fn identify(consumer: &Consumer) {
        capability("identity", |world| world.exchange().consumer = Some(consumer.clone()));
    }
}

pub(crate) mod log {
    use crate::log::Level;
    use crate::testing::world;

    pub(crate) fn log(level: Level, line: &str) {
        world::with(|world| world.log.push(format!("{level}: {line}")));
    }
}

pub(crate) mod clock {
    use crate::testing::world;

    pub(crate) fn now() -> u64 {
        world::with(|world| world.now)
    }
}

fn exchange<T>(read: impl FnOnce(&mut world::Exchange) -> T) -> T {
    world::with(|world| read(world.exchange()))
}

fn response<T>(read: impl FnOnce(&Response) -> T) -> T {
    exchange(|exchange| read(exchange.response.as_ref().expect("no response yet: it traps in the gateway")))
}

fn declare(declare: impl FnOnce(&mut World)) {
    world::with(|world| {
        assert!(world.configuring, "`setup` may be called only inside `configure`");
        declare(world);
    });
}

fn capability<T>(name: &str, call: impl FnOnce(&mut World) -> T) -> T {
    world::with(|world| {
        assert!(!world.configuring, "`{name}` may not be called inside `configure`");
        call(world)
    })
}

fn bytes(headers: &crate::edit::Fields, name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_bytes().to_owned())
}

fn raw(headers: &crate::edit::Fields) -> Vec<(String, Vec<u8>)> {
    let raw = |(name, value): &(http::HeaderName, http::HeaderValue)| {
        (name.as_str().to_owned(), value.as_bytes().to_owned())
    };
    headers.iter().map(raw).collect()
}
