//! A plugin: a component with its configuration, grants and limits, and its instances.

use std::sync::Arc;
use std::time::Instant;

use super::answer::Action;
use super::component::{Component, Hooks, LoadError};
use super::condition::Condition;
use super::engine::Engine;
use super::fault::Fault;
use super::host::{Declarations, Identity, Kept};
use super::instance::Instance;
use super::outbound::{Outbound, OutboundPolicy};
use super::pool::{Lease, Pool};
use super::snapshot::{self, Snapshot};
use crate::config::{Grant, PluginLimits};
use crate::exchange::{Edit, Exchange};
use crate::state::State;
use crate::telemetry::metrics::{Hook, PluginMetrics};

/// What makes a plugin of a component.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginSpec {
    pub name: Arc<str>,
    /// Under what its state and limits are kept; no two plugins of a configuration share one.
    pub scope: Arc<str>,
    /// JSON.
    pub config: String,
    pub grants: Vec<Grant>,
    pub limits: PluginLimits,
    /// Its hooks of bodies see them decoded.
    pub decode: bool,
    /// Where its own requests may go, if they may.
    pub outbound: Option<Arc<OutboundPolicy>>,
    /// A fresh instance for each exchange, so that nothing of one can be seen by another.
    pub fresh: bool,
}

/// A fault that a plugin found in its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigureProblem {
    /// JSON Pointer (RFC 6901) into the plugin's configuration.
    pub pointer: String,
    pub message: String,
}

/// What a plugin has declared that it does to every exchange.
#[derive(Debug)]
pub struct Edits {
    /// After the request hook.
    pub request: Box<[Edit]>,
    /// Before the response hook.
    pub response: Box<[Edit]>,
}

impl Edits {
    fn of(declarations: &Declarations) -> Self {
        let copies = |edits: &[Edit]| edits.iter().map(Edit::copy).collect();
        Self { request: copies(&declarations.request_edits), response: copies(&declarations.response_edits) }
    }
}

/// A configured component that hooks can be called on.
pub struct Plugin {
    pub(super) identity: Arc<Identity>,
    /// What instances are made of: configured already, if there is a snapshot.
    component: Component,
    start: Start,
    spec: PluginSpec,
    declarations: Declarations,
    hooks: Hooks,
    waits: bool,
    /// What is declared, once for each worker: what they clone is counted on memory of their own.
    edits: Box<[Edits]>,
    metrics: Arc<PluginMetrics>,
    /// One for each worker, locked by nobody else on the path of a request.
    pools: Box<[Pool]>,
}

