//! Instances that wait for their next call, per plugin and worker.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fault::Fault;
use super::instance::Instance;
use super::plugin::Plugin;
use crate::config::PluginLimits;
use crate::telemetry::metrics::Hook;

/// The instances of one plugin on one worker.
///
/// The lock is there because a plugin can be dropped on another thread than the one that used it;
/// two threads never want it at once.
pub(super) struct Pool {
    /// Instances between two calls, boxed so that a call moves a pointer. Most hooks do not wait, so that a worker
    /// seldom needs more than one.
    #[allow(
        clippy::vec_box,
        reason = "an instance has some hundred bytes, and each call takes one out and puts it back"
    )]
    free: Mutex<Vec<Box<Instance>>>,
    /// Instances that may be leased, to exchanges or to calls that wait.
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    rest: Mutex<Option<Rest>>,
}

/// No instance is made for a while, because the last one could not be.
#[derive(Debug, Clone)]
struct Rest {
    until: Instant,
    wait: Duration,
    why: String,
}

/// Making an instance that fails may take as long as `configure` may run, and every request would pay it.
const FIRST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(5);

/// An instance that belongs to one exchange, or to one call that may wait. When the lease ends it goes back to its plugin, if it has one to go back to
/// and left no body in its middle, whose rest a later exchange could meet; else it is discarded with its store.
pub struct Lease {
    instance: Option<Instance>,
    /// With the worker.
    home: Option<(Arc<Plugin>, usize)>,
    /// Whether the last chunk that it saw was not the end, of a request and of a response.
    in_request: bool,
    in_response: bool,
    _slot: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(instances: usize) -> Self {
        Self {
            free: Mutex::new(Vec::new()),
            slots: Arc::new(Semaphore::new(instances.clamp(1, Semaphore::MAX_PERMITS))),
            waiting: AtomicUsize::new(0),
            rest: Mutex::new(None),
        }
    }

    /// Makes an instance, unless making the last one failed a moment ago. Each failure in a row doubles the wait.
    pub(super) fn make(&self, new: impl FnOnce() -> Result<Instance, Fault>) -> Result<Instance, Fault> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = match &*rest {
            Some(rest) if Instant::now() < rest.until => return Err(Fault::Resting(rest.why.clone())),
            Some(rest) => (rest.wait * 2).min(LONGEST_REST),
            None => FIRST_REST,
        };
        let made = new();
        *rest = made.as_ref().err().map(|fault| Rest { until: Instant::now() + wait, wait, why: fault.to_string() });
        made
    }

    pub(super) fn take(&self) -> Option<Box<Instance>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(super) fn give(&self, instance: Box<Instance>) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
    }

    /// The right to one more instance. Waits at most as long as a call may take.
    pub(super) async fn slot(&self, limits: &PluginLimits) -> Result<OwnedSemaphorePermit, Fault> {
        let busy = || Fault::Busy(limits.instances);
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Ok(slot);
        }
        let _place = Place::in_queue(&self.waiting, limits.queue).ok_or_else(busy)?;
        match tokio::time::timeout(limits.wall, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }
}

impl Lease {
    pub(super) fn new(instance: Instance, slot: OwnedSemaphorePermit, home: Option<(Arc<Plugin>, usize)>) -> Self {
        Self { instance: Some(instance), home, in_request: false, in_response: false, _slot: slot }
    }

    /// A hook was called, and went well.
    pub(super) fn called(&mut self, hook: Hook, is_last: bool) {
        match hook {
            Hook::RequestChunk => self.in_request = !is_last,
            Hook::ResponseChunk => self.in_response = !is_last,
            _ => {}
        }
    }

    /// The instance; another one when a fault has ended it.
    pub(super) fn instance_or(
        &mut self,
        another: impl FnOnce() -> Result<Instance, Fault>,
    ) -> Result<&mut Instance, Fault> {
        match &mut self.instance {
            Some(instance) => Ok(instance),
            ended => Ok(ended.insert(another()?)),
        }
    }

    /// The instance, as [`Lease::instance_or`]. Until another is put in, there is none.
    pub(super) fn take_or(&mut self, another: impl FnOnce() -> Result<Instance, Fault>) -> Result<Instance, Fault> {
        self.instance.take().map_or_else(another, Ok)
    }

    /// Puts back the instance that was taken.
    pub(super) fn put(&mut self, instance: Instance) {
        self.instance = Some(instance);
    }

    /// Ends the instance after a fault.
    pub(super) fn end(&mut self) {
        self.instance = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let (Some(instance), Some((plugin, worker))) = (self.instance.take(), &self.home)
            && !self.in_request
            && !self.in_response
        {
            plugin.give_back(*worker, instance);
        }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("alive", &self.instance.is_some()).finish_non_exhaustive()
    }
}

/// A place in the queue, given up when the wait ends in any way.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn in_queue(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        if waiting.fetch_add(1, Ordering::Relaxed) >= most {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
