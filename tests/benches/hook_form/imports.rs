//! What guests import. The capabilities answer at once, so that what is measured is the crossing.

use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceType, WasmList, WasmStr};
use wasmtime::error::Context as _;
use wasmtime::{Engine, Result, StoreContextMut, format_err};

use crate::host::{Consumer, Exchange, Head, Host, RequestHandle, ResponseHandle};
use crate::shapes::{Decision, HeaderError, LentEdit, Quota, Reply, Standing};

/// Whose head a call is about.
#[derive(Clone, Copy)]
enum Of {
    Request,
    Response,
}

impl Of {
    fn head(self, exchange: &mut Exchange) -> &mut Head {
        match self {
            Of::Request => &mut exchange.request,
            Of::Response => &mut exchange.response,
        }
    }
}

fn header(store: &mut StoreContextMut<'_, Host>, name: WasmStr) -> Result<(Option<Vec<u8>>,)> {
    store.data_mut().crossings += 1;
    let name = name.to_str(&*store)?;
    let exchange = store.data().exchange.as_deref().context("called outside a hook")?;
    Ok((exchange.request.first(&name),))
}

fn set_header(
    mut store: StoreContextMut<'_, Host>,
    of: Of,
    name: WasmStr,
    value: WasmList<u8>,
) -> Result<(Result<(), HeaderError>,)> {
    // Out of the store for a moment, so that name and value need no copy.
    let mut exchange = store.data_mut().exchange.take().context("called outside a hook")?;
    let name = name.to_str(&store)?;
    let done = of.head(&mut exchange).set(&name, value.as_le_slice(&store));
    let host = store.data_mut();
    host.exchange = Some(exchange);
    host.crossings += 1;
    Ok((done,))
}

fn remove_header(mut store: StoreContextMut<'_, Host>, of: Of, name: WasmStr) -> Result<()> {
    let mut exchange = store.data_mut().exchange.take().context("called outside a hook")?;
    of.head(&mut exchange).0.remove(&*name.to_str(&store)?);
    let host = store.data_mut();
    host.exchange = Some(exchange);
    host.crossings += 1;
    Ok(())
}

fn apply(mut store: StoreContextMut<'_, Host>, edits: WasmList<LentEdit>) -> Result<(Result<(), HeaderError>,)> {
    let edits = edits.iter(&mut store)?.collect::<Result<Vec<_>>>()?;
    let mut exchange = store.data_mut().exchange.take().context("called outside a hook")?;
    let mut done = Ok(());
    for edit in &edits {
        match edit {
            LentEdit::SetHeader(header) => {
                let name = header.name.to_str(&store)?;
                done = done.and(exchange.request.set(&name, header.value.as_le_slice(&store)));
            }
            LentEdit::RemoveHeader(name) => {
                exchange.request.0.remove(&*name.to_str(&store)?);
            }
            _ => return Err(format_err!("an edit that no work makes")),
        }
    }
    let host = store.data_mut();
    host.exchange = Some(exchange);
    host.crossings += 1;
    Ok((done,))
}

/// The linker for `component`. What else it imports is WASI that the standard library drags in and
/// no work calls.
pub(crate) fn linker(engine: &Engine, component: &Component, table: bool) -> Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    linker.instance("tollgate:hook-form/types")?;
    capabilities(&mut linker)?;
    current(&mut linker)?;
    handles(&mut linker, table)?;
    linker.define_unknown_imports_as_traps(component)?;
    Ok(linker)
}

fn capabilities(linker: &mut Linker<Host>) -> Result<()> {
    let mut consumers = linker.instance("tollgate:hook-form/consumers")?;
    consumers.resource("consumer", ResourceType::host::<Consumer>(), |mut store, rep| {
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        host.table.delete(Resource::<Consumer>::new_own(rep))?;
        Ok(())
    })?;
    consumers.func_wrap("verify", |mut store, (_, _, secret): (WasmStr, WasmStr, WasmList<u8>)| {
        let name = store.data().keys.get(secret.as_le_slice(&store)).cloned();
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        let consumer = name.map(|name| host.table.push(Consumer(name))).transpose()?;
        Ok((consumer,))
    })?;
    consumers.func_wrap("[method]consumer.name", |mut store, (this,): (Resource<Consumer>,)| {
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        Ok((host.table.get(&this)?.0.clone(),))
    })?;
    let mut identity = linker.instance("tollgate:hook-form/identity")?;
    // It uses the type; what is not there `define_unknown_imports_as_traps` would define anew.
    identity.resource("consumer", ResourceType::host::<Consumer>(), |_, _| Ok(()))?;
    identity.func_wrap("identify", |mut store, (consumer,): (Resource<Consumer>,)| {
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        let name = host.table.get(&consumer)?.0.clone();
        host.exchange()?.consumer = Some(name);
        Ok(())
    })?;
    type Credential = (WasmStr, WasmStr, WasmList<u8>);
    identity.func_wrap("authenticate", |mut store, (_, _, secret): Credential| {
        let name = store.data().keys.get(secret.as_le_slice(&store)).cloned();
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        host.exchange()?.consumer = name.clone();
        Ok((name,))
    })?;
    let mut limiter = linker.instance("tollgate:hook-form/limiter")?;
    limiter.func_wrap("acquire", |mut store, (_, quotas, _): (WasmStr, WasmList<Quota>, u64)| {
        let standings = quotas
            .iter(&mut store)?
            .map(|quota| {
                let Quota { limit, window, .. } = quota?;
                Ok(Standing { remaining: limit - 1, reset: window, retry_after: 0 })
            })
            .collect::<Result<_>>()?;
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        Ok((Decision { allowed: true, standings },))
    })
}

