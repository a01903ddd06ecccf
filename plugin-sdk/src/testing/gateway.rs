//! The handle by which a test prepares and inspects the fake gateway.

use super::world::{self, Credential, Known, World};
use super::{RequestBuilder, Response, ResponseBuilder};
use crate::outbound::{self, SendError};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

/// The fake gateway of this thread. Making one forgets all that an earlier one knew.
#[derive(Debug)]
pub struct Gateway {
    /// It stands for a thread-local, so it stays on its thread.
    thread: PhantomData<Rc<()>>,
}

impl Gateway {
    /// A gateway that knows no one, at midnight on 2026-01-01 in UTC.
    #[expect(clippy::new_without_default, reason = "it resets the thread's gateway, so it is an act")]
    pub fn new() -> Self {
        world::with(|world| *world = World::new());
        Self { thread: PhantomData }
    }

    /// Adds a consumer.
    pub fn consumer(&self, name: &str) -> KnownConsumer<'_> {
        let known = Known { name: name.to_owned(), ..Known::default() };
        let index = world::with(|world| {
            world.consumers.push(known);
            world.consumers.len() - 1
        });
        KnownConsumer { index, gateway: PhantomData }
    }

    /// Adds an upstream. From then on, steering to one that was not added is refused.
    pub fn upstream(&self, name: &str) {
        world::with(|world| world.upstreams.push(name.to_owned()));
    }

    /// Begins an exchange without calling the plugin, so that a test can prepare the `state` of its route,
    /// its upstream or its caller.
    pub fn exchange(&self, request: RequestBuilder) {
        world::with(|world| world.begin(request.0));
    }

    /// Sets the clock, in milliseconds since 1970 in UTC.
    pub fn set_time(&self, now: u64) {
        world::with(|world| world.now = now);
    }

    /// Moves the clock on.
    pub fn advance(&self, duration: impl Into<Duration>) {
        let passed = crate::state::millis(duration.into());
        world::with(|world| world.now = world.now.saturating_add(passed));
    }

    /// What was logged so far, as `level: line`.
    pub fn log(&self) -> Vec<String> {
        world::with(|world| world.log.clone())
    }

    /// The headers that `setup::own_header` declared, in lower case.
    pub fn own_headers(&self) -> Vec<String> {
        world::with(|world| world.own_headers.clone())
    }

    /// Name of the consumer that was identified in the current exchange.
    pub fn identified(&self) -> Option<String> {
        world::with(|world| world.exchange.as_ref()?.consumer.clone())
    }

    /// How often the last hook went over the border of its sandbox: its own call, and each call into the gateway.
    /// 0 when it was not worth a call. What a policy costs is mostly this, and a test can hold it.
    pub fn crossings(&self) -> usize {
        world::with(|world| world.calls)
    }

    /// The request of the current exchange, as hooks left it.
    ///
    /// # Panics
    /// When there is none.
    pub fn request(&self) -> super::Request {
        world::with(|world| world.exchange().request.clone())
    }

    /// The response of the current exchange, as hooks left it, without its body.
    pub fn response(&self) -> Option<Response> {
        world::with(|world| world.exchange.as_ref()?.response.clone())
    }

    /// What the plugin has counted in a metric of its own: a counter's or a gauge's number, all that a histogram was
    /// told; none before the first.
    ///
    /// # Panics
    /// If no such metric was declared.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Vec<f64> {
        world::with(|world| {
            let is = |own: &&world::Own| {
                own.name == name
                    && own.labels.iter().map(|(name, value)| (&**name, &**value)).eq(labels.iter().copied())
            };
            let own = world.own.iter().find(is).unwrap_or_else(|| panic!("no metric `{name}` {labels:?} was declared"));
            own.numbers.clone()
        })
    }

    /// The answer to the next request that the plugin sends itself, behind those that were prepared before.
    pub fn answer(&self, response: ResponseBuilder) {
        let Response { status, headers, body, .. } = response.0;
        let headers = headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned()));
        let response = outbound::Response { status, headers: headers.collect(), body };
        world::with(|world| world.answers.push_back(Ok(response)));
    }

    /// The same, where there is no response.
    pub fn fail(&self, error: SendError) {
        world::with(|world| world.answers.push_back(Err(error)));
    }

    /// The requests that the plugin has sent itself.
    pub fn sent(&self) -> Vec<outbound::Request> {
        world::with(|world| world.sent.clone())
    }

    /// What was kept with the current exchange.
    pub fn note(&self, key: &str) -> Option<Vec<u8>> {
        world::with(|world| world.exchange.as_ref()?.notes.get(key).cloned())
    }
}

/// A consumer of a [`Gateway`], to add credentials and groups to.
#[derive(Debug)]
pub struct KnownConsumer<'g> {
    index: usize,
    gateway: PhantomData<&'g Gateway>,
}

impl KnownConsumer<'_> {
    /// Adds a secret without a public id, of the kind `key`.
    pub fn key(self, secret: impl AsRef<[u8]>) -> Self {
        self.credential("key", "", secret)
    }

    /// Adds a credential of any kind.
    pub fn credential(self, kind: &str, id: &str, secret: impl AsRef<[u8]>) -> Self {
        let (kind, id, secret) = (kind.to_owned(), id.to_owned(), secret.as_ref().to_owned());
        let credential = Credential { kind, id, secret };
        world::with(|world| world.consumers[self.index].credentials.push(credential));
        self
    }

    /// Puts the consumer into a group.
    pub fn group(self, name: &str) -> Self {
        world::with(|world| world.consumers[self.index].groups.push(name.to_owned()));
        self
    }
}