/// How an instance comes to its configuration.
enum Start {
    /// It runs `configure`.
    Configure,
    /// It is a copy of one that ran it.
    Snapshot,
    /// As the first; a snapshot was wanted, and this is why there is none.
    Unfit(String),
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.spec.name).field("scope", &self.spec.scope).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Checks the grants and runs `configure`, which says whether the configuration is good and what the plugin
    /// declares. `source` is what the component was compiled from: a plugin whose instances are fresh gets a snapshot.
    pub fn load(
        engine: &Engine,
        component: Component,
        source: &[u8],
        spec: PluginSpec,
        state: Arc<State>,
        metrics: Arc<PluginMetrics>,
        workers: usize,
    ) -> Result<Self, LoadError> {
        component.check_grants(&spec.grants)?;
        let most = engine.settings.memory;
        if spec.limits.memory > most as u64 {
            return Err(LoadError::Memory { asked: spec.limits.memory, most });
        }
        let identity = |kept| Identity {
            scope: spec.scope.clone(),
            state: Arc::clone(&state),
            metrics: Arc::clone(&metrics),
            outbound: spec.outbound.clone(),
            kept,
        };
        let unborn = Arc::new(identity(None));
        let snapshot = spec.fresh.then(|| snapshot::take(engine, source, &unborn, &spec));
        let (component, start, declarations, keys) = match snapshot {
            Some(Ok(Snapshot { component, declarations, keys })) => (component, Start::Snapshot, declarations, keys),
            unfit => {
                // Also finds out what is wrong with the configuration, if that is why there is no snapshot.
                let mut first = Instance::start(&component, unborn.clone(), &spec.limits)?;
                first.configure(&component, &spec.config)?;
                let start = match unfit {
                    Some(Err(unfit)) => Start::Unfit(unfit.to_string()),
                    _ => Start::Configure,
                };
                (component, start, first.declarations().clone(), first.take_keys())
            }
        };
        let kept = Kept { series: metrics.declare(&declarations.metrics), keys };
        let identity = Arc::new(identity(Some(kept)));
        let hooks = component.hooks(&declarations);
        let edits = (0..workers).map(|_| Edits::of(&declarations)).collect();
        let pools = (0..workers).map(|_| Pool::new(spec.limits.instances)).collect();
        let waits = component.waits();
        Ok(Self { identity, component, start, spec, declarations, hooks, waits, edits, metrics, pools })
    }

    /// Why each fresh instance has to run `configure` again.
    pub fn unfit(&self) -> Option<&str> {
        match &self.start {
            Start::Unfit(reason) => Some(reason),
            Start::Configure | Start::Snapshot => None,
        }
    }

    pub fn name(&self) -> &Arc<str> {
        &self.spec.name
    }

    /// What it is called in logs and metrics: no other plugin of a configuration is called so.
    pub fn scope(&self) -> &Arc<str> {
        &self.spec.scope
    }

    pub fn metrics(&self) -> &PluginMetrics {
        &self.metrics
    }

    pub fn spec(&self) -> &PluginSpec {
        &self.spec
    }

    /// The hooks that are called.
    pub fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// Whether `on-request` is worth a call for this exchange.
    pub fn minds_request(&self, exchange: &Exchange, now: Instant) -> bool {
        self.any_holds(&self.declarations.request_when, exchange, now)
    }

    /// Whether `on-response` is worth a call for this exchange.
    pub fn minds_response(&self, exchange: &Exchange, now: Instant) -> bool {
        self.any_holds(&self.declarations.response_when, exchange, now)
    }

    fn any_holds(&self, when: &Option<Vec<Condition>>, exchange: &Exchange, now: Instant) -> bool {
        let Some(conditions) = when else { return true };
        conditions.iter().any(|condition| condition.holds(&self.identity, exchange, now))
    }

    /// What is done to every exchange without a call.
    pub fn edits(&self, worker: usize) -> &Edits {
        &self.edits[worker]
    }

    pub fn declarations(&self) -> &Declarations {
        &self.declarations
    }

    /// Whether each exchange gets an instance of its own, by [`Plugin::lease`].
    pub fn is_leased(&self) -> bool {
        self.spec.fresh || self.hooks.chunks()
    }

    /// Whether its calls may wait for answers of others: make those of [`Plugin::call_waiting`].
    pub fn waits(&self) -> bool {
        self.waits
    }

    /// Instances that may live at once: those that wait, run or are leased, and one that is being made.
    pub fn slots(&self, workers: usize) -> usize {
        let each = match (self.is_leased(), self.waits()) {
            (true, _) => self.spec.limits.instances,
            // One more, for calls that never wait.
            (false, true) => self.spec.limits.instances.saturating_add(1),
            (false, false) => 1,
        };
        workers.saturating_mul(each).saturating_add(1)
    }

    /// An instance for one whole exchange, or for one call that may wait. Waits while all are in use; the queue is bounded, and so
    /// is the wait.
    pub async fn lease(self: &Arc<Self>, worker: usize) -> Result<Lease, Fault> {
        let slot = self.pools[worker].slot(&self.spec.limits).await?;
        if self.spec.fresh {
            return Ok(Lease::new(self.instance(worker)?, slot, None));
        }
        let instance = self.pools[worker].take().map_or_else(|| self.instance(worker), |instance| Ok(*instance))?;
        Ok(Lease::new(instance, slot, Some((Arc::clone(self), worker))))
    }

    /// Takes back the instance of an exchange that has ended well.
    pub(super) fn give_back(&self, worker: usize, instance: Instance) {
        if instance.calls() < self.spec.limits.calls {
            self.pools[worker].give(Box::new(instance));
        }
    }

    /// Calls a hook on the instance of a lease. A fault ends the instance; the call after it gets another one.
    pub fn call_leased(
        &self,
        worker: usize,
        lease: &mut Lease,
        hook: Hook,
        place: usize,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Action, Fault>) {
        let instance = match lease.instance_or(|| self.instance(worker)) {
            Ok(instance) => instance,
            Err(fault) => return (exchange, Err(fault)),
        };
        let is_last = exchange.piece.as_ref().is_some_and(|piece| piece.is_last);
        let (exchange, result) = instance.call(hook, place, exchange);
        match result {
            Ok(_) => lease.called(hook, is_last),
            Err(_) => lease.end(),
        }
        (exchange, result)
    }

    /// Calls a hook on the instance of a lease, and waits for what it waits for. `exchange` is lent for that time; a call
    /// that is dropped gives it back and ends the instance.
    pub async fn call_waiting(
        &self,
        worker: usize,
        lease: &mut Lease,
        hook: Hook,
        place: usize,
        exchange: &mut Option<Box<Exchange>>,
        outbound: &dyn Outbound,
    ) -> Result<Action, Fault> {
        // Not in the lease meanwhile: what is in its middle is of no use to anybody.
        let mut instance = lease.take_or(|| self.instance(worker))?;
        let action = instance.call_waiting(hook, place, exchange, outbound).await?;
        lease.put(instance);
        Ok(action)
    }

    /// Lends an instance of the worker's pool for one call, and takes it back if the call went well.
    pub fn call(
        &self,
        worker: usize,
        hook: Hook,
        place: usize,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Action, Fault>) {
        let pool = &self.pools[worker];
        let mut instance = match pool.take() {
            Some(instance) => instance,
            None => match self.instance(worker) {
                Ok(instance) => Box::new(instance),
                Err(fault) => return (exchange, Err(fault)),
            },
        };
        let (exchange, result) = instance.call(hook, place, exchange);
        if result.is_ok() && instance.calls() < self.spec.limits.calls {
            pool.give(instance);
        }
        (exchange, result)
    }

    /// A new instance, configured.
    fn instance(&self, worker: usize) -> Result<Instance, Fault> {
        self.pools[worker].make(|| {
            let started = Instance::start(&self.component, self.identity.clone(), &self.spec.limits);
            let mut instance = started.map_err(|error| Fault::Instantiate(error.to_string()))?;
            instance.count(Arc::clone(&self.metrics), worker);
            if let Start::Snapshot = self.start {
                instance.tell(&self.declarations);
                return Ok(instance);
            }
            match instance.configure(&self.component, &self.spec.config) {
                Ok(()) => Ok(instance),
                Err(error) => Err(Fault::Configure(error.to_string())),
            }
        })
    }
}
