//! What a call came to: metrics, the log, and whether it ends the way.

use std::time::{Duration, Instant};

use super::{Halt, Run};
use crate::chain::Link;
use crate::config::OnError;
use crate::exchange::Timing;
use crate::sandbox::{Action, Fault};
use crate::telemetry::metrics::{Hook, Outcome};

impl Run {
    /// One figure for all pieces of a body.
    fn count_time(&mut self, place: usize, hook: Hook, took: Duration) {
        let timings = &mut self.exchange_mut().timings;
        let is_piece = matches!(hook, Hook::RequestChunk | Hook::ResponseChunk);
        match timings.iter_mut().rfind(|timing| is_piece && timing.plugin == place) {
            Some(timing) => timing.took += took,
            None => timings.push(Timing { plugin: place, took }),
        }
    }

    /// Keeps account of a call and says whether it ends the way.
    pub(in crate::chain) fn settle(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        result: Result<Action, Fault>,
        mark: &mut Instant,
    ) -> Option<Halt> {
        let action = match result {
            Ok(action) => action,
            Err(fault) => {
                let halt = self.fault(place, link, hook, fault, *mark);
                *mark = Instant::now();
                return halt;
            }
        };
        let now = Instant::now();
        let took = now - std::mem::replace(mark, now);
        self.count_time(place, hook, took);
        match action {
            Action::Next => {
                link.plugin.metrics().record(self.worker, hook, Outcome::Next, nanos(took));
                None
            }
            Action::Reply(reply) => {
                link.plugin.metrics().record(self.worker, hook, Outcome::Reply, nanos(took));
                Some(Halt::Reply(place, reply))
            }
            Action::Stop => {
                link.plugin.metrics().record(self.worker, hook, Outcome::Stop, nanos(took));
                let (id, route) = (&*self.exchange().id, self.exchange().route_name());
                tracing::info!(plugin = &**link.plugin.scope(), hook = hook.name(), route, id, "plugin stopped a body");
                Some(Halt::Stop)
            }
        }
    }

    pub(super) fn fault(&mut self, place: usize, link: &Link, hook: Hook, fault: Fault, mark: Instant) -> Option<Halt> {
        let took: Duration = mark.elapsed();
        self.count_time(place, hook, took);
        link.plugin.metrics().record(self.worker, hook, Outcome::Fault(fault.kind()), nanos(took));
        tracing::error!(
            plugin = &**link.plugin.scope(),
            hook = hook.name(),
            route = self.exchange().route_name(),
            id = &*self.exchange().id,
            skipped = link.on_error == OnError::Skip,
            "plugin {fault}"
        );
        match link.on_error {
            OnError::Reject => Some(Halt::Fault(place, fault)),
            OnError::Skip => {
                // Its later hooks, which could read them, are not called; others need the room.
                self.swap_notes();
                self.exchange_mut().notes.retain(|note| note.plugin != place);
                self.swap_notes();
                let exchange = self.exchange_mut();
                exchange.staged.retain(|staged| staged.plugin != place);
                exchange.progress.skipped.push(place);
                None
            }
        }
    }
}

pub(super) fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
