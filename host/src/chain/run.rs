//! One exchange's way along its chain and back.

mod account;
mod call;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use http::HeaderMap;

use super::{Chain, Link};
use crate::exchange::{Edit, Exchange, HeaderError, Reply, Timing};
use crate::sandbox::{Fault, Lease, Outbound};
use crate::telemetry::metrics::{Hook, Outcome};
use crate::wire::headers::MOST_FIELDS;
use account::nanos;

/// One exchange on its way along a chain: the exchange, and the instances that are its own.
///
/// Dropping it in the middle of the way (the client went away) is safe at every point.
#[derive(Debug)]
pub struct Run {
    /// Away only for the time of a call, which brings it back also when it is dropped.
    pub(super) exchange: Option<Box<Exchange>>,
    /// Instances that are the exchange's own, by place in the chain.
    pub(super) leases: Vec<(usize, Lease)>,
    pub(super) worker: usize,
    /// The next plugin that the response meets is the one before this place.
    pub(super) back: usize,
    /// The same of its whole body.
    pub(super) bodies_back: usize,
    /// The place before which the way back began.
    pub(super) turned: usize,
    /// Sends what plugins ask for, if one of the chain may.
    pub(super) outbound: Option<Rc<dyn Outbound>>,
    /// What the request's body goes through piece by piece, if it does.
    pub(super) twin: Option<Rc<RefCell<Self>>>,
}

/// Why the exchange is at hand: calls take it and bring it back before they return.
const BETWEEN_CALLS: &str = "a call brings the exchange back";

/// A plugin ends the way: the response is made here, or made anew.
#[derive(Debug)]
pub enum Halt {
    /// The plugin at this place answers the client.
    Reply(usize, Reply),
    /// The plugin at this place failed, and may not be skipped.
    Fault(usize, Fault),
    /// A plugin takes no body of more bytes, and none may pass it unseen.
    TooLarge(usize),
    /// A plugin lets no more of a body pass.
    Stop,
}

impl Run {
    pub fn new(exchange: Box<Exchange>, worker: usize) -> Self {
        Self {
            exchange: Some(exchange),
            leases: Vec::new(),
            worker,
            back: 0,
            bodies_back: 0,
            turned: 0,
            outbound: None,
            twin: None,
        }
    }

    /// Who sends what plugins ask for; needed if some of the chain wait ([`Chain::waits`]).
    #[must_use]
    pub fn sending(self, outbound: Option<Rc<dyn Outbound>>) -> Self {
        Self { outbound, ..self }
    }

    pub fn exchange(&self) -> &Exchange {
        self.exchange.as_deref().expect(BETWEEN_CALLS)
    }

    pub fn exchange_mut(&mut self) -> &mut Exchange {
        self.exchange.as_deref_mut().expect(BETWEEN_CALLS)
    }

    /// Moves the exchange and its instances out; what is left holds nothing.
    pub fn take(&mut self) -> Self {
        let (exchange, leases, twin) = (self.exchange.take(), std::mem::take(&mut self.leases), self.twin.take());
        Self { exchange, leases, twin, outbound: None, ..*self }
    }

    /// Calls the request hooks in order, up to one that ends the way.
    pub async fn on_request(&mut self, chain: &Chain) -> Option<Halt> {
        // No plugin has seen a response until the way back begins.
        self.back = usize::MAX;
        if chain.links.is_empty() {
            // Without a look at the clock.
            self.turn_at(0);
            return None;
        }
        let mut mark = Instant::now();
        for (place, link) in chain.links.iter().enumerate() {
            self.exchange_mut().progress.met = place + 1;
            let hooks = link.plugin.hooks();
            if link.plugin.is_leased() && hooks.any() {
                match link.plugin.lease(self.worker).await {
                    Ok(lease) => self.leases.push((place, lease)),
                    Err(fault) => {
                        if let Some(halt) = self.fault(place, link, Hook::Request, fault, mark) {
                            self.end_at(place);
                            return Some(halt);
                        }
                        continue;
                    }
                }
                mark = Instant::now();
            }
            let mut halt = None;
            if hooks.on_request && link.plugin.minds_request(self.exchange(), mark) {
                let result = self.call_or_wait(place, link, Hook::Request, mark).await;
                halt = self.settle(place, link, Hook::Request, result, &mut mark);
            }
            let halt = halt.or_else(|| self.edit_request(place, link, &mut mark));
            if halt.is_some() {
                self.end_at(place);
                return halt;
            }
        }
        self.turn_at(chain.links.len());
        None
    }

    /// Calls the next response hooks in reverse order, up to one that makes the response anew. Call
    /// it again after that, until it answers none. There is a response.
    pub async fn on_response(&mut self, chain: &Chain) -> Option<Halt> {
        if self.back == 0 {
            return None;
        }
        let mut mark = Instant::now();
        while self.back > 0 {
            self.back -= 1;
            let place = self.back;
            let link = &chain.links[place];
            let is_called = link.plugin.hooks().on_response;
            // By what it said of the body, when all had seen the head.
            if self.exchange().progress.ended_by == Some(place) {
                continue;
            }
            if self.is_skipped(place) {
                if is_called {
                    link.plugin.metrics().record(self.worker, Hook::Response, Outcome::Skipped, 0);
                }
                continue;
            }
            let halt = self.edit_response(place, link, &mut mark);
            if halt.is_some() {
                return halt;
            }
            if !is_called || self.is_skipped(place) || !link.plugin.minds_response(self.exchange(), mark) {
                continue;
            }
            let result = self.call_or_wait(place, link, Hook::Response, mark).await;
            let halt = self.settle(place, link, Hook::Response, result, &mut mark);
            if halt.is_some() {
                return halt;
            }
        }
        None
    }

