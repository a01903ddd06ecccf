//! The exports of a component: what the `#[plugin]` macro plugs the generated glue into.

use super::bindings::imports::tollgate::plugin as contract;
use super::bindings::imports::tollgate::plugin::log::{Failure, fail};
use super::bindings::{configure, on_log, on_request, on_response};
use super::guest;
use crate::hook::{IntoAction, IntoLogged, OnLog, OnRequest, OnResponse};
use crate::{ConfigError, LogEntry, Plugin, Request, Response, config};
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
        let mut request = Request::new();
        match with(|plugin: &P| plugin.on_request(&mut request)).into_action() {
            Ok(action) => guest::action(action),
            Err(text) => fault(&text),
        }
    }
}

impl<P: Instance + OnResponse> on_response::exports::tollgate::plugin::on_response::Guest for Export<P> {
    fn on_response() -> contract::http::Action {
        let (request, mut response) = (Request::new(), Response::new());
        match with(|plugin: &P| plugin.on_response(&request, &mut response)).into_action() {
            Ok(action) => guest::action(action),
            Err(text) => fault(&text),
        }
    }
}

impl<P: Instance + OnLog> on_log::exports::tollgate::plugin::on_log::Guest for Export<P> {
    fn on_log() {
        if let Err(text) = with(|plugin: &P| plugin.on_log(&LogEntry::new())).into_logged() {
            fault(&text);
        }
    }
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
