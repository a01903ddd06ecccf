//! What workers share of endpoints: which are out of service, and what came of the requests to them.
//!
//! Workers count, the control thread decides ([`super::health`]): nothing here is locked on a request's path, and as
//! long as all goes well a request writes nothing that another worker reads. It is shared because each worker alone
//! would learn too late: one of 64 workers sees a sixty-fourth of the failures.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::Notify;

use super::definition::Upstream;
use super::error::UpstreamError;

/// What is shared of one endpoint.
#[derive(Debug)]
pub struct Vitals {
    pub upstream: Arc<str>,
    /// The address as logs and metrics show it.
    pub endpoint: Arc<str>,
    /// [`UNHEALTHY`] and [`EJECTED`]; only the control thread writes it.
    out: AtomicU8,
    /// Tries that failed, in a row. Written when one fails, and by the first that does not.
    failures: AtomicU32,
    /// When it came into service, by [`moment`]; 0: with its upstream.
    since: AtomicU64,
    /// The control thread's: how often it was ejected lately, and until when it is, or was.
    ejections: AtomicU32,
    until: AtomicU64,
    /// Unfinished requests of all workers, where the balancer asks for them.
    load: Apart<AtomicU32>,
    tallies: Mutex<Vec<Arc<Tally>>>,
}

/// What is shared of one upstream.
#[derive(Debug, Default)]
pub struct Standing {
    /// Endpoints that are out of service. While it is 0, no endpoint's own flags are looked at.
    out: AtomicUsize,
    /// Until when some endpoint starts slowly, by [`moment`].
    slow_until: AtomicU64,
    /// An endpoint failed often enough to be looked at.
    pub(super) suspicion: Notify,
}

/// On cache lines of its own: x86 fetches them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

/// What one worker counts of an endpoint.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Tally {
    tries: AtomicU64,
    failures: AtomicU64,
}

/// By its probes.
const UNHEALTHY: u8 = 1;
/// For what became of requests.
const EJECTED: u8 = 2;

/// Milliseconds of the process, from 1.
pub(super) fn moment(at: Instant) -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    millis(at.saturating_duration_since(start)).saturating_add(1)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Vitals {
    pub(super) fn new(upstream: &Arc<str>, endpoint: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            upstream: Arc::clone(upstream),
            endpoint,
            out: AtomicU8::new(0),
            failures: AtomicU32::new(0),
            since: AtomicU64::new(0),
            ejections: AtomicU32::new(0),
            until: AtomicU64::new(0),
            load: Apart::default(),
            tallies: Mutex::default(),
        })
    }

    /// Whether no requests are to go to it.
    pub(super) fn is_out(&self) -> bool {
        self.out.load(Relaxed) != 0
    }

    /// What its probes say.
    pub fn is_healthy(&self) -> bool {
        self.out.load(Relaxed) & UNHEALTHY == 0
    }

    pub fn is_ejected(&self) -> bool {
        self.out.load(Relaxed) & EJECTED != 0
    }

    /// Requests that were sent to it, each try counted, and how many of them failed.
    pub fn tries_and_failures(&self) -> (u64, u64) {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = |of: fn(&Tally) -> &AtomicU64| tallies.iter().map(|tally| of(tally).load(Relaxed)).sum();
        (sum(|tally| &tally.tries), sum(|tally| &tally.failures))
    }

    pub(super) fn load(&self) -> u32 {
        self.load.0.load(Relaxed)
    }

    #[cfg(test)]
    pub(super) fn add_load(&self, requests: u32) {
        self.load.0.fetch_add(requests, Relaxed);
    }

    pub(super) fn since(&self) -> u64 {
        self.since.load(Relaxed)
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures.load(Relaxed)
    }

    /// Until when it is ejected, by [`moment`].
    pub(super) fn ejected_until(&self) -> u64 {
        self.until.load(Relaxed)
    }

    /// Probes agree that it can be sent to, or cannot. Of the control thread, as what follows.
    pub(super) fn set_healthy(&self, healthy: bool, now: u64) {
        self.set(UNHEALTHY, !healthy, now);
    }

    /// Takes it out of service, for longer each time; answers for how long.
    pub(super) fn eject(&self, time: Duration, longest: Duration, now: u64) -> Duration {
        // Whoever has served well for so long begins anew.
        let lately = now.saturating_sub(self.until.load(Relaxed)) < millis(longest);
        let before = if lately { self.ejections.load(Relaxed) } else { 0 };
        let time = time.saturating_mul(1 << before.min(16)).min(longest);
        self.ejections.store(before.saturating_add(1), Relaxed);
        self.until.store(now.saturating_add(millis(time)), Relaxed);
        self.set(EJECTED, true, now);
        time
    }

    /// Puts it back, on probation: one more failure than `failures` ejects it again, and a success ends that.
    pub(super) fn readmit(&self, failures: u32, now: u64) {
        self.failures.store(failures, Relaxed);
        self.until.store(now, Relaxed);
        self.set(EJECTED, false, now);
    }

    fn set(&self, flag: u8, on: bool, now: u64) {
        let before = self.out.load(Relaxed);
        let after = if on { before | flag } else { before & !flag };
        self.out.store(after, Relaxed);
        if before != 0 && after == 0 {
            self.since.store(now, Relaxed);
        }
    }
}

