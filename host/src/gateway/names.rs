//! The addresses that the names of endpoints have, looked up again and again: no request waits for one.
//!
//! Each name has a task on the control thread. When its addresses change, the live config is replaced by a copy with other
//! upstreams, which the workers take as they take any other; endpoints that stay keep their connections. A lookup that
//! fails, also because there is no such name any more, leaves the addresses that were there: name servers fail more often
//! than all endpoints leave at once.

mod resolver;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::config::Dns;
use crate::live::Live;
use crate::telemetry::metrics::Registry;
use crate::upstream::health::Health;
use crate::upstream::{Plan, Upstream};
use resolver::{Found, LookupError, Resolver};

/// Of one name. An answer may have thousands, and each is an endpoint.
const MOST_ADDRESSES: usize = 256;
/// At once: each needs sockets.
const MOST_LOOKUPS: usize = 64;
/// How long changes are gathered before the live config is replaced, of which each copy is of all upstreams.
const GATHERING: Duration = Duration::from_millis(5);
/// Between two lookups that fail.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is known of names, and the tasks that look them up.
pub(super) struct Names(Rc<Shared>);

struct Shared {
    resolver: RefCell<Rc<Resolver>>,
    known: RefCell<HashMap<Rc<str>, Known>>,
    /// Of the live config.
    plans: RefCell<Vec<Plan>>,
    /// Nothing until the first is made.
    live: OnceCell<Arc<ArcSwap<Live>>>,
    /// Of the endpoints of the live config.
    health: RefCell<Health>,
    registry: Arc<Registry>,
    /// Who has none waits for one.
    permits: Semaphore,
    /// A name was looked up, however that ended.
    looked_up: Notify,
    /// A name of the live config has other addresses.
    changed: Rc<Notify>,
}

struct Known {
    /// In their order, each once.
    addresses: Vec<IpAddr>,
    /// Whether it was looked up since it was asked for.
    is_asked: Cell<bool>,
    is_live: bool,
    task: Option<Following>,
}

/// The task of one name.
struct Following(AbortHandle);

impl Drop for Following {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Names {
    pub(super) fn new(dns: &Dns, registry: Arc<Registry>) -> Self {
        let shared = Rc::new(Shared {
            resolver: RefCell::new(Rc::new(Resolver::new(dns))),
            known: RefCell::default(),
            plans: RefCell::default(),
            live: OnceCell::new(),
            health: RefCell::default(),
            registry,
            permits: Semaphore::new(MOST_LOOKUPS),
            looked_up: Notify::new(),
            changed: Rc::default(),
        });
        spawn_local(publish(Rc::downgrade(&shared), Rc::clone(&shared.changed)));
        Self(shared)
    }

    /// Looks up what is not known yet, or everything if it is to be asked for elsewhere from now on. Returns when each
    /// name has been found or not, or when the timeout of a lookup is over.
    pub(super) async fn look_up(&self, plans: &[Plan], dns: &Dns) {
        let Self(shared) = self;
        if shared.resolver.borrow().dns() != dns {
            shared.resolver.replace(Rc::new(Resolver::new(dns)));
            shared.known.borrow_mut().values_mut().for_each(|known| known.task = None);
        }
        let names: Vec<&str> = plans.iter().flat_map(Plan::names).collect();
        for name in &names {
            shared.follow(name);
        }
        let all = async {
            loop {
                // From here on nothing is missed.
                let looked_up = shared.looked_up.notified();
                let is_asked = |name: &&str| shared.known.borrow().get(*name).is_none_or(|known| known.is_asked.get());
                if names.iter().all(is_asked) {
                    return;
                }
                looked_up.await;
            }
        };
        // What is not found by then may be found later.
        let _ = timeout(dns.timeout, all).await;
    }

