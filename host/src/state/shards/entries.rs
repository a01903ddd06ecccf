//! The entries of one shard, in the order in which they make room.
//!
//! Every entry has a moment until which it is worth keeping. A tree beside the map keeps them in the
//! order of that moment; when there is no room, the soonest goes. So making room costs one step in a
//! tree of one shard's entries, and nothing ever looks at all of them. Entries that are past their
//! moment go the same way, two with each new one, so they do not pile up.

use std::collections::{BTreeMap, HashMap};

use super::{Bounds, Usage};
use crate::state::Moment;
use crate::state::key::{Key, Parts, Prehashed, Probe};

pub(in crate::state) struct Entries<V> {
    map: HashMap<Key, Entry<V>, Prehashed>,
    /// Each entry once.
    order: BTreeMap<Place, Key>,
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
        let (map, order) = (HashMap::default(), BTreeMap::new());
        Self { map, order, places: 0, bytes: 0, dropped: 0 }
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
        self.forget(&entry);
        Some(entry.value)
    }

    /// Replaces what is there. Others make room, if they must; what is put is always kept.
    pub(in crate::state) fn put(&mut self, probe: &Probe<'_>, value: V, bounds: Bounds, now: Moment) {
        let key = match self.map.remove_entry(probe as &dyn Parts) {
            Some((key, entry)) => {
                self.forget(&entry);
                key
            }
            None => probe.to_key(),
        };
        for _ in 0..2 {
            if self.order.first_key_value().is_some_and(|((noted, _), _)| *noted <= now) {
                self.drop_soonest(now, Forced(false));
            }
        }
        let bytes = Self::COST + key.len() + value.bytes();
        while self.map.len() >= bounds.entries || self.bytes + bytes > bounds.bytes {
            if !self.make_room(now) {
                break;
            }
        }
        self.bytes += bytes;
        let place = self.place(value.until());
        self.order.insert(place, key.clone());
        self.map.insert(key, Entry { value, place, bytes });
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { entries: self.map.len(), bytes: self.bytes, dropped: self.dropped }
    }

    /// Drops what bounds that became smaller have no room for. Answers whether there is more.
    pub(super) fn shrink(&mut self, bounds: Bounds, at_most: usize) -> bool {
        for _ in 0..at_most {
            let fits = self.map.len() <= bounds.entries && self.bytes <= bounds.bytes;
            if fits || self.map.len() <= 1 || !self.make_room(Moment::default()) {
                return false;
            }
        }
        true
    }

    /// Drops the entry that is worth keeping least long. Answers whether there was one.
    fn make_room(&mut self, now: Moment) -> bool {
        // Bounds the places that one call corrects.
        (0..8).any(|turn| self.drop_soonest(now, Forced(turn == 7)))
    }

    /// Drops the first entry of the order, or, unless forced, corrects its place. Answers whether it
    /// was dropped.
    fn drop_soonest(&mut self, now: Moment, forced: Forced) -> bool {
        let Some(((noted, _), key)) = self.order.pop_first() else {
            return false;
        };
        let entry = self.map.get_mut(&key as &dyn Parts).expect("map and order hold the same keys");
        let until = entry.value.until();
        if until > noted && !forced.0 {
            self.places += 1;
            entry.place = (until, self.places);
            self.order.insert(entry.place, key);
            return false;
        }
        self.dropped += u64::from(until > now);
        self.bytes -= entry.bytes;
        self.map.remove(&key as &dyn Parts);
        true
    }

    fn forget(&mut self, entry: &Entry<V>) {
        self.order.remove(&entry.place);
        self.bytes -= entry.bytes;
    }

    fn place(&mut self, until: Moment) -> Place {
        self.places += 1;
        (until, self.places)
    }
}
