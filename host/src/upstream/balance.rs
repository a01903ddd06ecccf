//! The choice among endpoints: numbers in, an index out. It must not know what an endpoint is.

use std::cell::Cell;

use super::definition::Balancer;

/// Whose turn it is, by one worker's count.
#[derive(Debug)]
pub(super) struct Turns {
    balancer: Balancer,
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
    pub(super) fn new(balancer: Balancer, weights: impl Iterator<Item = u32>) -> Self {
        let share = |weight: u32| Share { weight: i64::from(weight.max(1)), credit: Cell::new(0) };
        Self { balancer, shares: weights.map(share).collect() }
    }

    /// The index of the endpoint to send to, given how many requests each has unfinished; none of those that were tried.
    pub(super) fn choose(&self, in_flight: impl Fn(usize) -> u32, tried: &[usize]) -> Option<usize> {
        if !tried.is_empty() {
            return self.next_among(|index| !tried.contains(&index));
        }
        match (self.shares.len(), self.balancer) {
            (0, _) => None,
            (1, _) => Some(0),
            (_, Balancer::RoundRobin) => self.next_among(|_| true),
            (_, Balancer::LeastRequests) => {
                let load = |index: usize| (i64::from(in_flight(index)), self.shares[index].weight);
                let least = (1..self.shares.len())
                    .map(load)
                    .fold(load(0), |least, load| if lighter(load, least) { load } else { least });
                self.next_among(|index| !lighter(least, load(index)))
            }
        }
    }

    /// Smooth weighted round robin, as nginx does it: everyone earns their weight, the richest is
    /// chosen and pays what all earned. Weights 5, 1, 1 give `a a b a c a a`, not `a a a a a b c`.
    fn next_among(&self, eligible: impl Fn(usize) -> bool) -> Option<usize> {
        let mut earned = 0;
        let mut richest: Option<(usize, i64)> = None;
        for (index, share) in self.shares.iter().enumerate().filter(|(index, _)| eligible(*index)) {
            let credit = share.credit.get() + share.weight;
            share.credit.set(credit);
            earned += share.weight;
            if richest.is_none_or(|(_, most)| credit > most) {
                richest = Some((index, credit));
            }
        }
        let (index, credit) = richest?;
        self.shares[index].credit.set(credit - earned);
        Some(index)
    }
}

/// Compares requests per weight without dividing; both are (requests, weight).
fn lighter(one: (i64, i64), other: (i64, i64)) -> bool {
    one.0 * other.1 < other.0 * one.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(balancer: Balancer, weights: &[u32]) -> Turns {
        Turns::new(balancer, weights.iter().copied())
    }

    fn sequence(turns: &Turns, in_flight: &[u32], length: usize) -> Vec<usize> {
        (0..length).map(|_| turns.choose(|index| in_flight[index], &[]).expect("not empty")).collect()
    }

    #[test]
    fn weights_interleave_evenly() {
        let turns = turns(Balancer::RoundRobin, &[5, 1, 1]);
        assert_eq!(sequence(&turns, &[0; 3], 7), [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_weight_of_zero_counts_as_one() {
        let turns = turns(Balancer::RoundRobin, &[0, 1]);
        assert_eq!(sequence(&turns, &[0; 2], 4), [0, 1, 0, 1]);
    }

    #[test]
    fn no_endpoints_make_no_choice() {
        assert_eq!(turns(Balancer::RoundRobin, &[]).choose(|_| 0, &[]), None);
    }

    #[test]
    fn what_was_tried_is_not_chosen() {
        for balancer in [Balancer::RoundRobin, Balancer::LeastRequests] {
            let turns = turns(balancer, &[5, 1, 1]);
            assert_eq!(turns.choose(|_| 0, &[0, 2]), Some(1));
            assert_eq!(turns.choose(|_| 0, &[0, 1, 2]), None);
        }
    }

    #[test]
    fn the_endpoint_with_the_fewest_requests_for_its_weight_is_chosen() {
        let turns = turns(Balancer::LeastRequests, &[1, 4, 2]);
        assert_eq!(sequence(&turns, &[2, 4, 3], 3), [1, 1, 1]);
    }

    #[test]
    fn equally_loaded_endpoints_take_turns_by_weight() {
        let turns = turns(Balancer::LeastRequests, &[1, 2]);
        assert_eq!(sequence(&turns, &[0, 0], 6), [1, 0, 1, 1, 0, 1]);
        assert_eq!(sequence(&turns, &[1, 2], 3), [1, 0, 1]);
    }
}
