//! The exports of a component: what the `#[plugin]` macro plugs the generated glue into.

use super::bindings::imports::tollgate::plugin as contract;
use super::bindings::imports::tollgate::plugin::log::{Failure, fail};
use super::bindings::{
    configure, on_log, on_request, on_request_body, on_request_chunk, on_response, on_response_body, on_response_chunk,
};
use super::guest;
use crate::hook::{
    IntoAction, IntoChunkAction, IntoLogged, OnLog, OnRequest, OnRequestBody, OnRequestChunk, OnResponse,
    OnResponseBody, OnResponseChunk,
};
use crate::{Body, Chunk, ConfigError, LogEntry, Plugin, Request, Response, config};
use std::cell::OnceCell;
use std::marker::PhantomData;

/// Where the configured plugin of this component instance lives. The macro implements it.
pub trait Instance: Plugin + Sized + 'static {
    /// Lends the cell, which `configure` fills once.
    fn cell<R>(with: impl FnOnce(&OnceCell<Self>) -> R) -> R;
}

/// The exports of the plugin `P`.
pub struct Export<P>(PhantomData<P>);

impl<P: Instance> configure::exports::tollgate::plugin::configure::Guest for Export<P> {
    fn configure(config: String) -> Result<(), Vec<configure::exports::tollgate::plugin::configure::Problem>> {
        std::panic::set_hook(Box::new(fail_of_panic));
        let problem = |problem: config::Problem| configure::exports::tollgate::plugin::configure::Problem {
            pointer: problem.pointer,
            message: problem.message,
        };
        let plugin = config::configure::<P>(&config)
            .map_err(|error: ConfigError| error.into_problems().map(problem).collect::<Vec<_>>())?;
        P::cell(|cell| {
            if cell.set(plugin).is_err() {
                fault("`configure` was called twice in one instance");
            }
        });
        Ok(())
    }
}

impl<P: Instance + OnRequest> on_request::exports::tollgate::plugin::on_request::Guest for Export<P> {
    fn on_request() -> contract::http::Action {
        action(with(|plugin: &P| plugin.on_request(&mut Request::new())))
    }
}

impl<P: Instance + OnRequestBody> on_request_body::exports::tollgate::plugin::on_request_body::Guest for Export<P> {
    fn on_request_body() -> contract::http::Action {
        action(with(|plugin: &P| plugin.on_request_body(&mut Request::new(), &mut Body::new())))
    }
}

impl<P: Instance + OnRequestChunk> on_request_chunk::exports::tollgate::plugin::on_request_chunk::Guest for Export<P> {
    fn on_request_chunk() -> contract::http::ChunkAction {
        chunk_action(with(|plugin: &P| plugin.on_request_chunk(&Request::new(), &mut Chunk::new())))
    }
}

impl<P: Instance + OnResponse> on_response::exports::tollgate::plugin::on_response::Guest for Export<P> {
    fn on_response() -> contract::http::Action {
        action(with(|plugin: &P| plugin.on_response(&Request::new(), &mut Response::new())))
    }
}

impl<P: Instance + OnResponseBody> on_response_body::exports::tollgate::plugin::on_response_body::Guest for Export<P> {
    fn on_response_body() -> contract::http::Action {
        let (request, mut response) = (Request::new(), Response::new());
        action(with(|plugin: &P| plugin.on_response_body(&request, &mut response, &mut Body::new())))
    }
}

impl<P: Instance + OnResponseChunk> on_response_chunk::exports::tollgate::plugin::on_response_chunk::Guest
    for Export<P>
{
    fn on_response_chunk() -> contract::http::ChunkAction {
        let (request, response) = (Request::new(), Response::new());
        chunk_action(with(|plugin: &P| plugin.on_response_chunk(&request, &response, &mut Chunk::new())))
    }
}

impl<P: Instance + OnLog> on_log::exports::tollgate::plugin::on_log::Guest for Export<P> {
    fn on_log() {
        if let Err(text) = with(|plugin: &P| plugin.on_log(&LogEntry::new())).into_logged() {
            fault(&text);
        }
    }
}

fn action(answer: impl IntoAction) -> contract::http::Action {
    answer.into_action().map_or_else(|text| fault(&text), guest::action)
}

fn chunk_action(answer: impl IntoChunkAction) -> contract::http::ChunkAction {
    answer.into_chunk_action().map_or_else(|text| fault(&text), guest::chunk_action)
}

fn with<P: Instance, R>(hook: impl FnOnce(&P) -> R) -> R {
    P::cell(|cell| match cell.get() {
        Some(plugin) => hook(plugin),
        None => fault("a hook was called before `configure`"),
    })
}

/// Ends this call and this instance: the gateway does what the entry's `on-error` says.
fn fault(text: &str) -> ! {
    fail(Failure::Error, text);
    std::arch::wasm32::unreachable()
}

fn fail_of_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    match panic.location() {
        Some(place) => fail(Failure::Panic, &format!("{place}: {message}")),
        None => fail(Failure::Panic, message),
    }
}
