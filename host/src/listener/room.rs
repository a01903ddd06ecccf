//! How many connections a listener has open on all workers together, and who may have one more.
//!
//! Workers share it, and touch it when a connection comes and when it goes: one atomic, and one lock of 16 where there is
//! a limit for each address.

use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Address;
use super::told::Told;

/// How many connections may be open; `None`: as many as come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionLimits {
    pub in_all: Option<NonZeroUsize>,
    /// Of one IPv4 address, or of one IPv6 /64, which is what one subscriber gets at least.
    pub of_address: Option<NonZeroUsize>,
}

/// The open connections of one listener.
#[derive(Debug)]
pub struct Room {
    most: AtomicUsize,
    most_of_address: AtomicUsize,
    open: AtomicUsize,
    /// Those that are counted by their address. There are no more entries than open connections.
    addresses: [Mutex<HashMap<IpAddr, usize>>; SHARDS],
    hasher: RandomState,
    made: Instant,
    /// When an attempt to accept failed last: milliseconds since `made`; [`NEVER`]: none did.
    failed: AtomicU64,
    told: Told,
}

/// A pause is over when no attempt to accept has failed for so long.
const CALM: Duration = Duration::from_secs(10);
const NEVER: u64 = u64::MAX;

const SHARDS: usize = 16;
/// Stands for no limit.
const ENDLESS: usize = usize::MAX;

impl Room {
    /// Of the listener at this address.
    pub fn new(limits: ConnectionLimits, listener: Address) -> Arc<Self> {
        let this = Self {
            most: AtomicUsize::new(ENDLESS),
            most_of_address: AtomicUsize::new(ENDLESS),
            open: AtomicUsize::new(0),
            addresses: Default::default(),
            hasher: RandomState::new(),
            made: Instant::now(),
            failed: AtomicU64::new(NEVER),
            told: Told::new(listener),
        };
        this.limit(limits);
        Arc::new(this)
    }

    /// From now on; whoever is in stays.
    pub fn limit(&self, limits: ConnectionLimits) {
        let most = |limit: Option<NonZeroUsize>| limit.map_or(ENDLESS, NonZeroUsize::get);
        self.most.store(most(limits.in_all), Relaxed);
        self.most_of_address.store(most(limits.of_address), Relaxed);
    }

    /// Lets one more connection in, unless as many as may be are open.
    pub fn seat(self: &Arc<Self>) -> Option<Seat> {
        let most = self.most.load(Relaxed);
        // Not an addition that is taken back: it would keep out who comes in between.
        let one_more = |open: usize| (open < most).then_some(open + 1);
        self.open.fetch_update(Relaxed, Relaxed, one_more).ok()?;
        Some(Seat { room: Arc::clone(self), counted: None })
    }

    /// What the listener tells of those who are turned away.
    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    /// An attempt to accept failed. Whether that is the first one of a pause, of all that the workers make.
    pub(super) fn begins_pause(&self) -> bool {
        self.fails_after(self.made.elapsed())
    }

    fn fails_after(&self, time: Duration) -> bool {
        let now = u64::try_from(time.as_millis()).unwrap_or(NEVER - 1);
        let before = self.failed.swap(now, Relaxed);
        before == NEVER || u128::from(now.saturating_sub(before)) >= CALM.as_millis()
    }

