//! Calls the hooks of a plugin as the gateway would.

use super::apply;
use super::world::{self, Exchange, World};
use super::{Entry, Hooks, Outcome, Request, RequestBuilder, Response, ResponseBuilder, get};
use crate::config::{self, Problem};
use crate::header::HeaderError;
use crate::log::{Level, log};
use crate::setup::{Edit, Hook};
use crate::{Action, LogEntry};
use std::fmt::{self, Debug};

/// A configured plugin, to call its hooks.
pub struct Tester<P> {
    pub(super) plugin: P,
}

/// Whatever the plugin is, so that `unwrap_err` says what [`configure`] answered.
impl<P> Debug for Tester<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tester").finish_non_exhaustive()
    }
}

/// Configures a plugin, or answers what is wrong with its configuration.
pub fn configure<P: Hooks>(config: serde_json::Value) -> Result<Tester<P>, Vec<Problem>> {
    world::with(|world| world.configuring = true);
    let plugin = config::configure(&config.to_string());
    world::with(|world| world.configuring = false);
    match plugin {
        Ok(plugin) => Ok(Tester { plugin }),
        Err(error) => Err(error.into_problems().collect()),
    }
}

impl<P: Hooks> Tester<P> {
    /// Begins an exchange and calls `on_request`.
    pub fn request(&self, request: RequestBuilder) -> Outcome<Request> {
        world::with(|world| world.begin(request.0));
        let call = || match minds(Hook::OnRequest) {
            true => self.plugin.on_request(&mut crate::Request::new()),
            false => Ok(Action::Next),
        };
        conclude(call, |exchange, edits| {
            edits.iter().try_for_each(|edit| apply::edit(&mut exchange.request.headers, edit)).map_err(refused)?;
            Ok(exchange.request.clone())
        })
    }

    /// Calls `on_response` with the response to the current exchange. Without a
    /// [`request`](Self::request) before, it responds to `GET /`.
    pub fn respond(&self, response: ResponseBuilder) -> Outcome<Response> {
        world::with(|world| {
            let declared = world.response_edits.clone();
            let exchange = reach(world);
            let mut response = response.0;
            for edit in declared.into_iter().chain(exchange.staged.drain(..)) {
                apply::edit(&mut response.headers, &edit).expect("the gateway refuses such edits when they are made");
            }
            exchange.response = Some(response);
            exchange.answered = true;
        });
        let call = || match minds(Hook::OnResponse) {
            true => self.plugin.on_response(&crate::Request::new(), &mut crate::Response::new()),
            false => Ok(Action::Next),
        };
        conclude(call, |exchange, _| Ok(exchange.response.clone().expect("it was set before the call")))
    }

    /// Ends the current exchange and calls `on_log`, if the plugin wants to hear of it. Answers the text of
    /// a fault.
    pub fn log(&self, mut entry: Entry) -> Result<(), String> {
        let wanted = world::with(|world| {
            let only_unanswered = world.log_unanswered_only;
            let exchange = reach(world);
            let status = exchange.response.as_ref().map(|response| response.status.as_u16());
            entry.status = entry.status.or(status);
            exchange.entry = Some(entry);
            !(only_unanswered && exchange.answered)
        });
        if !wanted {
            return Ok(());
        }
        self.plugin.on_log(&LogEntry::new()).inspect_err(|text| log(Level::Error, text))
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &P {
        &self.plugin
    }
}

pub(super) fn reach(world: &mut World) -> &mut Exchange {
    if world.exchange.is_none() {
        world.begin(get("/").0);
    }
    world.exchange()
}

/// Whether the hook is called, which is the first crossing.
fn minds(hook: Hook) -> bool {
    world::with(|world| {
        let minds = world.minds(hook);
        world.calls = usize::from(minds);
        minds
    })
}

fn refused(error: HeaderError) -> String {
    format!("a declared edit: {error}")
}

/// What the gateway makes of the answer of a hook. What a hook that faults wrote is undone. `next` gets
/// what the plugin has declared for requests.
pub(super) fn conclude<T>(
    call: impl FnOnce() -> Result<Action, String>,
    next: impl FnOnce(&mut Exchange, &[Edit]) -> Result<T, String>,
) -> Outcome<T> {
    let before = world::with(|world| world.exchange().clone());
    let outcome = call().and_then(|action| {
        Ok(match action {
            Action::Next => Outcome::Next(world::with(|world| {
                let edits = world.request_edits.clone();
                next(world.exchange(), &edits)
            })?),
            Action::Reply(reply) => {
                let reply = apply::reply(reply)?;
                world::with(|world| world.exchange().response = Some(reply.clone()));
                Outcome::Reply(reply)
            }
        })
    });
    outcome.unwrap_or_else(|text| {
        world::with(|world| world.exchange = Some(before));
        log(Level::Error, &text);
        Outcome::Fault(text)
    })
}
