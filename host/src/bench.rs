//! A door for the microbenchmarks of the crate `tests`: single steps of a request's path, without sockets.
//!
//! It is there only with the feature `bench`, calls what the gateway calls, and nothing on the path knows of it.

mod journey;

pub use journey::{Chained, Journey};

use std::time::Instant;

use http::{HeaderMap, Method};

use crate::router::{HostPattern, PathPattern, Router, Rule, Target};
use crate::state::{Algorithm, Bounds, Quota, State};

/// A router over `hosts` times `paths` routes.
pub struct Routes {
    router: Router,
    headers: HeaderMap,
}

impl Routes {
    /// Route number `host * paths + path` is for `host-<host>.example.com` and `/v1/resource-<path>/{id}`.
    pub fn new(hosts: usize, paths: usize) -> Self {
        let rule = |host: usize, path: usize| Rule {
            listeners: Vec::new(),
            hosts: vec![HostPattern::parse(&format!("host-{host}.example.com")).expect("it is a host")],
            path: PathPattern::parse(&format!("/v1/resource-{path}/{{id}}")).expect("it is a pattern"),
            methods: vec![Method::GET],
            headers: Vec::new(),
            query: Vec::new(),
            priority: 0,
        };
        let rules = (0..hosts).flat_map(|host| (0..paths).map(move |path| (host, path)));
        Self { router: Router::new(rules.map(|(host, path)| rule(host, path)).collect()), headers: HeaderMap::new() }
    }

    /// The route of a `GET`.
    pub fn find(&self, host: &str, path: &str) -> Option<usize> {
        let target = Target { listener: None, host, path, query: None, method: &Method::GET, headers: &self.headers };
        self.router.find(&target).ok()
    }
}

/// What plugins share, as the imports of one plugin reach it: the clock is read for each call.
pub struct Shared(State);

/// Whose keys they are.
const SCOPE: &str = "bench";
/// Why no call can fail.
const MODEST: &str = "keys, values and quotas are within their limits";

impl Shared {
    /// With room for this many entries.
    pub fn new(entries: usize) -> Self {
        Self(State::new(Bounds::of_entries(entries), Bounds::of_entries(entries)))
    }

    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.0.store.get(SCOPE, key, self.0.clock.at(Instant::now())).expect(MODEST)
    }

    pub fn set(&self, key: &str, value: Vec<u8>) {
        self.0.store.set(SCOPE, key, value, Some(60_000), self.0.clock.at(Instant::now())).expect(MODEST);
    }

    pub fn add(&self, key: &str) -> i64 {
        self.0.store.add(SCOPE, key, 1, Some(60_000), self.0.clock.at(Instant::now())).expect(MODEST)
    }

    /// One unit of a quota that is never used up; whether it passed.
    pub fn acquire(&self, key: &str) -> bool {
        let quota = Quota { limit: 1_000_000_000, window: 60_000, burst: 0, algorithm: Algorithm::SlidingWindow };
        self.0.limiter.acquire(SCOPE, key, &[quota], 1, self.0.clock.at(Instant::now())).expect(MODEST).allowed
    }
}
