//! How many frames a client may send that ask for no work of ours: SETTINGS, PING, PRIORITY, WINDOW_UPDATE, resets.
//!
//! Each costs something to take and to answer, and nothing to send. A client that is served earns them, so that what
//! belongs to a download or to many requests is never counted against it. Pure: time comes in.

use std::time::Instant;

/// What one connection may spend at once.
const FULL: u32 = 1000;
/// What comes back by itself.
const PER_SECOND: u32 = 100;

/// What is left to one connection.
#[derive(Debug)]
pub struct Budget {
    left: u32,
    refilled: Instant,
}

impl Budget {
    pub fn new(now: Instant) -> Self {
        Self { left: FULL, refilled: now }
    }

    /// Answers whether that much was there.
    pub fn spend(&mut self, cost: u32, now: Instant) -> bool {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.refill(now);
                let enough = self.left >= cost;
                self.left = self.left.saturating_sub(cost);
                enough
            }
        }
    }

    pub fn earn(&mut self, more: u32) {
        self.left = FULL.min(self.left.saturating_add(more));
    }

    fn refill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.refilled).as_millis();
        let more = u32::try_from(passed * u128::from(PER_SECOND) / 1000).unwrap_or(FULL);
        // What is less than a unit counts the next time.
        if more > 0 {
            self.refilled = now;
            self.earn(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_spent_comes_back_with_time_and_with_work() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        assert!((0..FULL).all(|_| budget.spend(1, start)));
        assert!(!budget.spend(1, start));
        budget.earn(2);
        assert!(budget.spend(2, start) && !budget.spend(1, start));
        let later = start + Duration::from_secs(1);
        assert!((0..PER_SECOND).all(|_| budget.spend(1, later)));
        assert!(!budget.spend(1, later));
    }

    #[test]
    fn nobody_saves_up_more_than_a_full_budget() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        budget.earn(u32::MAX);
        assert!(!budget.spend(FULL + 1, start + Duration::from_secs(1_000_000)));
    }
}
