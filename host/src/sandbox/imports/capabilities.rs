//! `state`, `limiter`, `consumers` and `identity`: what grants open.

use wasmtime::Result;

use crate::sandbox::bindings as wit;
use crate::sandbox::host::{Host, Stage};
use crate::state::{Algorithm, Consumers, Misuse, Quota};

impl wit::state::Host for Host {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>> {
        self.after_configure("state")?;
        let state = &self.plugin.state;
        misuse(state.store.get(&self.plugin.scope, &key, state.clock.now()))
    }

    fn set(&mut self, key: String, value: Vec<u8>, ttl: Option<u64>) -> Result<()> {
        self.after_configure("state")?;
        let state = &self.plugin.state;
        misuse(state.store.set(&self.plugin.scope, &key, value, ttl, state.clock.now()))
    }

    fn delete(&mut self, key: String) -> Result<bool> {
        self.after_configure("state")?;
        let state = &self.plugin.state;
        misuse(state.store.delete(&self.plugin.scope, &key, state.clock.now()))
    }

    fn add(&mut self, key: String, delta: i64, ttl: Option<u64>) -> Result<i64> {
        self.after_configure("state")?;
        let state = &self.plugin.state;
        misuse(state.store.add(&self.plugin.scope, &key, delta, ttl, state.clock.now()))
    }

    fn compare_and_swap(
        &mut self,
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
        ttl: Option<u64>,
    ) -> Result<bool> {
        self.after_configure("state")?;
        let state = &self.plugin.state;
        let now = state.clock.now();
        misuse(state.store.compare_and_swap(&self.plugin.scope, &key, expected.as_deref(), value, ttl, now))
    }
}

impl wit::limiter::Host for Host {
    fn acquire(&mut self, key: String, quotas: Vec<wit::limiter::Quota>, cost: u64) -> Result<wit::limiter::Decision> {
        self.after_configure("limiter")?;
        let quotas: Vec<Quota> = quotas.into_iter().map(Quota::from).collect();
        let state = &self.plugin.state;
        let decision = misuse(state.limiter.acquire(&self.plugin.scope, &key, &quotas, cost, state.clock.now()))?;
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
        let found = self.consumers()?.named(&consumer);
        if found.is_some() {
            self.exchange()?.consumer = found;
        }
        Ok(found.is_some())
    }

    fn authenticate(&mut self, kind: String, id: String, secret: Vec<u8>) -> Result<Option<String>> {
        let consumers = self.consumers()?;
        let Some(found) = consumers.verify(&kind, &id, &secret) else { return Ok(None) };
        let name = consumers.consumer(found).name.clone();
        self.exchange()?.consumer = Some(found);
        Ok(Some(name))
    }
}

impl Host {
    /// Those of the configuration that the exchange started with.
    fn consumers(&mut self) -> Result<&Consumers> {
        Ok(&self.exchange()?.directory.consumers)
    }

    /// What depends on the state of the moment is not for `configure`: instances are configured at
    /// any time, and would differ.
    fn after_configure(&self, capability: &str) -> Result<()> {
        if self.stage == Stage::Configure {
            return Err(wasmtime::Error::msg(format!("`{capability}` cannot be used inside `configure`")));
        }
        Ok(())
    }
}

/// What a plugin must not ask is a fault of the plugin.
fn misuse<T>(result: Result<T, Misuse>) -> Result<T> {
    result.map_err(wasmtime::Error::new)
}
