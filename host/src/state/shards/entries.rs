//! The entries of one shard, in the order in which they make room.
//!
//! Every entry has a moment until which it is worth keeping. Beside the map each scope has a tree of
//! its entries in the order of that moment. When there is no room, what is past its moment goes; then
//! the soonest of the scope that has the most. So a scope that floods the shard makes room itself,
//! and one that keeps to its share loses nothing to it. Making room costs a step in a tree and a look
//! at each scope, of which there are as many as plugins; nothing ever looks at all entries. Those
//! that are past their moment go the same way, two with each new one, so they do not pile up.

use std::collections::{BTreeMap, HashMap};

use super::{Bounds, Usage};
use crate::state::Moment;
use crate::state::key::{Key, Parts, Prehashed, Probe};

pub(in crate::state) struct Entries<V> {
    map: HashMap<Key, Entry<V>, Prehashed>,
    /// Those that have entries.
    scopes: HashMap<Box<str>, Scope>,
    /// Tells apart the places of one moment: the older goes first.
    places: u64,
    bytes: usize,
    dropped: u64,
}

struct Entry<V> {
    value: V,
    place: Place,
    bytes: usize,
}

/// Milliseconds for which an entry that is past its moment stays if there is room: a caller's quotas are whole again
/// soon after each request, and to make their entry anew costs more than to find it.
const LINGER: u64 = 10_000;

/// One plugin's entries.
#[derive(Default)]
struct Scope {
    /// Each entry once.
    order: BTreeMap<Place, Key>,
    bytes: usize,
}

/// Whether an entry goes although its place has turned out wrong.
struct Forced(bool);

/// The moment may be earlier than what the value says by now; then it is corrected when its turn
/// comes.
type Place = (Moment, u64);

pub(in crate::state) trait Worth {
    /// Entries that are past it may go at any time.
    fn until(&self) -> Moment;
    /// On the heap.
    fn bytes(&self) -> usize;
}

impl<V: Worth> Entries<V> {
    /// What an entry costs beside its text and its value's heap: its slots in map (which is 7/8 full
    /// at most, half after it grew) and tree, and its allocation.
    const COST: usize = (size_of::<(Key, Entry<V>)>() + size_of::<(Place, Key)>()) * 3 / 2 + 16;

    pub(super) fn new() -> Self {
        Self { map: HashMap::default(), scopes: HashMap::new(), places: 0, bytes: 0, dropped: 0 }
    }

    /// Also one that is past its moment.
    pub(in crate::state) fn get(&self, probe: &Probe<'_>) -> Option<&V> {
        self.map.get(probe as &dyn Parts).map(|entry| &entry.value)
    }

    /// For changes that neither add bytes nor bring the moment forward.
    pub(in crate::state) fn get_mut(&mut self, probe: &Probe<'_>) -> Option<&mut V> {
        self.map.get_mut(probe as &dyn Parts).map(|entry| &mut entry.value)
    }

    pub(in crate::state) fn take(&mut self, probe: &Probe<'_>) -> Option<V> {
        let entry = self.map.remove(probe as &dyn Parts)?;
        self.forget(probe.scope(), &entry);
        Some(entry.value)
    }

    /// Replaces what is there. Others make room, if they must; what is put is always kept.
    pub(in crate::state) fn put(&mut self, probe: &Probe<'_>, value: V, bounds: Bounds, now: Moment) {
        let key = match self.map.remove_entry(probe as &dyn Parts) {
            Some((key, entry)) => {
                self.forget(probe.scope(), &entry);
                key
            }
            None => probe.to_key(),
        };
        for _ in 0..2 {
            let soonest = self.scopes.get(probe.scope()).and_then(Scope::soonest);
            if soonest.is_some_and(|noted| noted.plus_millis(LINGER) <= now) {
                self.drop_soonest(probe.scope(), now, Forced(false));
            }
        }
        let bytes = Self::COST + key.len() + value.bytes();
        while self.map.len() >= bounds.entries || self.bytes + bytes > bounds.bytes {
            if !self.make_room(bounds, now) {
                break;
            }
        }
        let place = self.place(value.until());
        if !self.scopes.contains_key(probe.scope()) {
            self.scopes.insert(probe.scope().into(), Scope::default());
        }
        let scope = self.scopes.get_mut(probe.scope()).expect("it has just been inserted");
        scope.order.insert(place, key.clone());
        scope.bytes += bytes;
        self.bytes += bytes;
        self.map.insert(key, Entry { value, place, bytes });
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { entries: self.map.len(), bytes: self.bytes, dropped: self.dropped }
    }

    /// Drops what bounds that became smaller have no room for. Answers whether there is more.
    pub(super) fn shrink(&mut self, bounds: Bounds, at_most: usize) -> bool {
        for _ in 0..at_most {
            let fits = self.map.len() <= bounds.entries && self.bytes <= bounds.bytes;
            if fits || self.map.len() <= 1 || !self.make_room(bounds, Moment::default()) {
                return false;
            }
        }
        true
    }

    /// Drops an entry that is past its moment, or the soonest of the scope that has most of what is
    /// scarce. Answers whether there was one.
    fn make_room(&mut self, bounds: Bounds, now: Moment) -> bool {
        // Bounds the places that one call corrects.
        (0..8).any(|turn| {
            let past = self.scopes.iter().find(|(_, scope)| scope.soonest().is_some_and(|noted| noted <= now));
            let scarce = |scope: &Scope| {
                if self.map.len() >= bounds.entries { scope.order.len() } else { scope.bytes }
            };
            let most = || self.scopes.iter().max_by_key(|(_, scope)| scarce(scope));
            let Some((name, _)) = past.or_else(most) else {
                return false;
            };
            let name = name.clone();
            self.drop_soonest(&name, now, Forced(turn == 7))
        })
    }

    /// Drops the first entry of a scope's order, or, unless forced, corrects its place. Answers whether
    /// it was dropped.
    fn drop_soonest(&mut self, name: &str, now: Moment, forced: Forced) -> bool {
        let scope = self.scopes.get_mut(name).expect("the caller found it");
        let ((noted, _), key) = scope.order.pop_first().expect("scopes that have no entries are removed");
        let entry = self.map.get_mut(&key as &dyn Parts).expect("map and orders hold the same keys");
        let until = entry.value.until();
        if until > noted && !forced.0 {
            self.places += 1;
            entry.place = (until, self.places);
            scope.order.insert(entry.place, key);
            return false;
        }
        self.dropped += u64::from(until > now);
        let entry = self.map.remove(&key as &dyn Parts).expect("it was there above");
        self.forget(name, &entry);
        true
    }

    fn forget(&mut self, name: &str, entry: &Entry<V>) {
        self.bytes -= entry.bytes;
        let scope = self.scopes.get_mut(name).expect("every entry has its scope");
        scope.bytes -= entry.bytes;
        scope.order.remove(&entry.place);
        if scope.order.is_empty() {
            self.scopes.remove(name);
        }
    }

    fn place(&mut self, until: Moment) -> Place {
        self.places += 1;
        (until, self.places)
    }
}

impl Scope {
    fn soonest(&self) -> Option<Moment> {
        self.order.first_key_value().map(|((noted, _), _)| *noted)
    }
}
