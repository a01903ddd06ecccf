//! One call of a hook: on which instance, with which notes, and what is undone when it fails.

use std::time::Instant;

use super::{BETWEEN_CALLS, Run};
use crate::chain::Link;
use crate::config::OnError;
use crate::exchange::{Exchange, RequestHead, ResponseHead};
use crate::sandbox::{Action, Fault, Lease};
use crate::state::ConsumerId;
use crate::telemetry::metrics::Hook;

impl Run {
    /// Calls a hook on the exchange's own instance, or on one of the worker's.
    pub(in crate::chain) fn call(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        now: Instant,
    ) -> Result<Action, Fault> {
        let before = self.before(link, hook);
        self.exchange_mut().now = now;
        self.swap_notes();
        let result = if link.plugin.is_leased() {
            self.call_leased(place, link, hook)
        } else {
            let exchange = self.exchange.take().expect(BETWEEN_CALLS);
            let (exchange, result) = link.plugin.call(self.worker, hook, place, exchange);
            self.exchange = Some(exchange);
            result
        };
        self.swap_notes();
        if let (Err(_), Some(before)) = (&result, before) {
            before.restore(self.exchange_mut());
        }
        result
    }

    fn call_leased(&mut self, place: usize, link: &Link, hook: Hook) -> Result<Action, Fault> {
        let mut twin = self.twin.as_ref().map(|twin| twin.borrow_mut());
        let leases = twin.as_mut().map_or(&mut self.leases, |twin| &mut twin.leases);
        let (_, lease) = leases.iter_mut().find(|(leased, _)| *leased == place).ok_or_else(no_instance)?;
        let exchange = self.exchange.take().expect(BETWEEN_CALLS);
        let (exchange, result) = link.plugin.call_leased(self.worker, lease, hook, place, exchange);
        self.exchange = Some(exchange);
        result
    }

    /// As [`Run::call`], and waits if the plugin does. Boxed then, so that other calls keep no room for it.
    pub(in crate::chain) async fn call_or_wait(
        &mut self,
        place: usize,
        link: &Link,
        hook: Hook,
        now: Instant,
    ) -> Result<Action, Fault> {
        match link.plugin.waits() {
            true => Box::pin(self.call_waiting(place, link, hook, now)).await,
            false => self.call(place, link, hook, now),
        }
    }

    async fn call_waiting(&mut self, place: usize, link: &Link, hook: Hook, now: Instant) -> Result<Action, Fault> {
        let Some(outbound) = self.outbound.clone() else {
            return Err(Fault::Instantiate("nobody sends its requests".into()));
        };
        let before = self.before(link, hook);
        self.exchange_mut().now = now;
        let worker = self.worker;
        let result = {
            let mut lent = Lent::of(self, place, link).await?;
            let Lent { run, lease, .. } = &mut lent;
            let lease = lease.as_mut().expect("it is there until the call is over");
            link.plugin.call_waiting(worker, lease, hook, place, &mut run.exchange, &*outbound).await
        };
        if let (Err(_), Some(before)) = (&result, before) {
            before.restore(self.exchange_mut());
        }
        result
    }

    /// A plugin that may be skipped leaves no trace of a call that failed.
    fn before(&self, link: &Link, hook: Hook) -> Option<Before> {
        let writes = !matches!(hook, Hook::RequestChunk | Hook::ResponseChunk | Hook::Log);
        (writes && link.on_error == OnError::Skip).then(|| Before::of(self.exchange()))
    }

    fn leases<T>(&mut self, with: impl FnOnce(&mut Vec<(usize, Lease)>) -> T) -> T {
        match &self.twin {
            Some(twin) => with(&mut twin.borrow_mut().leases),
            None => with(&mut self.leases),
        }
    }

    pub(super) fn has_lease(&self, place: usize) -> bool {
        let is_here = |leases: &[(usize, Lease)]| leases.iter().any(|(leased, _)| *leased == place);
        is_here(&self.leases) || self.twin.as_ref().is_some_and(|twin| is_here(&twin.borrow().leases))
    }

    /// Takes the notes for a call, and puts them back after it.
    pub(super) fn swap_notes(&mut self) {
        if let Some(twin) = self.twin.clone() {
            std::mem::swap(&mut self.exchange_mut().notes, &mut twin.borrow_mut().exchange_mut().notes);
        }
    }
}

/// What a call that waits has of the exchange's. It is put back however the call ends; the client may leave meanwhile.
struct Lent<'r> {
    run: &'r mut Run,
    place: usize,
    lease: Option<Lease>,
    /// Whether the instance is the exchange's own, and not of this call alone.
    is_exchanges: bool,
}

impl<'r> Lent<'r> {
    async fn of(run: &'r mut Run, place: usize, link: &Link) -> Result<Self, Fault> {
        let is_exchanges = link.plugin.is_leased();
        let lease = match is_exchanges {
            true => {
                let taken = run.leases(|leases| {
                    let found = leases.iter().position(|(leased, _)| *leased == place)?;
                    Some(leases.swap_remove(found).1)
                });
                taken.ok_or_else(no_instance)?
            }
            false => link.plugin.lease(run.worker).await?,
        };
        run.swap_notes();
        Ok(Self { run, place, lease: Some(lease), is_exchanges })
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.run.swap_notes();
        if let (true, Some(lease)) = (self.is_exchanges, self.lease.take()) {
            let place = self.place;
            self.run.leases(|leases| leases.push((place, lease)));
        }
    }
}

fn no_instance() -> Fault {
    Fault::Instantiate("the exchange has no instance of it".into())
}

/// What a plugin can write, as it was before a call.
struct Before {
    request: RequestHead,
    response: Option<ResponseHead>,
    upstream: Option<usize>,
    consumer: Option<ConsumerId>,
}

impl Before {
    fn of(exchange: &Exchange) -> Self {
        Self {
            request: exchange.request.clone(),
            response: exchange.response.clone(),
            upstream: exchange.upstream,
            consumer: exchange.consumer,
        }
    }

    fn restore(self, exchange: &mut Exchange) {
        exchange.request = self.request;
        exchange.response = self.response;
        exchange.upstream = self.upstream;
        exchange.consumer = self.consumer;
    }
}