fn current(linker: &mut Linker<Host>) -> Result<()> {
    let mut request = linker.instance("tollgate:hook-form/request")?;
    request.func_wrap("header", |mut store, (name,): (WasmStr,)| header(&mut store, name))?;
    request.func_wrap("client-address", |mut store, (): ()| client_address(store.data_mut()))?;
    request.func_wrap("set-header", |store, (name, value): (WasmStr, WasmList<u8>)| {
        set_header(store, Of::Request, name, value)
    })?;
    request.func_wrap("remove-header", |store, (name,): (WasmStr,)| remove_header(store, Of::Request, name))?;
    let mut response = linker.instance("tollgate:hook-form/response")?;
    response.func_wrap("status", |mut store, (): ()| status(store.data_mut()))?;
    response.func_wrap("set-header", |store, (name, value): (WasmStr, WasmList<u8>)| {
        set_header(store, Of::Response, name, value)
    })?;
    response.func_wrap("remove-header", |store, (name,): (WasmStr,)| remove_header(store, Of::Response, name))?;
    let mut exchange = linker.instance("tollgate:hook-form/current-exchange")?;
    exchange.func_wrap("apply", |store, (edits,): (WasmList<LentEdit>,)| apply(store, edits))?;
    exchange.func_wrap("answer", |mut store, (reply,): (Reply,)| {
        let host: &mut Host = store.data_mut();
        host.crossings += 1;
        host.exchange()?.reply = Some(reply);
        Ok(())
    })
}

fn client_address(host: &mut Host) -> Result<(String,)> {
    host.crossings += 1;
    Ok((host.exchange()?.client_address.clone(),))
}

fn status(host: &mut Host) -> Result<(u16,)> {
    host.crossings += 1;
    Ok((host.exchange()?.status,))
}

fn handles(linker: &mut Linker<Host>, table: bool) -> Result<()> {
    let request = ResourceType::host::<RequestHandle>();
    let response = ResourceType::host::<ResponseHandle>();
    // The worlds use them; what is not there `define_unknown_imports_as_traps` would define anew.
    linker.root().resource("request", request, |_, _| Ok(()))?;
    linker.root().resource("response", response, |_, _| Ok(()))?;
    let mut handles = linker.instance("tollgate:hook-form/handles")?;
    handles.resource("request", request, |_, _| Ok(()))?;
    handles.resource("response", response, |_, _| Ok(()))?;
    request_handle(&mut handles, table)?;
    response_handle(&mut handles, table)
}

fn request_handle(handles: &mut LinkerInstance<'_, Host>, table: bool) -> Result<()> {
    type This = Resource<RequestHandle>;
    handles.func_wrap("[method]request.header", move |mut store, (this, name): (This, WasmStr)| {
        check(table, store.data(), &this)?;
        header(&mut store, name)
    })?;
    handles.func_wrap("[method]request.client-address", move |mut store, (this,): (This,)| {
        check(table, store.data(), &this)?;
        client_address(store.data_mut())
    })?;
    handles.func_wrap(
        "[method]request.set-header",
        move |store, (this, name, value): (This, WasmStr, WasmList<u8>)| {
            check(table, store.data(), &this)?;
            set_header(store, Of::Request, name, value)
        },
    )?;
    handles.func_wrap("[method]request.remove-header", move |store, (this, name): (This, WasmStr)| {
        check(table, store.data(), &this)?;
        remove_header(store, Of::Request, name)
    })
}

fn response_handle(handles: &mut LinkerInstance<'_, Host>, table: bool) -> Result<()> {
    type This = Resource<ResponseHandle>;
    handles.func_wrap("[method]response.status", move |mut store, (this,): (This,)| {
        check(table, store.data(), &this)?;
        status(store.data_mut())
    })?;
    handles.func_wrap(
        "[method]response.set-header",
        move |store, (this, name, value): (This, WasmStr, WasmList<u8>)| {
            check(table, store.data(), &this)?;
            set_header(store, Of::Response, name, value)
        },
    )?;
    handles.func_wrap("[method]response.remove-header", move |store, (this, name): (This, WasmStr)| {
        check(table, store.data(), &this)?;
        remove_header(store, Of::Response, name)
    })
}

/// Looks the handle up, where it is an entry of the table.
fn check<T: 'static>(table: bool, host: &Host, handle: &Resource<T>) -> Result<()> {
    if table {
        host.table.get(handle)?;
    }
    Ok(())
}
