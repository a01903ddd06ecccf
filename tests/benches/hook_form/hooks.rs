//! The forms: what the gateway does around one call of a hook.

use http::HeaderName;
use wasmtime::component::{Component, ComponentNamedList, Instance, Lift, Lower, Resource, TypedFunc};
use wasmtime::{Engine, Result, Store, bail, format_err};

use crate::host::{Exchange, Host, RequestHandle, ResponseHandle};
use crate::imports;
use crate::settings::Settings;
use crate::shapes::{Action, Answer, Edit, Flow};

/// A plugin, ready to be called over and over with one exchange.
pub(crate) struct Plugin {
    settings: Settings,
    store: Store<Host>,
    instance: Instance,
    /// Out of the store between calls.
    exchange: Option<Box<Exchange>>,
    /// What the plugin declared that it reads.
    reads: Vec<HeaderName>,
}

/// One call.
pub(crate) type Call = Box<dyn FnMut() -> Result<()>>;

type Read = Vec<Option<Vec<u8>>>;

/// What a call cost, besides time.
pub(crate) struct Cost {
    pub(crate) crossings: u64,
    pub(crate) guest_allocations: u64,
}

impl Plugin {
    pub(crate) fn new(
        engine: &Engine,
        settings: &Settings,
        component: &Component,
        work: &str,
        reads: &[&'static str],
    ) -> Result<Self> {
        let mut store = settings.store(engine);
        let linker = imports::linker(engine, component, settings.handle_in_table)?;
        let instance = linker.instantiate(&mut store, component)?;
        let configure = instance.get_typed_func::<(String,), ()>(&mut store, "configure")?;
        configure.call(&mut store, (work.into(),))?;
        Ok(Self {
            settings: settings.clone(),
            store,
            instance,
            exchange: Some(Exchange::new()),
            reads: reads.iter().map(|name| HeaderName::from_static(name)).collect(),
        })
    }

    /// What one call of `form` costs, and how to make more of them.
    pub(crate) fn prepare(mut self, form: Form, response: bool) -> Result<(Cost, Call)> {
        let counter = self.func::<(), (u64,)>("allocations")?;
        let mut call = form.call(&mut self, response)?;
        call(&mut self)?; // the guest's allocator is warm from here on
        let (before,) = counter.call(&mut self.store, ())?;
        self.store.data_mut().crossings = 1;
        call(&mut self)?;
        let crossings = self.store.data().crossings;
        let (after,) = counter.call(&mut self.store, ())?;
        let cost = Cost { crossings, guest_allocations: after - before };
        Ok((cost, Box::new(move || call(&mut self))))
    }

    fn func<P, R>(&mut self, name: &str) -> Result<TypedFunc<P, R>>
    where
        P: ComponentNamedList + Lower,
        R: ComponentNamedList + Lift,
    {
        self.instance.get_typed_func(&mut self.store, name)
    }

    /// The exchange goes into the store for the time of a call.
    fn enter(&mut self) {
        self.settings.arm(&mut self.store);
        self.store.data_mut().exchange = self.exchange.take();
    }

    fn leave(&mut self, edits: &[Edit], action: Action, response: bool) -> Result<()> {
        self.exchange = self.store.data_mut().exchange.take();
        let exchange = self.exchange.as_mut().ok_or_else(|| format_err!("the exchange is gone"))?;
        let head = if response { &mut exchange.response } else { &mut exchange.request };
        head.apply(edits)?;
        match action {
            Action::Next => Ok(()),
            Action::Reply(reply) => bail!("the guest replied {}", reply.status),
        }
    }

    fn prefetch(&self) -> Read {
        let Some(exchange) = &self.exchange else {
            return Vec::new();
        };
        let first = |name| exchange.request.0.get(name).map(|value| value.as_bytes().to_vec());
        self.reads.iter().map(first).collect()
    }

    /// A handle for one call.
    fn lend<T: Send + 'static>(&mut self, value: T) -> Result<Lent<T>> {
        if !self.settings.handle_in_table {
            return Ok(Lent { owned: None, rep: 0 });
        }
        let owned = self.store.data_mut().table.push(value)?;
        let rep = owned.rep();
        Ok(Lent { owned: Some(owned), rep })
    }

