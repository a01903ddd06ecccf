//! The limiter against models too plain to be wrong.

use super::*;

/// Against models that step through time by the millisecond, or count a list of what passed.
#[test]
fn random_calls_agree_with_plain_models() {
    let mut random = Random(7);
    for round in 0..300 {
        let quota = match round % 2 {
            0 => bucket(1 + random.below(20), 1 + random.below(50), random.below(30)),
            _ => sliding(1 + random.below(20), 1 + random.below(50)),
        };
        let limiter = roomy();
        let mut model = Model { quota, tokens: None, passed: Vec::new(), time: 1_000 };
        for _ in 0..200 {
            model.advance([0, 1, 2, 7, random.below(60)][random.below(5) as usize]);
            let now = Moment::from_millis(model.time);
            let cost = random.below(6);
            let decision = acquire(&limiter, "k", &[quota], cost, now);
            assert_eq!(decision.allowed, model.acquire(cost), "{quota:?}");
            let standing = decision.standings[0];
            assert_eq!(standing.remaining, model.remaining(), "{quota:?}");
            promises_hold(&limiter, quota, cost, standing, now);
        }
    }
}

/// What a standing says of the future, asked of the limiter itself without changing anything.
fn promises_hold(limiter: &Limiter, quota: Quota, cost: u64, standing: Standing, now: Moment) {
    let most = if quota.burst > 0 { quota.burst } else { quota.limit };
    // Asking settles the entry, so each question goes to a copy.
    let ask = |cost, after| {
        let (probe, entries) = limiter.shards.lock("plugin", "k");
        let level = entries.get(&probe).and_then(|meters| meters.0.first().cloned());
        let mut meter = level.unwrap_or_else(|| Meter::new(quota, now));
        let later = now.plus_millis(after);
        meter.settle(later);
        (meter.passes(cost, later), meter.remaining(later))
    };
    assert_eq!(ask(1, standing.reset).1, most, "{quota:?} {standing:?}");
    match standing.retry_after {
        0 => {}
        NEVER => assert!(cost > most),
        wait => {
            assert!(ask(cost, wait).0, "{quota:?} {cost} {standing:?}");
            assert!(!ask(cost, wait - 1).0, "{quota:?} {cost} {standing:?}");
        }
    }
}

struct Model {
    quota: Quota,
    /// Units times the window; none before the first call, when the bucket is full.
    tokens: Option<u64>,
    /// When, and how much.
    passed: Vec<(u64, u64)>,
    /// Milliseconds.
    time: u64,
}

impl Model {
    fn most(&self) -> u64 {
        if self.quota.burst > 0 { self.quota.burst } else { self.quota.limit }
    }

    fn advance(&mut self, millis: u64) {
        for _ in 0..millis {
            self.time += 1;
            let full = self.most() * self.quota.window;
            self.tokens = self.tokens.map(|tokens| full.min(tokens + self.quota.limit));
        }
    }

    fn left(&self) -> u64 {
        let window = self.quota.window;
        match self.quota.algorithm {
            Algorithm::TokenBucket => self.tokens.unwrap_or(self.most() * window),
            Algorithm::SlidingWindow => {
                // Windows begin with the first unit, and anew with the first after two idle ones.
                let mut counts = (0, 0, 0);
                for &(time, cost) in self.passed.iter().chain([&(self.time, 0)]) {
                    let (mut start, mut current, mut previous) = counts;
                    while time >= start + window && (current, previous) != (0, 0) {
                        (start, current, previous) = (start + window, 0, current);
                    }
                    if (current, previous) == (0, 0) {
                        start = time;
                    }
                    counts = (start, current + cost, previous);
                }
                let (start, current, previous) = counts;
                let used = previous * (window - (self.time - start)) + current * window;
                (self.quota.limit * window).saturating_sub(used)
            }
        }
    }

    fn remaining(&self) -> u64 {
        self.left() / self.quota.window
    }

    fn acquire(&mut self, cost: u64) -> bool {
        let (left, price) = (self.left(), cost * self.quota.window);
        if price > left {
            return false;
        }
        self.tokens = Some(left - price);
        if cost > 0 {
            self.passed.push((self.time, cost));
        }
        true
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