impl Standing {
    /// Endpoints that are out of service.
    pub(super) fn out(&self) -> usize {
        self.out.load(Relaxed)
    }

    pub(super) fn slow_until(&self) -> u64 {
        self.slow_until.load(Relaxed)
    }
}

impl Upstream {
    /// Takes over what was shared in `old`, by name and address. Endpoints that are new in an upstream start slowly.
    pub fn inherit(&mut self, old: &[Self], now: Instant) {
        let Some(old) = old.iter().find(|old| old.name == self.name) else { return };
        self.standing = Arc::clone(&old.standing);
        for endpoint in &mut self.endpoints {
            match old.endpoints.iter().find(|old| old.address == endpoint.address) {
                Some(old) => endpoint.vitals = Arc::clone(&old.vitals),
                None => endpoint.vitals.since.store(moment(now), Relaxed),
            }
        }
    }

    /// Puts back whom nobody would put back any more: by a config without probes, or without ejection.
    pub(super) fn absolve(&self) {
        let forgotten = if self.health.is_none() { UNHEALTHY } else { 0 }
            | if self.ejection.failures.is_none() { EJECTED } else { 0 };
        for endpoint in &self.endpoints {
            endpoint.vitals.out.fetch_and(!forgotten, Relaxed);
        }
    }

    /// Counts who is out of service, after somebody left or came back.
    pub(super) fn recount(&self) {
        let all = || self.endpoints.iter().map(|endpoint| &endpoint.vitals);
        self.standing.out.store(all().filter(|vitals| vitals.is_out()).count(), Relaxed);
        let slow = self.slow_start.map_or(0, millis);
        let last = all().map(|vitals| vitals.since()).max().unwrap_or_default();
        let until = if slow == 0 || last == 0 { 0 } else { last.saturating_add(slow) };
        self.standing.slow_until.store(until, Relaxed);
    }
}

/// How one worker counts what comes of requests to an endpoint. Without one, as for probes, nothing is counted.
#[derive(Debug, Default)]
pub(super) struct Record(RefCell<Option<Post>>);

#[derive(Debug)]
struct Post {
    vitals: Arc<Vitals>,
    standing: Arc<Standing>,
    tally: Arc<Tally>,
    /// Failures in a row after which the control thread is to look.
    suspect_at: Option<u32>,
    statuses: Arc<[StatusCode]>,
    counts_load: bool,
}

