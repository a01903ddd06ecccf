//! Who is known, and who the caller is.

use super::{capability, single};
use crate::header::SeveralValues;
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
    let is = |credential: &Credential| credential.kind == kind && credential.id == id && credential.secret == secret;
    let found = world.consumer(is);
    found.is_some_and(|consumer| {
        world.identified(&consumer);
        true
    })
}
