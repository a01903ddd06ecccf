//! Bodies that go through a chain piece by piece.
//!
//! A request's head is on its way, and lent to that, while its body goes through: the hooks get a copy of the exchange
//! (the twin) that lasts as long as the body. Instances and notes are the twin's from then on, and lent back for calls.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use bytes::{Bytes, BytesMut};

use super::run::{Halt, Run};
use super::{Chain, Link};
use crate::exchange::Piece;
use crate::telemetry::metrics::{Hook, Outcome};

/// Why a body does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A plugin let no more of it pass.
    Stopped,
    /// A plugin failed on it, and may not be skipped.
    Failed,
}

impl Run {
    /// What the pieces of the request's body go through from now on.
    pub fn twin(&mut self) -> Rc<RefCell<Self>> {
        let twin = Self {
            exchange: Some(Box::new(self.exchange_mut().twin())),
            leases: std::mem::take(&mut self.leases),
            twin: None,
            outbound: None,
            ..*self
        };
        let twin = Rc::new(RefCell::new(twin));
        self.twin = Some(Rc::clone(&twin));
        twin
    }

    /// Has the hooks see a piece of the request's body in order. Answers what goes on in its place.
    pub fn on_request_chunk(&mut self, chain: &Chain, mut bytes: Bytes, is_last: bool) -> Result<Bytes, Cut> {
        let mut mark = Instant::now();
        for (place, link) in chain.links.iter().enumerate().filter(|(_, link)| link.plugin.hooks().on_request_chunk) {
            bytes = self.pass(place, link, Hook::RequestChunk, bytes, is_last, &mut mark)?;
        }
        Ok(bytes)
    }

    /// The same of the response's body, in reverse order.
    pub fn on_response_chunk(&mut self, chain: &Chain, mut bytes: Bytes, is_last: bool) -> Result<Bytes, Cut> {
        let mut mark = Instant::now();
        let met = chain.links.iter().enumerate().take(self.turned);
        for (place, link) in met.rev().filter(|(_, link)| link.plugin.hooks().on_response_chunk) {
            if self.exchange().progress.ended_by != Some(place) {
                bytes = self.pass(place, link, Hook::ResponseChunk, bytes, is_last, &mut mark)?;
            }
        }
        Ok(bytes)
    }

    /// In parts, if one plugin has made more of it than the next one takes at once.
    fn pass(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        mut bytes: Bytes,
        is_last: bool,
        mark: &mut Instant,
    ) -> Result<Bytes, Cut> {
        let most = link.plugin.spec().limits.max_body;
        if bytes.len() <= most {
            return self.pass_part(place, link, hook, (bytes, is_last), mark);
        }
        let mut passed = BytesMut::new();
        while !bytes.is_empty() {
            let part = bytes.split_to(most.min(bytes.len()));
            let is_last = is_last && bytes.is_empty();
            passed.extend_from_slice(&self.pass_part(place, link, hook, (part, is_last), mark)?);
        }
        Ok(passed.freeze())
    }

    fn pass_part(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        (bytes, is_last): (Bytes, bool),
        mark: &mut Instant,
    ) -> Result<Bytes, Cut> {
        // A plugin that others have dropped all of a piece of misses nothing.
        if bytes.is_empty() && !is_last {
            return Ok(bytes);
        }
        if self.is_skipped(place) {
            link.plugin.metrics().record(self.worker, hook, Outcome::Skipped, 0);
            return Ok(bytes);
        }
        let most = link.plugin.spec().limits.max_body;
        self.exchange_mut().piece = Some(Piece { bytes: bytes.clone(), is_last, most });
        let result = self.call(place, link, hook, *mark);
        let piece = self.exchange_mut().piece.take();
        let seen = if result.is_ok() { piece.map(|piece| piece.bytes) } else { None };
        match self.settle(place, link, hook, result, mark) {
            Some(Halt::Stop) => Err(Cut::Stopped),
            Some(Halt::Fault(..) | Halt::Reply(..) | Halt::TooLarge(_)) => Err(Cut::Failed),
            None => Ok(seen.unwrap_or(bytes)),
        }
    }
}