    /// Whether a log hook would be called, if the exchange ended now.
    pub fn has_loggers(&self, chain: &Chain) -> bool {
        chain.loggers.iter().any(|&place| self.logs(chain, place))
    }

    /// Calls the log hooks of the plugins that the exchange met. The exchange is over.
    pub fn on_log(&mut self, chain: &Chain) {
        for &place in &chain.loggers {
            if !self.logs(chain, place) {
                continue;
            }
            let link = &chain.links[place];
            let mark = Instant::now();
            let result = self.call(place, link, Hook::Log, mark);
            let outcome = match result {
                Ok(_) => Outcome::Next,
                Err(fault) => {
                    let kind = fault.kind();
                    let (id, route) = (&*self.exchange().id, self.exchange().route_name());
                    tracing::error!(plugin = &**link.plugin.scope(), hook = "on-log", route, id, "plugin {fault}");
                    Outcome::Fault(kind)
                }
            };
            link.plugin.metrics().record(self.worker, Hook::Log, outcome, nanos(mark.elapsed()));
        }
    }

    /// Whether the plugin at this place hears of the end of this exchange.
    fn logs(&self, chain: &Chain, place: usize) -> bool {
        let (plugin, progress) = (&chain.links[place].plugin, &self.exchange().progress);
        // One that found no free instance did not run.
        let ran = !plugin.is_leased() || self.has_lease(place);
        let saw_response = place >= self.back && progress.ended_by != Some(place);
        place < progress.met
            && !self.is_skipped(place)
            && ran
            && !(saw_response && plugin.declarations().log_unanswered_only)
    }

    /// Does to the request what the plugin has declared.
    fn edit_request(&mut self, place: usize, link: &Link, mark: &mut Instant) -> Option<Halt> {
        let edits = &link.plugin.edits(self.worker).request;
        if edits.is_empty() || self.is_skipped(place) {
            return None;
        }
        let headers = &mut self.exchange_mut().request.headers;
        let done = edit(headers, edits.len(), edits.iter().cloned());
        self.settle_edits(place, link, Hook::Request, done, mark)
    }

    /// Does to the response what the plugin has declared, and what it said during the request.
    fn edit_response(&mut self, place: usize, link: &Link, mark: &mut Instant) -> Option<Halt> {
        let declared = &link.plugin.edits(self.worker).response;
        if declared.is_empty() && self.exchange().staged.is_empty() {
            return None;
        }
        let Exchange { response: Some(response), staged, .. } = self.exchange_mut() else { return None };
        let staged: Vec<Edit> =
            staged.extract_if(.., |staged| staged.plugin == place).map(|staged| staged.edit).collect();
        let count = declared.len() + staged.len();
        let done = edit(&mut response.headers, count, declared.iter().cloned().chain(staged));
        self.settle_edits(place, link, Hook::Response, done, mark)
    }

    fn settle_edits(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        done: Result<(), HeaderError>,
        mark: &mut Instant,
    ) -> Option<Halt> {
        let began = std::mem::replace(mark, Instant::now());
        match done {
            Ok(()) => {
                let took = *mark - began;
                self.exchange_mut().timings.push(Timing { plugin: place, took });
                None
            }
            Err(error) => self.fault(place, link, hook, Fault::IllegalAnswer(error.to_string()), began),
        }
    }

    pub(super) fn is_skipped(&self, place: usize) -> bool {
        self.exchange().progress.skipped.contains(&place)
            || self.twin.as_ref().is_some_and(|twin| twin.borrow().is_skipped(place))
    }

    /// The exchange is over: all that was said of it is here.
    pub fn gather(&mut self) {
        if let Some(twin) = &self.twin {
            let timings = std::mem::take(&mut twin.borrow_mut().exchange_mut().timings);
            self.exchange_mut().timings.extend(timings);
        }
    }

    /// The request's way ended at this plugin, which does not see the response.
    fn end_at(&mut self, place: usize) {
        self.exchange_mut().progress.ended_by = Some(place);
        self.turn_at(place);
    }

    /// The way back begins before this place.
    fn turn_at(&mut self, place: usize) {
        (self.back, self.bodies_back, self.turned) = (place, place, place);
    }
}

/// Makes all of the edits, or none when the message could get too many fields.
fn edit(headers: &mut HeaderMap, count: usize, edits: impl Iterator<Item = Edit>) -> Result<(), HeaderError> {
    if headers.len() + count > MOST_FIELDS {
        return Err(HeaderError::TooMany);
    }
    edits.into_iter().try_for_each(|edit| edit.apply(headers))
}
