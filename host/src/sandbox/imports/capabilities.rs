//! `state`, `limiter`, `consumers` and `identity`: what grants open.

use http::HeaderValue;
use wasmtime::Result;

use crate::exchange::Edit;
use crate::sandbox::bindings as wit;
use crate::sandbox::bindings::subjects::Subject as Of;
use crate::sandbox::condition::Whose;
use crate::sandbox::host::{Fact, Host, Stage};
use crate::state::{Algorithm, ConsumerId, Consumers, Misuse, Moment, Quota};

impl wit::subjects::Host for Host {}

impl wit::state::Host for Host {
    fn get(&mut self, of: Of, key: String) -> Result<Option<Vec<u8>>> {
        let now = self.name_entry("state", of, &key)?;
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        misuse(state.store.get(scope, &self.entry, now))
    }

    fn set(&mut self, of: Of, key: String, value: Vec<u8>, ttl: Option<u64>) -> Result<()> {
        let now = self.name_entry("state", of, &key)?;
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        misuse(state.store.set(scope, &self.entry, value, ttl, now))
    }

    fn delete(&mut self, of: Of, key: String) -> Result<bool> {
        let now = self.name_entry("state", of, &key)?;
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        misuse(state.store.delete(scope, &self.entry, now))
    }

    fn add(&mut self, of: Of, key: String, delta: i64, ttl: Option<u64>) -> Result<i64> {
        let now = self.name_entry("state", of, &key)?;
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        misuse(state.store.add(scope, &self.entry, delta, ttl, now))
    }

    fn compare_and_swap(
        &mut self,
        of: Of,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl: Option<u64>,
    ) -> Result<bool> {
        let now = self.name_entry("state", of, &key)?;
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        misuse(state.store.compare_and_swap(scope, &self.entry, expected.as_deref(), value, ttl, now))
    }
}

impl wit::limiter::Host for Host {
    fn acquire(
        &mut self,
        of: Of,
        key: String,
        quotas: Vec<wit::limiter::Quota>,
        cost: u64,
    ) -> Result<wit::limiter::Decision> {
        let now = self.name_entry("limiter", of, &key)?;
        let quotas: Vec<Quota> = quotas.into_iter().map(Quota::from).collect();
        let (state, scope) = (&self.plugin.state, &self.plugin.scope);
        let decision = misuse(state.limiter.acquire(scope, &self.entry, &quotas, cost, now))?;
        let standings = decision.standings.into_iter().map(|standing| wit::limiter::Standing {
            remaining: standing.remaining,
            reset: standing.reset,
            retry_after: standing.retry_after,
        });
        Ok(wit::limiter::Decision { allowed: decision.allowed, standings: standings.collect() })
    }
}

impl From<wit::limiter::Quota> for Quota {
    fn from(quota: wit::limiter::Quota) -> Self {
        let algorithm = match quota.algorithm {
            wit::limiter::Algorithm::TokenBucket => Algorithm::TokenBucket,
            wit::limiter::Algorithm::SlidingWindow => Algorithm::SlidingWindow,
        };
        Self { limit: quota.limit, window: quota.window, burst: quota.burst, algorithm }
    }
}

impl wit::consumers::Host for Host {
    fn find(&mut self, kind: String, id: String) -> Result<Option<String>> {
        let consumers = self.consumers()?;
        Ok(consumers.find(&kind, &id).map(|id| consumers.consumer(id).name.clone()))
    }

    fn verify(&mut self, kind: String, id: String, secret: Vec<u8>) -> Result<Option<String>> {
        let consumers = self.consumers()?;
        Ok(consumers.verify(&kind, &id, &secret).map(|id| consumers.consumer(id).name.clone()))
    }

    fn groups(&mut self, consumer: String) -> Result<Vec<String>> {
        let consumers = self.consumers()?;
        Ok(consumers.named(&consumer).map(|id| consumers.consumer(id).groups.clone()).unwrap_or_default())
    }
}

impl wit::identity::Host for Host {
    fn identify(&mut self, consumer: String) -> Result<bool> {
        match self.consumers()?.named(&consumer) {
            Some(found) => self.identified(found),
            None => Ok(false),
        }
    }

    fn authenticate(&mut self, kind: String, id: String, secret: Vec<u8>) -> Result<bool> {
        match self.consumers()?.verify(&kind, &id, &secret) {
            Some(found) => self.identified(found),
            None => Ok(false),
        }
    }

    fn authenticate_header(&mut self, kind: String, name: String) -> Result<bool> {
        let exchange = self.exchange()?;
        let mut values = exchange.request.headers.get_all(&name).iter();
        let (Some(secret), None) = (values.next(), values.next()) else { return Ok(false) };
        match exchange.directory.consumers.verify(&kind, "", secret.as_bytes()) {
            Some(found) => self.identified(found),
            None => Ok(false),
        }
    }
}

impl Host {
    /// Those of the configuration that the exchange started with.
    fn consumers(&mut self) -> Result<&Consumers> {
        Ok(&self.exchange()?.directory.consumers)
    }

    /// The caller is known. Says so in the headers that the plugin has declared for it.
    fn identified(&mut self, found: ConsumerId) -> Result<bool> {
        let Self { exchange: Some(exchange), declarations, .. } = self else { return Ok(false) };
        exchange.consumer = Some(found);
        let consumer = exchange.directory.consumers.consumer(found);
        for (name, fact) in &declarations.told {
            let text = match fact {
                Fact::Name => &consumer.name,
                Fact::Groups => &consumer.group_list,
            };
            // Names of the configuration hold no control characters.
            match HeaderValue::from_bytes(text.as_bytes()) {
                Ok(value) if !value.is_empty() => {
                    let edit = Edit::Set(name.clone(), value);
                    edit.apply(&mut exchange.request.headers).map_err(wasmtime::Error::new)?;
                }
                _ => drop(exchange.request.headers.remove(name)),
            }
        }
        Ok(true)
    }

    /// Leaves the name of an entry in `self.entry`, and answers the time. What depends on the state of the moment is not for
    /// `configure`: instances are configured at any time, and would differ.
    fn name_entry(&mut self, capability: &str, of: Of, key: &str) -> Result<Moment> {
        if self.stage == Stage::Configure {
            return Err(wasmtime::Error::msg(format!("`{capability}` cannot be used inside `configure`")));
        }
        let Self { exchange: Some(exchange), entry, plugin, .. } = self else {
            return Err(wasmtime::Error::msg(format!("`{capability}` cannot be used outside a hook")));
        };
        misuse(Whose::from(of).of(exchange).name_entry(key, entry))?;
        Ok(plugin.state.clock.at(exchange.now))
    }
}

/// What a plugin must not ask is a fault of the plugin.
fn misuse<T>(result: Result<T, Misuse>) -> Result<T> {
    result.map_err(wasmtime::Error::new)
}
