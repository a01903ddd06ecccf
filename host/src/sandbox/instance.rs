//! A live copy of a component: calls its hooks.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{self, TypedFunc};

use super::answer::{self, Action as Checked};
use super::bindings::Problem;
use super::bindings::http::{Action, ChunkAction};
use super::component::{Component, LoadError};
use super::engine::TICK;
use super::fault::Fault;
use super::host::{Declarations, Host, Identity, Stage};
use super::outbound::{Outbound, at_once, drive};
use super::plugin::ConfigureProblem;
use crate::config::PluginLimits;
use crate::crypto::Key;
use crate::exchange::Exchange;
use crate::telemetry::metrics::{Hook, PluginMetrics};

/// A live copy of a component. After a fault it must not be called again.
pub(super) struct Instance {
    store: Store<Host>,
    handle: component::Instance,
    on_request: Option<TypedFunc<(), (Action,)>>,
    on_request_body: Option<TypedFunc<(), (Action,)>>,
    on_request_chunk: Option<TypedFunc<(), (ChunkAction,)>>,
    on_response: Option<TypedFunc<(), (Action,)>>,
    on_response_body: Option<TypedFunc<(), (Action,)>>,
    on_response_chunk: Option<TypedFunc<(), (ChunkAction,)>>,
    on_log: Option<TypedFunc<(), ()>>,
    /// Whether its calls are made on fibers, because some import waits.
    waits: bool,
    calls: u64,
    /// Where it is counted as alive.
    counted: Option<(Arc<PluginMetrics>, usize)>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Some((metrics, worker)) = &self.counted {
            metrics.instance_ended(*worker);
        }
    }
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Instance {
    /// Takes a slot of the pooling allocator and runs the component's start functions.
    pub(super) fn start(
        component: &Component,
        plugin: Arc<Identity>,
        limits: &PluginLimits,
    ) -> Result<Self, LoadError> {
        let most_body = limits.max_body.max(plugin.outbound.as_ref().map_or(0, |outbound| outbound.max_body));
        let start = |error: wasmtime::Error| LoadError::Start(format!("{error:#}"));
        let mut host = Host::new(plugin, limits);
        if component.speaks_http() {
            host.speak_http().map_err(start)?;
        }
        let mut store = Store::new(component.pre.engine(), host);
        store.limiter(|host| &mut host.memory);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().deadline.check()?;
            Ok(wasmtime::UpdateDeadline::Continue(1))
        });
        store.set_epoch_deadline(1);
        store.set_hostcall_fuel(MOST_BYTES_PER_CALL.max(most_body.saturating_add(MOST_BESIDE_BODY)));
        let instance = match component.waits() {
            true => at_once(component.pre.instantiate_async(&mut store)),
            false => component.pre.instantiate(&mut store),
        };
        let instance = instance.map_err(start)?;
        let exports = &component.exports;
        Ok(Self {
            on_request: typed(&instance, &mut store, exports.on_request).map_err(other_type)?,
            on_request_body: typed(&instance, &mut store, exports.on_request_body).map_err(other_type)?,
            on_request_chunk: typed(&instance, &mut store, exports.on_request_chunk).map_err(other_type)?,
            on_response: typed(&instance, &mut store, exports.on_response).map_err(other_type)?,
            on_response_body: typed(&instance, &mut store, exports.on_response_body).map_err(other_type)?,
            on_response_chunk: typed(&instance, &mut store, exports.on_response_chunk).map_err(other_type)?,
            on_log: typed(&instance, &mut store, exports.on_log).map_err(other_type)?,
            store,
            handle: instance,
            waits: component.waits(),
            calls: 0,
            counted: None,
        })
    }

    /// Counts it as alive on this worker until it is dropped.
    pub(super) fn count(&mut self, metrics: Arc<PluginMetrics>, worker: usize) {
        metrics.instance_started(worker);
        self.store.data_mut().worker = worker;
        self.counted = Some((metrics, worker));
    }

    /// Calls `configure`, the first call of every instance. `config` is JSON.
    pub(super) fn configure(&mut self, component: &Component, config: &str) -> Result<(), LoadError> {
        // Looked up here: an instance that is made of a snapshot needs it not.
        let configure: TypedFunc<(String,), (Result<(), Vec<Problem>>,)> =
            self.handle.get_typed_func(&mut self.store, component.exports.configure).map_err(other_type)?;
        self.begin(Stage::Configure, 0, None);
        let result = self.run(configure, (config.to_owned(),));
        match self.end(result) {
            Ok((Ok(()),)) => Ok(()),
            Ok((Err(problems),)) => Err(LoadError::Refused(problems.into_iter().map(ConfigureProblem::from).collect())),
            Err(fault) => Err(LoadError::Configure(fault.to_string())),
        }
    }

    pub(super) fn declarations(&self) -> &Declarations {
        &self.store.data().declarations
    }

    /// The keys that its `configure` made, of the first instance of a plugin.
    pub(super) fn take_keys(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.store.data_mut().new_keys)
    }

    /// What it needs to know of declarations that were made before a snapshot.
    pub(super) fn tell(&mut self, declarations: &Declarations) {
        self.store.data_mut().declarations.told.clone_from(&declarations.told);
    }

    /// What wasmtime knows it by.
    pub(super) fn parts(&mut self) -> (&mut Store<Host>, component::Instance) {
        (&mut self.store, self.handle)
    }

    /// Hook calls so far.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// Calls a hook, if there is one. `place` is the plugin's place in the chain. In the exchange there is what the hook is
    /// about: a response, a body, the end.
    pub(super) fn call(
        &mut self,
        hook: Hook,
        place: usize,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Checked, Fault>) {
        let action = match hook {
            Hook::Request => self.on_request,
            Hook::RequestBody => self.on_request_body,
            Hook::Response => self.on_response,
            Hook::ResponseBody => self.on_response_body,
            Hook::RequestChunk => return self.chunk(hook, self.on_request_chunk, place, exchange),
            Hook::ResponseChunk => return self.chunk(hook, self.on_response_chunk, place, exchange),
            Hook::Log => return self.log(place, exchange),
        };
        let Some(action) = action else { return (exchange, Ok(Checked::Next)) };
        self.begin(Stage::Hook(hook), place, Some(exchange));
        let result = self.run(action, ());
        let result = self.end(result).and_then(|(action,)| answer::check(action, self.store.data_mut().reply.take()));
        (self.take_exchange(), result)
    }

    /// As [`Instance::call`], of the hooks that may wait. The exchange is lent for that time; when the call is dropped, it is
    /// back, and the instance must not be called again.
    pub(super) async fn call_waiting(
        &mut self,
        hook: Hook,
        place: usize,
        exchange: &mut Option<Box<Exchange>>,
        outbound: &dyn Outbound,
    ) -> Result<Checked, Fault> {
        let function = match hook {
            Hook::Request => self.on_request,
            Hook::RequestBody => self.on_request_body,
            Hook::Response => self.on_response,
            Hook::ResponseBody => self.on_response_body,
            Hook::RequestChunk | Hook::ResponseChunk | Hook::Log => None,
        };
        let Some(function) = function else { return Ok(Checked::Next) };
        self.begin(Stage::Hook(hook), place, exchange.take());
        let lent = Lent { instance: self, home: exchange };
        let mailbox = lent.instance.store.data().mailbox.clone();
        let result = drive(mailbox, outbound, function.call_async(&mut lent.instance.store, ())).await;
        let instance = &mut *lent.instance;
        let result = instance.end(result);
        result.and_then(|(action,)| answer::check(action, instance.store.data_mut().reply.take()))
    }

    /// Calls a function that waits for nothing.
    fn run<P, R>(&mut self, function: TypedFunc<P, R>, parameters: P) -> wasmtime::Result<R>
    where
        P: component::ComponentNamedList + component::Lower + Send + Sync + 'static,
        R: component::ComponentNamedList + component::Lift + Send + Sync + 'static,
    {
        match self.waits {
            true => at_once(function.call_async(&mut self.store, parameters)),
            false => function.call(&mut self.store, parameters),
        }
    }

    fn chunk(
        &mut self,
        hook: Hook,
        function: Option<TypedFunc<(), (ChunkAction,)>>,
        place: usize,
        exchange: Box<Exchange>,
    ) -> (Box<Exchange>, Result<Checked, Fault>) {
        let Some(function) = function else { return (exchange, Ok(Checked::Next)) };
        self.begin(Stage::Hook(hook), place, Some(exchange));
        let result = self.run(function, ());
        let result = self.end(result).map(|(action,)| action.into());
        (self.take_exchange(), result)
    }

    fn log(&mut self, place: usize, exchange: Box<Exchange>) -> (Box<Exchange>, Result<Checked, Fault>) {
        let Some(hook) = self.on_log else { return (exchange, Ok(Checked::Next)) };
        self.begin(Stage::Hook(Hook::Log), place, Some(exchange));
        let result = self.run(hook, ());
        let result = self.end(result).map(|()| Checked::Next);
        (self.take_exchange(), result)
    }

    fn begin(&mut self, stage: Stage, place: usize, exchange: Option<Box<Exchange>>) {
        self.calls += u64::from(stage != Stage::Configure);
        self.store.data_mut().begin(stage, place, exchange);
        self.store.set_epoch_deadline(1);
    }

    /// Makes a fault of an error and writes out what the guest printed last.
    fn end<T>(&mut self, result: wasmtime::Result<T>) -> Result<T, Fault> {
        let host = self.store.data_mut();
        let denied = host.memory.denied();
        let (console, speaker) = host.console();
        console.end_call(speaker);
        result.map_err(|error| {
            speaker.backtrace(&error);
            Fault::of_call(&error, denied)
        })
    }

    fn take_exchange(&mut self) -> Box<Exchange> {
        self.store.data_mut().exchange.take().expect("lent at the beginning of the call, and imports only borrow it")
    }
}

/// Gives the exchange back, however the call ends.
struct Lent<'a> {
    instance: &'a mut Instance,
    home: &'a mut Option<Box<Exchange>>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.home = Some(self.instance.take_exchange());
    }
}

/// Bytes that a guest can hand to the host in one import or answer.
const MOST_BYTES_PER_CALL: usize = 8 * 1024 * 1024;
/// Of those, what is no body where a body may be longer.
const MOST_BESIDE_BODY: usize = 64 * 1024;

const _: () = assert!(TICK.as_millis() > 0, "deadlines are counted in ticks");

fn other_type(error: wasmtime::Error) -> LoadError {
    LoadError::OtherType(format!("{error:#}"))
}

fn typed<P, R>(
    instance: &component::Instance,
    store: &mut Store<Host>,
    export: Option<component::ComponentExportIndex>,
) -> wasmtime::Result<Option<TypedFunc<P, R>>>
where
    P: component::ComponentNamedList + component::Lower,
    R: component::ComponentNamedList + component::Lift,
{
    export.map(|export| instance.get_typed_func(store, export)).transpose()
}

impl From<Problem> for ConfigureProblem {
    fn from(problem: Problem) -> Self {
        Self { pointer: problem.pointer, message: problem.message }
    }
}