    fn take_back<T: Send + 'static>(&mut self, lent: Lent<T>) -> Result<()> {
        if let Some(owned) = lent.owned {
            self.store.data_mut().table.delete(owned)?;
        }
        Ok(())
    }
}

struct Lent<T: 'static> {
    owned: Option<Resource<T>>,
    rep: u32,
}

impl<T: 'static> Lent<T> {
    fn borrow(&self) -> Resource<T> {
        Resource::new_borrow(self.rep)
    }
}

/// How a hook is called; `main.rs` says what the letters stand for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Handles,
    HandlesAndEdits,
    Current,
    Calls,
    Batch,
    Each,
    Flow,
    TakeOptions,
    TakePacked,
    /// [`Form::TakeOptions`], but the list borrows from the exchange. The type of such a list has a
    /// lifetime, so that the function is looked at again in every call.
    TakeBorrowed,
}

type Step = Box<dyn FnMut(&mut Plugin) -> Result<()>>;

impl Form {
    /// Name of the component that has it.
    pub(crate) fn guest(self) -> &'static str {
        match self {
            Form::Handles => "handles",
            Form::HandlesAndEdits => "handles_edits",
            _ => "current",
        }
    }

    fn call(self, plugin: &mut Plugin, response: bool) -> Result<Step> {
        match (self, response) {
            (Form::Handles, false) => handles(plugin),
            (Form::Handles, true) => handles_response(plugin),
            (Form::HandlesAndEdits, false) => handles_and_edits(plugin),
            (Form::HandlesAndEdits, true) => handles_and_edits_response(plugin),
            (Form::Current, _) => current(plugin, response),
            (Form::Calls, false) => calls(plugin, "on-request-calls"),
            (Form::Calls, true) => calls(plugin, "on-response-calls"),
            (Form::Batch, _) => read_and_calls(plugin, "on-request-batch"),
            (Form::Each, _) => read_and_calls(plugin, "on-request-each"),
            (Form::Flow, false) => flow(plugin, "on-request-flow"),
            (Form::Flow, true) => flow(plugin, "on-response-flow"),
            (Form::TakeOptions, _) => take_options(plugin),
            (Form::TakePacked, _) => take_packed(plugin),
            (Form::TakeBorrowed, _) => take_borrowed(plugin),
        }
    }
}

fn handles(plugin: &mut Plugin) -> Result<Step> {
    let hook = plugin.func::<(Resource<RequestHandle>,), (Action,)>("on-request")?;
    Ok(Box::new(move |plugin| {
        plugin.enter();
        let request = plugin.lend(RequestHandle)?;
        let (action,) = hook.call(&mut plugin.store, (request.borrow(),))?;
        plugin.take_back(request)?;
        plugin.leave(&[], action, false)
    }))
}

fn handles_response(plugin: &mut Plugin) -> Result<Step> {
    type Handles = (Resource<RequestHandle>, Resource<ResponseHandle>);
    let hook = plugin.func::<Handles, (Action,)>("on-response")?;
    Ok(Box::new(move |plugin| {
        plugin.enter();
        let request = plugin.lend(RequestHandle)?;
        let response = plugin.lend(ResponseHandle)?;
        let handles = (request.borrow(), response.borrow());
        let (action,) = hook.call(&mut plugin.store, handles)?;
        plugin.take_back(request)?;
        plugin.take_back(response)?;
        plugin.leave(&[], action, true)
    }))
}

fn handles_and_edits(plugin: &mut Plugin) -> Result<Step> {
    let hook = plugin.func::<(Resource<RequestHandle>, Read), (Answer,)>("on-request")?;
    Ok(Box::new(move |plugin| {
        let read = plugin.prefetch();
        plugin.enter();
        let request = plugin.lend(RequestHandle)?;
        let (answer,) = hook.call(&mut plugin.store, (request.borrow(), read))?;
        plugin.take_back(request)?;
        plugin.leave(&answer.edits, answer.action, false)
    }))
}

