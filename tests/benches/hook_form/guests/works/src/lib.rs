//! The works that are compared: the same code for every form of the hooks, so that a form differs
//! only in how it reaches the gateway.

use std::alloc::System;
use std::sync::atomic::{AtomicU8, Ordering};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Index into [`WORKS`]; a guest is configured once and then called.
static WORK: AtomicU8 = AtomicU8::new(0);

const WORKS: [&str; 8] = [
    "no-op",
    "key-auth",
    "rate-limit address",
    "rate-limit header",
    "transform",
    "one write",
    "response",
    "key-auth in one",
];

/// A change of a header.
pub enum Write<'a> {
    Set(&'a str, &'a [u8]),
    Remove(&'a str),
}

/// What a hook answers.
pub enum Outcome {
    Next,
    /// A reply without headers and body.
    Reply(u16),
}

/// What a work needs of the gateway.
pub trait Gateway {
    type Consumer;

    /// The only header that the work reads.
    fn header(&mut self, name: &str) -> Option<Vec<u8>>;
    fn client_address(&self) -> String;
    fn status(&self) -> u16;
    fn verify(&self, key: &[u8]) -> Option<Self::Consumer>;
    fn identify(&self, consumer: &Self::Consumer);
    fn name(&self, consumer: &Self::Consumer) -> String;
    /// Verifies and identifies; answers the name.
    fn authenticate(&self, key: &[u8]) -> Option<String>;
    /// Units left of the tighter of two quotas; none when one of them is spent.
    fn acquire(&self, key: &str) -> Option<u64>;
    fn write(&mut self, writes: &[Write<'_>]);
}

/// Chooses the work for all later calls.
pub fn configure(work: &str) {
    let index = WORKS.iter().position(|name| *name == work);
    let index = index.expect("the bench names a work that there is");
    WORK.store(index as u8, Ordering::Relaxed);
}

/// Allocations so far.
pub fn allocations() -> u64 {
    ALLOCATOR.stats().allocations as u64
}

/// Does the chosen work.
pub fn run(gateway: &mut impl Gateway) -> Outcome {
    match WORK.load(Ordering::Relaxed) {
        0 => Outcome::Next,
        1 => key_auth(gateway),
        2 => {
            let key = gateway.client_address();
            rate_limit(gateway, &key)
        }
        3 => match gateway.header("x-api-key").map(String::from_utf8) {
            Some(Ok(key)) => rate_limit(gateway, &key),
            _ => Outcome::Reply(400),
        },
        4 => {
            gateway.write(&[
                Write::Set("x-forwarded-prefix", b"/v1"),
                Write::Set("x-tenant", b"blue"),
                Write::Remove("x-internal"),
                Write::Set("x-trace", b"0af7651916cd43dd8448eb211c80319c"),
            ]);
            Outcome::Next
        }
        5 => {
            gateway.write(&[Write::Set("x-tenant", b"blue")]);
            Outcome::Next
        }
        6 => {
            let class: &[u8] = if gateway.status() < 400 {
                b"fine"
            } else {
                b"failed"
            };
            gateway.write(&[Write::Set("x-outcome", class)]);
            Outcome::Next
        }
        _ => key_auth_in_one(gateway),
    }
}

fn key_auth(gateway: &mut impl Gateway) -> Outcome {
    let Some(key) = gateway.header("x-api-key") else {
        return Outcome::Reply(401);
    };
    let Some(consumer) = gateway.verify(&key) else {
        return Outcome::Reply(401);
    };
    gateway.identify(&consumer);
    let name = gateway.name(&consumer);
    gateway.write(&[Write::Set("x-consumer", name.as_bytes())]);
    Outcome::Next
}

/// Key-auth if the contract had a call that both verifies and identifies.
fn key_auth_in_one(gateway: &mut impl Gateway) -> Outcome {
    let Some(key) = gateway.header("x-api-key") else {
        return Outcome::Reply(401);
    };
    let Some(name) = gateway.authenticate(&key) else {
        return Outcome::Reply(401);
    };
    gateway.write(&[Write::Set("x-consumer", name.as_bytes())]);
    Outcome::Next
}

fn rate_limit(gateway: &mut impl Gateway, key: &str) -> Outcome {
    let Some(left) = gateway.acquire(key) else {
        return Outcome::Reply(429);
    };
    gateway.write(&[Write::Set(
        "ratelimit-remaining",
        left.to_string().as_bytes(),
    )]);
    Outcome::Next
}

/// Implements the part of [`Gateway`] that every form does alike, over a guest's own bindings.
#[macro_export]
macro_rules! capabilities {
    () => {
        type Consumer = consumers::Consumer;

        fn verify(&self, key: &[u8]) -> Option<Self::Consumer> {
            consumers::verify("key", "", key)
        }

        fn identify(&self, consumer: &Self::Consumer) {
            identity::identify(consumer);
        }

        fn name(&self, consumer: &Self::Consumer) -> String {
            consumer.name()
        }

        fn authenticate(&self, key: &[u8]) -> Option<String> {
            identity::authenticate("key", "", key)
        }

        fn acquire(&self, key: &str) -> Option<u64> {
            let algorithm = limiter::Algorithm::TokenBucket;
            let quotas = [
                limiter::Quota {
                    limit: 100,
                    window: 1_000,
                    burst: 0,
                    algorithm,
                },
                limiter::Quota {
                    limit: 5_000,
                    window: 60_000,
                    burst: 0,
                    algorithm,
                },
            ];
            let decision = limiter::acquire(key, &quotas, 1);
            let left = decision.standings.iter().map(|s| s.remaining).min();
            left.filter(|_| decision.allowed)
        }
    };
}

/// Turns an [`Outcome`] into a guest's own `Action`.
#[macro_export]
macro_rules! action {
    ($outcome:expr) => {
        match $outcome {
            $crate::Outcome::Next => Action::Next,
            $crate::Outcome::Reply(status) => Action::Reply(Reply {
                status,
                headers: Vec::new(),
                body: Vec::new(),
            }),
        }
    };
}

/// Turns [`Write`]s into a guest's own owned `Edit`s.
#[macro_export]
macro_rules! edits {
    ($writes:expr) => {
        $writes
            .iter()
            .map(|write| match write {
                $crate::Write::Set(name, value) => Edit::SetHeader(Header {
                    name: (*name).into(),
                    value: (*value).into(),
                }),
                $crate::Write::Remove(name) => Edit::RemoveHeader((*name).into()),
            })
            .collect()
    };
}
