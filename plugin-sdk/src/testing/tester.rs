//! Calls the hooks of a plugin as the gateway would.

use super::apply;
use super::world::{self, Exchange, World};
use super::{Entry, Hooks, Outcome, Request, RequestBuilder, Response, ResponseBuilder, get};
use crate::config::{self, Problem};
use crate::edit::{Edit, Fields};
use crate::log::{Level, log};
use crate::setup::{self, Declared};
use crate::{Action, LogEntry, Origin};
use http::HeaderName;

/// A configured plugin, to call its hooks.
#[derive(Debug)]
pub struct Tester<P> {
    plugin: P,
    declared: Declared,
}

/// Configures a plugin, or answers what is wrong with its configuration.
pub fn configure<P: Hooks>(config: serde_json::Value) -> Result<Tester<P>, Vec<Problem>> {
    setup::restore(&Declared::NOTHING);
    world::with(|world| world.configuring = true);
    let plugin = config::configure(&config.to_string());
    world::with(|world| world.configuring = false);
    let declared = setup::declared();
    match plugin {
        Ok(plugin) => Ok(Tester { plugin, declared }),
        Err(error) => Err(error.into_problems().collect()),
    }
}

impl<P: Hooks> Tester<P> {
    /// Begins an exchange: calls `on_request` and applies its edits.
    pub fn request(&self, request: RequestBuilder) -> Outcome<Request> {
        setup::restore(&self.declared);
        world::with(|world| world.begin(request.0));
        let declared = world::with(|world| {
            values(&self.declared.request, &world.exchange().request.headers)
        });
        let mut request = crate::Request::new(declared);
        let answer = self.plugin.on_request(&mut request);
        conclude(answer, request.into_edits(), |exchange| exchange.request.clone())
    }

    /// The response to the current exchange: calls `on_response` and applies its edits. Without a
    /// [`request`](Self::request) before, it responds to `GET /`.
    pub fn respond(&self, response: ResponseBuilder) -> Outcome<Response> {
        setup::restore(&self.declared);
        world::with(|world| reach(world).response = Some(response.0));
        let declared = world::with(|world| {
            values(&self.declared.response, &response_of(world.exchange()).headers)
        });
        let request = crate::Request::new(Vec::new());
        let mut response = crate::Response::new(declared);
        let answer = self.plugin.on_response(&request, &mut response);
        conclude(answer, response.into_edits(), |exchange| response_of(exchange).clone())
    }

    /// The end of the current exchange: calls `on_log`. Answers the text of a fault.
    pub fn log(&self, mut entry: Entry) -> Result<(), String> {
        let response = world::with(|world| reach(world).response.clone());
        entry.status = entry.status.or(response.map(|response| response.status.as_u16()));
        self.plugin.on_log(&LogEntry::new(&entry)).inspect_err(|text| log(Level::Error, text))
    }

    /// The plugin itself.
    pub fn plugin(&self) -> &P {
        &self.plugin
    }
}

fn reach(world: &mut World) -> &mut Exchange {
    if world.exchange.is_none() {
        world.begin(get("/").0);
    }
    world.exchange()
}

fn response_of(exchange: &Exchange) -> &Response {
    exchange.response.as_ref().expect("it was set before the hook was called")
}

/// The first value of each declared header.
fn values(declared: &[HeaderName], headers: &Fields) -> Vec<Option<Vec<u8>>> {
    let first = |name| headers.iter().find(|(other, _)| other == name);
    declared.iter().map(|name| first(name).map(|(_, value)| value.as_bytes().to_owned())).collect()
}

/// What the gateway makes of the answer of a hook.
fn conclude<T>(
    answer: Result<Action, String>,
    edits: Vec<Edit>,
    next: impl FnOnce(&Exchange) -> T,
) -> Outcome<T> {
    let outcome = answer.and_then(|action| {
        let reply = match action {
            Action::Next => None,
            Action::Reply(reply) => Some(apply::reply(reply, Origin::Plugin("plugin".to_owned()))?),
        };
        world::with(|world| {
            let exchange = world.exchange();
            apply::edits(exchange, edits)?;
            Ok(match reply {
                None => Outcome::Next(next(exchange)),
                Some(reply) => {
                    exchange.response = Some(reply.clone());
                    Outcome::Reply(reply)
                }
            })
        })
    });
    outcome.unwrap_or_else(|text| {
        log(Level::Error, &text);
        Outcome::Fault(text)
    })
}
