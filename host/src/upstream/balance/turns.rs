//! Taking turns: each as often as its weight says, and evenly interleaved.

use std::cell::Cell;

use super::candidates::Candidates;

/// Whose turn it is, by one worker's count.
#[derive(Debug)]
pub(super) struct Turns {
    /// One for each endpoint, in the config's order.
    shares: Vec<Share>,
}

#[derive(Debug)]
struct Share {
    weight: i64,
    /// How long the endpoint has been passed over, in units of weight.
    credit: Cell<i64>,
}

impl Turns {
    pub(super) fn new(weights: &[u32]) -> Self {
        let share = |weight: &u32| Share { weight: i64::from((*weight).max(1)), credit: Cell::new(0) };
        Self { shares: weights.iter().map(share).collect() }
    }

    /// Smooth weighted round robin, as nginx does it: everyone earns their weight, the richest is
    /// chosen and pays what all earned. Weights 5, 1, 1 give `a a b a c a a`, not `a a a a a b c`.
    pub(super) fn next(&self, candidates: &Candidates<'_>, among: impl Fn(usize) -> bool) -> Option<usize> {
        let mut earned = 0;
        let mut richest: Option<(usize, i64)> = None;
        let all = candidates.are_all();
        for (index, share) in self.shares.iter().enumerate() {
            if !(all || candidates.takes(index)) || !among(index) {
                continue;
            }
            let earns = share.weight * i64::from(candidates.share(index));
            let credit = share.credit.get() + earns;
            share.credit.set(credit);
            earned += earns;
            if richest.is_none_or(|(_, most)| credit > most) {
                richest = Some((index, credit));
            }
        }
        let (index, credit) = richest?;
        self.shares[index].credit.set(credit - earned);
        Some(index)
    }
}
