//! Which endpoints are in service: probes ask them, and those whose requests fail are ejected for a while.
//!
//! All of it runs on the control thread, which alone takes endpoints out and puts them back; so there is one opinion,
//! and one line in the log for each change of it. Workers learn of it by flags ([`super::vitals`]).

mod ejection;
mod probe;

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http::uri::PathAndQuery;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::definition::{Address, Endpoint, Upstream};
use super::vitals::moment;

/// How endpoints are asked how they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probing {
    pub question: Question,
    /// Between two probes of one endpoint that is in service.
    pub interval: Duration,
    /// For the whole probe.
    pub timeout: Duration,
    /// Good ones in a row that put it back.
    pub healthy: u32,
    /// Bad ones in a row that take it out.
    pub unhealthy: u32,
}

/// What a good answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// A connection can be opened.
    Tcp,
    /// `GET` is answered with one of these statuses; with 200 to 399, if there are none.
    Http { path: PathAndQuery, headers: Arc<HeaderMap>, statuses: Arc<[StatusCode]> },
}

impl Question {
    /// `host` is what `Host` says in place of the endpoint's own.
    pub fn http(path: PathAndQuery, host: Option<HeaderValue>, statuses: Vec<StatusCode>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_static("tollgate-health"));
        headers.extend(host.map(|host| (header::HOST, host)));
        Self::Http { path, headers: Arc::new(headers), statuses: statuses.into() }
    }
}

/// Watches over the endpoints of the live config.
pub struct Health {
    watched: Vec<Watched>,
    /// Probes that may run at once.
    room: Rc<Semaphore>,
}

/// Probes at once, of all upstreams. Each is over within its timeout.
const MOST_PROBES: usize = 64;

/// One upstream, with the tasks that watch over it. Dropped, they end.
struct Watched {
    upstream: Rc<Upstream>,
    _tasks: JoinSet<()>,
}

impl Health {
    pub fn new() -> Self {
        Self { watched: Vec::new(), room: Rc::new(Semaphore::new(MOST_PROBES)) }
    }

    /// Goes on with these upstreams. What did not change is watched as before: reloads do not put probes off.
    ///
    /// # Panics
    ///
    /// Outside of a [`tokio::task::LocalSet`].
    pub fn follow(&mut self, upstreams: &[Upstream]) {
        let mut old = std::mem::take(&mut self.watched);
        self.watched = upstreams.iter().map(|upstream| self.watch(upstream, &mut old)).collect();
    }

    fn watch(&self, upstream: &Upstream, old: &mut Vec<Watched>) -> Watched {
        upstream.absolve();
        upstream.recount();
        if let Some(at) = old.iter().position(|old| is_same(&old.upstream, upstream)) {
            return old.swap_remove(at);
        }
        let mut tasks = JoinSet::new();
        let shared = Rc::new(upstream.clone());
        if upstream.ejection.failures.is_some() {
            tasks.spawn_local(ejection::decide(Rc::clone(&shared)));
        }
        if let Some(probing) = &upstream.health {
            for endpoint in once_each(&upstream.endpoints) {
                if !matches!(endpoint.address, Address::Internal(_)) {
                    let (shared, room) = (Rc::clone(&shared), Rc::clone(&self.room));
                    tasks.spawn_local(probe::repeat(shared, endpoint.clone(), probing.clone(), room));
                }
            }
        }
        Watched { upstream: shared, _tasks: tasks }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether the tasks of one do for the other.
fn is_same(old: &Upstream, new: &Upstream) -> bool {
    let are_same =
        |(old, new): (&Endpoint, &Endpoint)| Arc::ptr_eq(&old.vitals, &new.vitals) && old.address == new.address;
    Arc::ptr_eq(&old.standing, &new.standing)
        && old.endpoints.len() == new.endpoints.len()
        && old.endpoints.iter().zip(&new.endpoints).all(are_same)
        && (&old.health, &old.ejection, old.slow_start) == (&new.health, &new.ejection, new.slow_start)
}

/// An address that is there twice is one endpoint.
fn once_each(endpoints: &[Endpoint]) -> impl Iterator<Item = &Endpoint> {
    let is_first = |(at, endpoint): &(usize, &Endpoint)| {
        !endpoints[..*at].iter().any(|before| Arc::ptr_eq(&before.vitals, &endpoint.vitals))
    };
    endpoints.iter().enumerate().filter(is_first).map(|(_, endpoint)| endpoint)
}

fn now() -> u64 {
    moment(Instant::now())
}

#[cfg(test)]
mod tests;
