//! The live config as one worker sees it, with what the worker keeps for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::mirror;
use crate::exchange::Directory;
use crate::live::{Live, Route};
use crate::upstream::WorkerUpstreams;
use crate::wire::trailers::Sieve;

/// One live config on one worker. Requests count their use of it without touching memory that
/// workers share.
pub(super) struct View {
    pub(super) live: Arc<Live>,
    /// This worker's own handle on the directory.
    pub(super) directory: Arc<Directory>,
    pub(super) upstreams: WorkerUpstreams,
    /// Which trailers of responses pass.
    pub(super) trailers: Sieve,
    /// What this worker counts for each route.
    counts: Box<[Counts]>,
}

/// What one worker counts for a route.
#[derive(Default)]
pub(super) struct Counts {
    /// Requests whose upstream was chosen among several.
    split: Cell<u32>,
    /// Requests that might be mirrored, and copies that are under way.
    pub(super) mirror: mirror::Counts,
}

/// The worker's current view, renewed when the live config was swapped.
pub(super) struct Views {
    live: Arc<ArcSwap<Live>>,
    current: RefCell<Rc<View>>,
}

/// How often idle upstream connections are looked at.
const SWEEP: Duration = Duration::from_secs(1);

impl View {
    pub(super) fn route(&self, route: usize) -> &Route {
        &self.live.routes[route]
    }

    pub(super) fn counts(&self, route: usize) -> &Counts {
        &self.counts[route]
    }

    /// The upstream of the next request on a route, if that has one.
    pub(super) fn upstream(&self, route: usize) -> Option<usize> {
        let turn = &self.counts[route].split;
        self.route(route).destination.upstream(|| turn.replace(turn.get().wrapping_add(1)))
    }

    /// The upstream of this name, those included that stand for origins of plugins.
    pub(super) fn upstream_named(&self, name: &str) -> Option<usize> {
        self.live.upstreams.iter().position(|upstream| *upstream.name == *name)
    }

    fn of(live: Arc<Live>, upstreams: WorkerUpstreams) -> Rc<Self> {
        let directory = Arc::new(live.directory.clone());
        let trailers = Sieve::new(live.owned.clone());
        let counts = live.routes.iter().map(|_| Counts::default()).collect();
        Rc::new(Self { live, directory, upstreams, trailers, counts })
    }
}

impl Views {
    pub(super) fn new(live: Arc<ArcSwap<Live>>) -> Self {
        let first = live.load_full();
        let upstreams = WorkerUpstreams::new(&first.upstreams);
        Self { current: RefCell::new(View::of(first, upstreams)), live }
    }

    /// The view of the live config. Reads one shared pointer; only after a swap does it more.
    pub(super) fn current(&self) -> Rc<View> {
        let live = self.live.load();
        let mut current = self.current.borrow_mut();
        if !Arc::ptr_eq(&live, &current.live) {
            let upstreams = current.upstreams.renew(&live.upstreams);
            *current = View::of(Arc::clone(&live), upstreams);
        }
        Rc::clone(&current)
    }

    /// Closes idle connections, and lets go of a config that was swapped away while no requests came.
    pub(super) async fn sweep(&self) {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            self.current().upstreams.sweep();
        }
    }
}
