//! The one of two with fewer unfinished requests for its weight.
//!
//! Two that are drawn by their weights, and not the least of all: that takes the time of two however many there are, and
//! an endpoint that just came, or that fails fast and so has nothing unfinished, draws its part of the requests and not
//! every one of them (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use super::candidates::{Candidates, WHOLE};
use super::turns::Turns;

#[derive(Debug)]
pub(super) struct Pairs {
    weights: Box<[u64]>,
    /// Sums of the weights up to and with each endpoint.
    sums: Box<[u64]>,
    random: Random,
}

/// After so many draws of who may not be taken, turns are taken instead.
const MOST_DRAWS: usize = 8;

impl Pairs {
    pub(super) fn new(weights: &[u32]) -> Self {
        // A hasher's keys are random.
        Self::drawn_by(weights, RandomState::new().hash_one(0))
    }

    pub(super) fn drawn_by(weights: &[u32], seed: u64) -> Self {
        let weights: Box<[u64]> = weights.iter().map(|weight| u64::from(*weight).max(1)).collect();
        let mut sum = 0;
        let sums = weights.iter().map(|weight| {
            sum += weight;
            sum
        });
        Self { sums: sums.collect(), weights, random: Random(Cell::new(seed | 1)) }
    }

    pub(super) fn choose(&self, candidates: &Candidates<'_>, turns: &Turns) -> Option<usize> {
        let one = self.draw(candidates, turns, usize::MAX)?;
        let Some(other) = self.draw(candidates, turns, one) else { return Some(one) };
        let weight = |index: usize| u128::from(self.weights[index]) * u128::from(candidates.share(index));
        let is_lighter =
            u128::from(candidates.load(other)) * weight(one) < u128::from(candidates.load(one)) * weight(other);
        Some(if is_lighter { other } else { one })
    }

    fn draw(&self, candidates: &Candidates<'_>, turns: &Turns, but: usize) -> Option<usize> {
        let all = *self.sums.last()?;
        for _ in 0..MOST_DRAWS {
            let drawn = self.random.below(all);
            let index = self.sums.partition_point(|sum| *sum <= drawn);
            let share = candidates.share(index);
            let has_share = share == WHOLE || self.random.below(WHOLE.into()) < share.into();
            if index != but && has_share && candidates.takes(index) {
                return Some(index);
            }
        }
        turns.next(candidates, |index| index != but)
    }
}

/// Xorshift (Marsaglia, 2003): good enough to draw by, and made of nothing that workers share.
#[derive(Debug)]
struct Random(Cell<u64>);

impl Random {
    /// A number below `end`, which is not 0.
    fn below(&self, end: u64) -> u64 {
        let mut state = self.0.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.0.set(state);
        // The upper half of a product spreads over the whole range.
        ((u128::from(state) * u128::from(end)) >> 64) as u64
    }
}