fn handles_and_edits_response(plugin: &mut Plugin) -> Result<Step> {
    type Params = (Resource<RequestHandle>, Resource<ResponseHandle>, Read);
    let hook = plugin.func::<Params, (Answer,)>("on-response")?;
    Ok(Box::new(move |plugin| {
        let read = plugin.prefetch();
        plugin.enter();
        let request = plugin.lend(RequestHandle)?;
        let response = plugin.lend(ResponseHandle)?;
        let params = (request.borrow(), response.borrow(), read);
        let (answer,) = hook.call(&mut plugin.store, params)?;
        plugin.take_back(request)?;
        plugin.take_back(response)?;
        plugin.leave(&answer.edits, answer.action, true)
    }))
}

fn current(plugin: &mut Plugin, response: bool) -> Result<Step> {
    let name = if response { "on-response" } else { "on-request" };
    let hook = plugin.func::<(Read,), (Answer,)>(name)?;
    Ok(Box::new(move |plugin| {
        let read = plugin.prefetch();
        plugin.enter();
        let (answer,) = hook.call(&mut plugin.store, (read,))?;
        plugin.leave(&answer.edits, answer.action, response)
    }))
}

fn calls(plugin: &mut Plugin, name: &str) -> Result<Step> {
    let hook = plugin.func::<(), (Action,)>(name)?;
    Ok(Box::new(move |plugin| {
        plugin.enter();
        let (action,) = hook.call(&mut plugin.store, ())?;
        plugin.leave(&[], action, false)
    }))
}

fn flow(plugin: &mut Plugin, name: &str) -> Result<Step> {
    let hook = plugin.func::<(), (Flow,)>(name)?;
    Ok(Box::new(move |plugin| {
        plugin.enter();
        let (flow,) = hook.call(&mut plugin.store, ())?;
        plugin.leave(&[], Action::Next, false)?;
        match flow {
            Flow::Next => Ok(()),
            Flow::Replied => bail!("the guest replied"),
        }
    }))
}

fn read_and_calls(plugin: &mut Plugin, name: &str) -> Result<Step> {
    let hook = plugin.func::<(Read,), (Action,)>(name)?;
    Ok(Box::new(move |plugin| {
        let read = plugin.prefetch();
        plugin.enter();
        let (action,) = hook.call(&mut plugin.store, (read,))?;
        plugin.leave(&[], action, false)
    }))
}

fn take_options(plugin: &mut Plugin) -> Result<Step> {
    let hook = plugin.func::<(Read,), ()>("take-options")?;
    Ok(Box::new(move |plugin| {
        let read = plugin.prefetch();
        plugin.enter();
        hook.call(&mut plugin.store, (read,))?;
        plugin.leave(&[], Action::Next, false)
    }))
}

fn take_packed(plugin: &mut Plugin) -> Result<Step> {
    let hook = plugin.func::<(Vec<u8>,), ()>("take-packed")?;
    Ok(Box::new(move |plugin| {
        let Some(exchange) = &plugin.exchange else { bail!("the exchange is gone") };
        let mut read = Vec::with_capacity(128);
        for name in &plugin.reads {
            let value = exchange.request.0.get(name).map_or(&b""[..], |value| value.as_bytes());
            read.extend_from_slice(&(value.len() as u32).to_le_bytes());
            read.extend_from_slice(value);
        }
        plugin.enter();
        hook.call(&mut plugin.store, (read,))?;
        plugin.leave(&[], Action::Next, false)
    }))
}

fn take_borrowed(plugin: &mut Plugin) -> Result<Step> {
    let hook = *plugin.func::<(Read,), ()>("take-options")?.func();
    Ok(Box::new(move |plugin| {
        // Out of the store, since the call borrows from it.
        plugin.settings.arm(&mut plugin.store);
        let Some(exchange) = &plugin.exchange else { bail!("the exchange is gone") };
        let first = |name| exchange.request.0.get(name).map(|value| value.as_bytes());
        let read: Vec<Option<&[u8]>> = plugin.reads.iter().map(first).collect();
        let hook = hook.typed::<(&[Option<&[u8]>],), ()>(&plugin.store)?;
        hook.call(&mut plugin.store, (&read,))
    }))
}
