//! The choice among endpoints.
//!
//! | balancer | its state | why |
//! | --- | --- | --- |
//! | round-robin | per worker | turns of each worker have the proportions that their sum is to have |
//! | least-requests | unfinished requests, in atomics that workers share | an endpoint is slow for all of them, and each alone has seen little |
//! | consistent-hash | a ring that never changes, made once for all workers | the same key goes to the same endpoint whoever is asked |
//! | sticky | tokens that never change; turns per worker for who has none | the cookie is the state |
//!
//! Which endpoints are out of service is shared by all ([`super::vitals`]).

mod candidates;
mod pairs;
mod ring;
mod sticky;
mod turns;

pub(super) use candidates::Candidates;
pub use ring::{HashKey, Ring};
pub use sticky::{SameSite, Sticky, StickyCookie};

use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue};

use super::definition::Balancer;
use crate::wire::proxy_protocol::Ends;
use pairs::Pairs;
use turns::Turns;

/// Who asks, as far as a balancer or an endpoint wants to know.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Of the request, as plugins left them.
    pub headers: &'a HeaderMap,
    /// Of the client.
    pub address: IpAddr,
    /// Whether the client came over TLS.
    pub secure: bool,
    /// Its connection, for endpoints that are told of it.
    pub ends: Option<Ends>,
}

/// The balancer of one upstream on one worker.
#[derive(Debug)]
pub(super) struct Choice {
    /// Whose turn it is, and who else is there when nobody is called for.
    turns: Turns,
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Turns,
    Pairs(Pairs),
    Hash { by: HashKey, ring: Arc<Ring> },
    Sticky(Arc<Sticky>),
}

impl Choice {
    /// Cheap, so that it can be made anew whenever the endpoints change.
    pub(super) fn new(balancer: &Balancer, weights: &[u32]) -> Self {
        let rule = match balancer {
            Balancer::RoundRobin => Rule::Turns,
            Balancer::LeastRequests => Rule::Pairs(Pairs::new(weights)),
            Balancer::ConsistentHash { by, ring } => Rule::Hash { by: by.clone(), ring: Arc::clone(ring) },
            Balancer::Sticky(sticky) => Rule::Sticky(Arc::clone(sticky)),
        };
        Self { turns: Turns::new(weights), rule }
    }

    /// The index of the endpoint to send to. `None`: there is none that may be taken.
    pub(super) fn choose(&self, candidates: &Candidates<'_>, caller: &Caller<'_>) -> Option<usize> {
        if candidates.len() < 2 {
            return (0..candidates.len()).find(|index| candidates.takes(*index));
        }
        let called = match &self.rule {
            Rule::Turns => None,
            Rule::Pairs(pairs) => pairs.choose(candidates, &self.turns),
            Rule::Hash { by, ring } => by.of(caller).and_then(|key| ring.find(key, candidates)),
            Rule::Sticky(sticky) => sticky.wanted(caller).filter(|index| candidates.takes(*index)),
        };
        called.or_else(|| self.turns.next(candidates, |_| true))
    }

    /// The cookie that brings the caller back to the endpoint that answered, if it has to be told.
    pub(super) fn cookie(&self, index: usize, caller: &Caller<'_>) -> Option<HeaderValue> {
        match &self.rule {
            Rule::Sticky(sticky) => sticky.cookie(index, caller),
            Rule::Turns | Rule::Pairs(_) | Rule::Hash { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