impl Record {
    /// Counts for this upstream's endpoint from now on.
    pub(super) fn follow(&self, upstream: &Upstream, vitals: &Arc<Vitals>) {
        let mut post = self.0.borrow_mut();
        let tally = match post.take() {
            Some(old) if Arc::ptr_eq(&old.vitals, vitals) => old.tally,
            _ => {
                let tally = Arc::<Tally>::default();
                vitals.tallies.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&tally));
                tally
            }
        };
        *post = Some(Post {
            vitals: Arc::clone(vitals),
            standing: Arc::clone(&upstream.standing),
            tally,
            suspect_at: upstream.ejection.failures,
            statuses: Arc::clone(&upstream.ejection.statuses),
            counts_load: upstream.balancer.counts_load(),
        });
    }

    /// Counts a request among the unfinished of all workers, if anybody looks at them.
    pub(super) fn enter(&self) -> Option<Loaded> {
        let post = self.0.borrow();
        let vitals = &post.as_ref().filter(|post| post.counts_load)?.vitals;
        vitals.load.0.fetch_add(1, Relaxed);
        Some(Loaded(Arc::clone(vitals)))
    }

    /// A try came to something, whatever that says.
    pub(super) fn tried(&self) {
        if let Some(post) = self.0.borrow().as_ref() {
            // No other thread writes it.
            post.tally.tries.store(post.tally.tries.load(Relaxed) + 1, Relaxed);
        }
    }

    /// What a try came to.
    pub(super) fn heed(&self, sent: Result<StatusCode, &UpstreamError>) {
        self.tried();
        let post = self.0.borrow();
        let Some(post) = post.as_ref() else { return };
        let failed = match sent {
            Ok(status) => post.statuses.contains(&status),
            Err(error) if is_of_endpoint(error) => true,
            Err(_) => return,
        };
        let failures = &post.vitals.failures;
        if !failed {
            if failures.load(Relaxed) != 0 {
                failures.store(0, Relaxed);
            }
            return;
        }
        post.tally.failures.fetch_add(1, Relaxed);
        let in_a_row = failures.fetch_add(1, Relaxed).wrapping_add(1);
        if post.suspect_at.is_some_and(|most| in_a_row.is_multiple_of(most)) {
            post.standing.suspicion.notify_one();
        }
    }
}

/// One unfinished request among those of all workers: counted as long as it lives.
#[derive(Debug)]
pub(super) struct Loaded(Arc<Vitals>);

impl Drop for Loaded {
    fn drop(&mut self) {
        self.0.load.0.fetch_sub(1, Relaxed);
    }
}

/// Whether the failure speaks against the endpoint, and not of the client or of this side.
fn is_of_endpoint(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Connect { .. }
        | UpstreamError::ConnectTimeout { .. }
        | UpstreamError::ResponseTimeout { .. }
        | UpstreamError::Closed { .. }
        // Once in a while it may idle too long; so it is with nobody who leaves again and again.
        | UpstreamError::Stale { .. }
        | UpstreamError::Malformed { .. }
        | UpstreamError::Certificate { .. }
        | UpstreamError::Tls { .. }
        | UpstreamError::NoHttp2 { .. }
        | UpstreamError::Refused { .. }
        | UpstreamError::Reset { .. }
        | UpstreamError::Broken { .. } => true,
        // A long response takes room as well as a slow one.
        UpstreamError::NoEndpoint { .. }
        | UpstreamError::QueueFull { .. }
        | UpstreamError::QueueTimeout { .. }
        | UpstreamError::TotalTimeout { .. }
        | UpstreamError::Exhausted { .. }
        | UpstreamError::Full { .. }
        | UpstreamError::RequestBody { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn vitals() -> Arc<Vitals> {
        Vitals::new(&"users".into(), "127.0.0.1:1".into())
    }

    #[test]
    fn each_ejection_is_twice_as_long_until_the_longest() {
        let (vitals, mut now) = (vitals(), 1);
        let times = [1, 2, 4, 5, 5].map(|seconds| {
            assert_eq!(vitals.eject(SECOND, 5 * SECOND, now), seconds * SECOND);
            assert!(vitals.is_out() && vitals.is_ejected());
            now = vitals.ejected_until();
            vitals.readmit(2, now);
            (vitals.is_out(), vitals.failures())
        });
        assert_eq!(times, [(false, 2); 5]);
    }

    #[test]
    fn who_served_well_for_the_longest_time_begins_anew() {
        let vitals = vitals();
        vitals.eject(SECOND, 5 * SECOND, 1);
        vitals.readmit(0, 1_001);
        assert_eq!(vitals.eject(SECOND, 5 * SECOND, 6_001), SECOND);
        vitals.readmit(0, 7_001);
        assert_eq!(vitals.eject(SECOND, 5 * SECOND, 12_000), 2 * SECOND);
    }

    #[test]
    fn an_endpoint_is_back_when_nothing_speaks_against_it() {
        let vitals = vitals();
        vitals.set_healthy(false, 10);
        vitals.eject(SECOND, SECOND, 20);
        vitals.set_healthy(true, 30);
        assert_eq!((vitals.is_out(), vitals.is_healthy(), vitals.since()), (true, true, 0));
        vitals.readmit(0, 40);
        assert_eq!((vitals.is_out(), vitals.since()), (false, 40));
    }
}