    fn shard(&self, key: IpAddr) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        let shard = self.hasher.hash_one(key) as usize % SHARDS;
        self.addresses[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that was let in. Dropped, it has left.
#[derive(Debug)]
pub struct Seat {
    room: Arc<Room>,
    /// What it is counted by besides.
    counted: Option<IpAddr>,
}

impl Seat {
    /// What the listener tells of those who are turned away.
    pub(super) fn told(&self) -> &Told {
        self.room.told()
    }

    /// Whether connections of one address are limited.
    pub fn is_by_address(&self) -> bool {
        self.room.most_of_address.load(Relaxed) != ENDLESS
    }

    /// Counts the connection as one of this address; false if that has as many as it may. Once only.
    pub fn count(&mut self, address: IpAddr) -> bool {
        debug_assert!(self.counted.is_none(), "a connection is of one address");
        let (key, most) = (subscriber(address), self.room.most_of_address.load(Relaxed));
        let mut shard = self.room.shard(key);
        let open = shard.get(&key).copied().unwrap_or(0);
        if open >= most {
            return false;
        }
        shard.insert(key, open + 1);
        self.counted = Some(key);
        true
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.open.fetch_sub(1, Relaxed);
        if let Some(key) = self.counted
            && let Entry::Occupied(mut open) = self.room.shard(key).entry(key)
        {
            match open.get() {
                0 | 1 => drop(open.remove()),
                more => *open.get_mut() = more - 1,
            }
        }
    }
}

/// What is counted as one: an address, or the network of 64 bits that it is in.
fn subscriber(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, of_address: usize) -> ConnectionLimits {
        ConnectionLimits { in_all: NonZeroUsize::new(connections), of_address: NonZeroUsize::new(of_address) }
    }

    fn room(connections: usize, of_address: usize) -> Arc<Room> {
        Room::new(limits(connections, of_address), Address::Unix(std::path::Path::new("here").into()))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Entries of addresses.
    fn entries(room: &Room) -> usize {
        room.addresses.iter().map(|shard| shard.lock().expect("nobody panicked").len()).sum()
    }

    #[test]
    fn a_pause_begins_once_and_is_over_after_ten_seconds_without_a_failure() {
        let room = room(0, 0);
        let begins = [0, 1, 9, 18, 27, 37, 40].map(|second| room.fails_after(Duration::from_secs(second)));
        assert_eq!(begins, [true, false, false, false, false, true, false]);
    }

    #[test]
    fn who_leaves_makes_room_for_one() {
        let room = room(2, 0);
        let (first, second) = (room.seat().expect("room"), room.seat().expect("room"));
        assert!(room.seat().is_none());
        drop(first);
        let third = room.seat().expect("room");
        assert!(room.seat().is_none());
        room.limit(limits(3, 0));
        let fourth = room.seat().expect("room");
        room.limit(limits(1, 0));
        drop((second, third));
        assert!(room.seat().is_none(), "one is still there");
        drop(fourth);
        assert!(room.seat().is_some());
        room.limit(limits(0, 0));
        assert_eq!((0..100_000).map_while(|_| room.seat()).collect::<Vec<_>>().len(), 100_000);
    }

    #[test]
    fn an_address_has_so_many_and_a_network_of_64_bits_counts_as_one() {
        let room = room(0, 2);
        let seated = |text: &str| {
            let mut seat = room.seat().expect("room");
            seat.count(address(text)).then_some(seat)
        };
        let one = seated("192.0.2.1").expect("the first");
        let _two = seated("192.0.2.1").expect("the second");
        assert!(seated("192.0.2.1").is_none());
        let _other = seated("192.0.2.2").expect("another address");
        drop(one);
        assert!(seated("192.0.2.1").is_some());
        let _six = [seated("2001:db8::1").expect("the first"), seated("2001:db8::ffff:0:0:1").expect("the second")];
        assert!(seated("2001:db8:0:0:1::").is_none());
        assert!(seated("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn nothing_is_kept_of_who_has_left() {
        let room = room(0, 1);
        for number in 0..10_000_u32 {
            let mut seat = room.seat().expect("room");
            assert!(seat.count(IpAddr::from(number.to_be_bytes())));
        }
        assert_eq!((entries(&room), room.open.load(Relaxed)), (0, 0));
    }

    #[test]
    fn workers_together_let_in_no_more_than_may_be() {
        let room = room(50, 7);
        let seats: Vec<Seat> = std::thread::scope(|scope| {
            let worker = || {
                let try_one = |_| {
                    let mut seat = room.seat()?;
                    seat.count(address("192.0.2.1")).then_some(seat)
                };
                (0..1000).filter_map(try_one).collect::<Vec<_>>()
            };
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().flat_map(|worker| worker.join().expect("it does not panic")).collect()
        });
        assert_eq!((seats.len(), room.open.load(Relaxed)), (7, 7));
        drop(seats);
        assert_eq!((entries(&room), room.open.load(Relaxed)), (0, 0));
    }
}
