//! Consistent hashing: the same key goes to the same endpoint, and when one comes or goes only its own keys move.
//!
//! A ring (Karger and others, 1997) and not a table such as Maglev's: it passes over who is out of service by going on,
//! so that the keys of one that is out spread over all others and return when it does.

use std::net::IpAddr;

use http::HeaderName;

use super::Caller;
use super::candidates::Candidates;
use crate::wire::cookie;

/// What is hashed of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKey {
    /// The first value of a header.
    Header(HeaderName),
    Cookie(Box<str>),
    ClientAddress,
}

impl HashKey {
    /// `None`: the request has no such thing.
    pub(super) fn of(&self, caller: &Caller<'_>) -> Option<u64> {
        match self {
            Self::Header(name) => caller.headers.get(name).map(|value| hash(value.as_bytes(), 0)),
            Self::Cookie(name) => cookie::value(caller.headers, name).map(|value| hash(value, 0)),
            Self::ClientAddress => Some(match caller.address.to_canonical() {
                IpAddr::V4(address) => hash(&address.octets(), 0),
                IpAddr::V6(address) => hash(&address.octets(), 0),
            }),
        }
    }
}

/// Points of endpoints on a circle. A key belongs to the first point that is not before it.
#[derive(Debug)]
pub struct Ring {
    /// In the order of their places.
    points: Box<[Point]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    place: u64,
    endpoint: u32,
}

/// Of the heaviest endpoint: shares are right to some percent.
const MOST_POINTS_OF_ONE: u64 = 1024;
/// Of all: a megabyte.
const MOST_POINTS: u64 = 65_536;

impl Ring {
    /// From addresses and weights. How many points one has does not depend on how many others there are, up to 64 that
    /// weigh the same; so others do not move when one comes.
    pub fn new<'a>(endpoints: impl Iterator<Item = (&'a str, u32)> + Clone) -> Self {
        let weights = endpoints.clone().map(|(_, weight)| u64::from(weight.max(1)));
        let (heaviest, count) = (weights.clone().max().unwrap_or(1), weights.clone().count() as u64);
        let all: u64 = weights.map(|weight| (MOST_POINTS_OF_ONE * weight / heaviest).max(1)).sum();
        let most = if all > MOST_POINTS { (MOST_POINTS_OF_ONE * MOST_POINTS / all).max(1) } else { MOST_POINTS_OF_ONE };
        let mut points = Vec::with_capacity(usize::try_from(all.min(MOST_POINTS) + count).unwrap_or_default());
        for (endpoint, (address, weight)) in (0..).zip(endpoints) {
            let of_one = (most * u64::from(weight.max(1)) / heaviest).max(1);
            points.extend((0..of_one).map(|number| Point { place: hash(address.as_bytes(), number), endpoint }));
        }
        points.sort_unstable();
        Self { points: points.into() }
    }

    /// The endpoint of a key, or who is next behind it.
    pub(super) fn find(&self, key: u64, candidates: &Candidates<'_>) -> Option<usize> {
        let start = self.points.partition_point(|point| point.place < key);
        let mut from_there = self.points[start..].iter().chain(&self.points[..start]);
        let endpoint = |point: &Point| point.endpoint as usize;
        if candidates.are_all() {
            return from_there.next().map(endpoint);
        }
        // Else the whole ring would be walked to find nobody.
        if !(0..candidates.len()).any(|index| candidates.takes(index)) {
            return None;
        }
        from_there.map(endpoint).find(|index| candidates.takes(*index))
    }
}

/// The same on every machine and in every version, so that gateways agree: FNV-1a, finished as MurmurHash3 is, since
/// FNV alone leaves what is alike close together.
fn hash(bytes: &[u8], number: u64) -> u64 {
    let all = bytes.iter().copied().chain(number.to_le_bytes());
    let mut hash =
        all.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}
