//! The upstreams among which a route's requests are split.

/// Upstreams, each with its share. One with a single upstream splits nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// At least one: indexes into `Config::upstreams`, with their weights.
    parts: Vec<(usize, u32)>,
    /// Of all weights; not 0.
    total: u64,
    /// Has no divisor in common with the total, and so meets every point of it once.
    stride: u64,
}

impl Split {
    pub fn whole(upstream: usize) -> Self {
        Self { parts: vec![(upstream, 1)], total: 1, stride: 1 }
    }

    /// `None`: nobody gets anything.
    pub fn among(parts: Vec<(usize, u32)>) -> Option<Self> {
        let total: u64 = parts.iter().map(|(_, weight)| u64::from(*weight)).sum();
        (total > 0).then(|| Self { stride: stride(total), parts, total })
    }

    pub fn parts(&self) -> &[(usize, u32)] {
        &self.parts
    }

    /// The upstream of one request after the other: each gets its weight in as many turns as the weights are together,
    /// neither in a row nor by chance. Only where there is a choice is a turn taken.
    pub fn next(&self, turn: impl FnOnce() -> u32) -> usize {
        let (first, rest) = self.parts.split_first().expect("there is at least one");
        if rest.is_empty() {
            return first.0;
        }
        let mut point = u64::from(turn()) * self.stride % self.total;
        for (upstream, weight) in &self.parts {
            match point.checked_sub(u64::from(*weight)) {
                Some(further) => point = further,
                None => return *upstream,
            }
        }
        first.0
    }
}

/// Near the golden section, so that turns which follow each other are far apart.
fn stride(total: u64) -> u64 {
    let golden = (total as f64 * 0.618) as u64;
    (golden.max(1)..).find(|stride| greatest_divisor(*stride, total) == 1).unwrap_or(1)
}

fn greatest_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { greatest_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(split: &Split, turns: std::ops::Range<u32>) -> Vec<usize> {
        let upstreams: Vec<usize> = turns.map(|turn| split.next(|| turn)).collect();
        split.parts.iter().map(|(part, _)| upstreams.iter().filter(|upstream| *upstream == part).count()).collect()
    }

    #[test]
    fn everyone_gets_their_weight_in_any_run_of_turns() {
        for weights in [vec![9, 1], vec![1, 1], vec![5, 3, 2], vec![99, 1], vec![0, 7], vec![1, 0, 0], vec![65_535, 1]]
        {
            let split = Split::among(weights.iter().copied().enumerate().collect()).expect("somebody gets something");
            let total: u32 = weights.iter().sum();
            let wanted: Vec<usize> = weights.iter().map(|weight| *weight as usize).collect();
            for start in [0, 1, 12_345] {
                assert_eq!(shares(&split, start..start + total), wanted, "{weights:?}");
            }
        }
    }

    #[test]
    fn shares_are_spread_and_not_in_a_row() {
        let split = Split::among(vec![(0, 5), (1, 5)]).expect("both get something");
        for start in 0..10 {
            let few = shares(&split, start..start + 4);
            assert!(few[0] > 0 && few[1] > 0, "{few:?}");
        }
    }

    #[test]
    fn where_there_is_no_choice_no_turn_is_taken() {
        assert_eq!(Split::whole(3).next(|| panic!("a turn was taken")), 3);
        assert_eq!(Split::among(vec![(0, 0), (1, 0)]), None);
    }
}
