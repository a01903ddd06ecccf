//! Whole bodies on their way along a chain and back.

use std::time::Instant;

use bytes::Bytes;

use super::run::{Halt, Run};
use super::{Chain, Link};
use crate::config::OverLimit;
use crate::exchange::Piece;
use crate::telemetry::metrics::{Hook, Outcome};

/// What has to be kept of an exchange's bodies before its heads go on.
#[derive(Debug, Clone, Copy)]
pub struct Bodies {
    pub request: Option<Keeping>,
    pub response: Option<Keeping>,
}

/// How much of a body is kept, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Some plugin takes no more, and lets nothing pass that it does not see.
    pub reject: Option<usize>,
    /// No plugin takes more.
    pub most: usize,
}

impl Bodies {
    pub(super) fn of(links: &[Link]) -> Option<Self> {
        let request = Keeping::of(links.iter().filter(|link| link.plugin.hooks().on_request_body));
        let response = Keeping::of(links.iter().filter(|link| link.plugin.hooks().on_response_body));
        (request.is_some() || response.is_some()).then_some(Self { request, response })
    }

    /// Whether what has no end cannot pass.
    pub fn reject_streams(&self) -> bool {
        [self.request, self.response].into_iter().flatten().any(|keeping| keeping.reject.is_some())
    }
}

impl Keeping {
    fn of<'l>(links: impl Iterator<Item = &'l Link>) -> Option<Self> {
        let of_one = |link: &Link| {
            let limits = &link.plugin.spec().limits;
            let reject = (limits.over_limit == OverLimit::Reject).then_some(limits.max_body);
            Self { reject, most: limits.max_body }
        };
        links
            .map(of_one)
            .reduce(|a, b| Self { reject: a.reject.into_iter().chain(b.reject).min(), most: a.most.max(b.most) })
    }
}

impl Run {
    /// Has the hooks see the request's body in order, up to one that ends the way. `body` becomes what they make of it.
    pub async fn on_request_body(&mut self, chain: &Chain, body: &mut Bytes) -> Option<Halt> {
        let mut mark = Instant::now();
        for (place, link) in chain.links.iter().enumerate() {
            if !link.plugin.hooks().on_request_body {
                continue;
            }
            let halt = self.hand(place, link, Hook::RequestBody, body, &mut mark).await;
            if let Some(Halt::Reply(..) | Halt::Fault(..)) = halt {
                self.exchange_mut().progress.ended_by = Some(place);
            }
            if halt.is_some() {
                return halt;
            }
        }
        None
    }

    /// Has the next hooks see the response's body in reverse order, up to one that makes the response anew. Call it again
    /// with the body of that one. The response hooks have run.
    pub async fn on_response_body(&mut self, chain: &Chain, body: &mut Bytes) -> Option<Halt> {
        let mut mark = Instant::now();
        while self.bodies_back > 0 {
            self.bodies_back -= 1;
            let place = self.bodies_back;
            let link = &chain.links[place];
            if !link.plugin.hooks().on_response_body || self.exchange().progress.ended_by == Some(place) {
                continue;
            }
            let halt = self.hand(place, link, Hook::ResponseBody, body, &mut mark).await;
            if halt.is_some() {
                return halt;
            }
        }
        None
    }

    async fn hand(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        body: &mut Bytes,
        mark: &mut Instant,
    ) -> Option<Halt> {
        if self.is_skipped(place) {
            link.plugin.metrics().record(self.worker, hook, Outcome::Skipped, 0);
            return None;
        }
        let limits = &link.plugin.spec().limits;
        if body.len() > limits.max_body {
            return match limits.over_limit {
                OverLimit::Stream => None,
                OverLimit::Reject => Some(Halt::TooLarge(limits.max_body)),
            };
        }
        self.exchange_mut().piece = Some(Piece { bytes: body.clone(), is_last: true, most: limits.max_body });
        let result = self.call_or_wait(place, link, hook, *mark).await;
        let piece = self.exchange_mut().piece.take();
        // What a call that failed made of it counts for nothing.
        if let (Ok(_), Some(piece)) = (&result, piece) {
            *body = piece.bytes;
        }
        self.settle(place, link, hook, result, mark)
    }
}