    /// Makes this the live config, its upstreams of these plans, with the addresses of now. Answers where it is to be found.
    pub(super) fn make_live(&self, live: Live, plans: &[Plan]) -> &Arc<ArcSwap<Live>> {
        let Self(shared) = self;
        let names: HashSet<&str> = plans.iter().flat_map(Plan::names).collect();
        shared.known.borrow_mut().retain(|name, known| {
            known.is_live = names.contains(&**name);
            known.is_live
        });
        shared.plans.replace(plans.to_vec());
        let next = Arc::new(Live { upstreams: shared.upstreams(), ..live });
        shared.watch(&next.upstreams);
        let live = shared.live.get_or_init(|| Arc::new(ArcSwap::new(Arc::clone(&next))));
        live.store(next);
        live
    }
}

impl Shared {
    fn upstreams(&self) -> Vec<Upstream> {
        let known = self.known.borrow();
        let addresses = |name: &str| known.get(name).map_or(Vec::new(), |known| known.addresses.clone());
        let (plans, now) = (self.plans.borrow(), Instant::now());
        let live = self.live.get().map(|live| live.load());
        let before = live.as_ref().map_or(&[][..], |live| &live.upstreams);
        let upstream = |plan: &Plan| {
            let mut upstream = plan.upstream(addresses);
            // Endpoints that stay go on with their health.
            upstream.inherit(before, now);
            upstream
        };
        plans.iter().map(upstream).collect()
    }

    /// Watches over these endpoints from now on, and shows how they are.
    fn watch(&self, upstreams: &[Upstream]) {
        self.health.borrow_mut().follow(upstreams);
        self.registry.show_endpoints(upstreams);
    }

    /// Begins to look up a name, if that is not done yet.
    fn follow(self: &Rc<Self>, name: &str) {
        let mut known = self.known.borrow_mut();
        let name: Rc<str> = name.into();
        let entry = known.entry(Rc::clone(&name)).or_insert_with(|| Known {
            addresses: Vec::new(),
            is_asked: Cell::new(false),
            is_live: false,
            task: None,
        });
        if entry.task.is_none() {
            entry.is_asked.set(false);
            entry.task = Some(Following(spawn_local(follow(Rc::downgrade(self), name)).abort_handle()));
        }
    }

    /// Notes what a lookup found; workers hear of it if it is something new.
    fn found(&self, name: &str, found: &Found, failed_before: bool) {
        let mut addresses = found.addresses.clone();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(MOST_ADDRESSES);
        let mut known = self.known.borrow_mut();
        let Some(known) = known.get_mut(name) else { return };
        let changed = known.addresses != addresses;
        if changed || failed_before {
            let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
            tracing::info!("the name {name} stands for {}", addresses.join(", "));
        }
        known.addresses = addresses;
        if changed && known.is_live {
            self.changed.notify_one();
        }
    }

    fn failed(&self, name: &str, error: &LookupError) {
        let left = self.known.borrow().get(name).map_or(0, |known| known.addresses.len());
        let left = match left {
            0 => "there is no address to send to",
            1 => "the address that it had stays",
            _ => "the addresses that it had stay",
        };
        tracing::warn!("the name {name} is not found, and {left}: {error}");
    }
}

/// Tells the workers of what has changed.
async fn publish(shared: Weak<Shared>, changed: Rc<Notify>) {
    loop {
        changed.notified().await;
        sleep(GATHERING).await;
        let Some(shared) = shared.upgrade() else { return };
        // Nothing is waited for between the look at what is live and its replacement, and all that replaces it runs on this
        // thread.
        if let Some(live) = shared.live.get() {
            let next = Live { upstreams: shared.upstreams(), ..Live::clone(&live.load()) };
            shared.watch(&next.upstreams);
            live.store(Arc::new(next));
        }
    }
}

/// Looks up one name for as long as it is known.
async fn follow(shared: Weak<Shared>, name: Rc<str>) {
    let mut pause = None;
    loop {
        let Some(shared) = shared.upgrade() else { return };
        let resolver = Rc::clone(&shared.resolver.borrow());
        let permit = shared.permits.acquire().await;
        let looked_up = resolver.look_up(&name).await;
        drop(permit);
        let wait = match looked_up {
            Ok(found) => {
                shared.registry.host.lookups_ok.increment();
                shared.found(&name, &found, pause.take().is_some());
                found.valid
            }
            Err(error) => {
                shared.registry.host.lookups_failed.increment();
                if pause.is_none() {
                    shared.failed(&name, &error);
                }
                let next = pause.map_or(resolver.dns().min_ttl, |last: Duration| 2 * last);
                *pause.insert(next.min(LONGEST_PAUSE).min(resolver.dns().max_ttl))
            }
        };
        if let Some(known) = shared.known.borrow().get(&name) {
            known.is_asked.set(true);
        }
        shared.looked_up.notify_waiters();
        drop(shared);
        sleep(wait).await;
    }
}
