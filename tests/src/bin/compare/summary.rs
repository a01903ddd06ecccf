//! Medians and how far the rounds lay apart.

/// Several measurements of one thing.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    pub median: f64,
    pub lowest: f64,
    /// (highest - lowest) / median.
    pub spread: f64,
}

impl Summary {
    /// Of at least one value.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (lowest, highest) = (values[0], values[values.len() - 1]);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Self { median, lowest, spread: if median == 0.0 { 0.0 } else { (highest - lowest) / median } }
    }
}

/// A share, as a person reads it.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_and_the_spread_is_seen_from_it() {
        let odd = Summary::of([3.0, 1.0, 2.0]);
        assert_eq!((odd.median, odd.lowest, odd.spread), (2.0, 1.0, 1.0));
        assert_eq!(Summary::of([1.0, 2.0, 3.0, 4.0]).median, 2.5);
    }
}
