mod model;

use std::thread;

use super::*;

const NOW: Moment = Moment::from_millis(1_000);

fn bucket(limit: u64, window: u64, burst: u64) -> Quota {
    Quota { limit, window, burst, algorithm: Algorithm::TokenBucket }
}

fn sliding(limit: u64, window: u64) -> Quota {
    Quota { limit, window, burst: 0, algorithm: Algorithm::SlidingWindow }
}

fn roomy() -> Limiter {
    Limiter::new(Bounds { entries: 100_000, bytes: 64 << 20 })
}

fn acquire(limiter: &Limiter, key: &str, quotas: &[Quota], cost: u64, now: Moment) -> Decision {
    limiter.acquire("plugin", key, quotas, cost, now).expect("no misuse")
}

#[test]
fn a_bucket_lets_the_burst_pass_at_once_and_then_the_rate() {
    let (limiter, quota) = (roomy(), [bucket(10, 1_000, 3)]);
    let standing = |remaining, reset, retry_after| vec![Standing { remaining, reset, retry_after }];
    let take = |after| acquire(&limiter, "k", &quota, 1, NOW.plus_millis(after));
    assert_eq!(take(0), Decision { allowed: true, standings: standing(2, 100, 0) });
    assert_eq!(take(0), Decision { allowed: true, standings: standing(1, 200, 0) });
    assert_eq!(take(0), Decision { allowed: true, standings: standing(0, 300, 0) });
    assert_eq!(take(40), Decision { allowed: false, standings: standing(0, 260, 60) });
    assert_eq!(take(100), Decision { allowed: true, standings: standing(0, 300, 0) });
    assert_eq!(take(199), Decision { allowed: false, standings: standing(0, 201, 1) });
    assert_eq!(take(500), Decision { allowed: true, standings: standing(2, 100, 0) });
}

#[test]
fn a_sliding_window_weighs_the_window_before() {
    let (limiter, quota) = (roomy(), [sliding(10, 1_000)]);
    let take = |cost, after| {
        let decision = acquire(&limiter, "k", &quota, cost, NOW.plus_millis(after));
        let Standing { remaining, reset, retry_after } = decision.standings[0];
        (decision.allowed, remaining, reset, retry_after)
    };
    assert_eq!(take(10, 0), (true, 0, 2_000, 0));
    assert_eq!(take(1, 900), (false, 0, 1_100, 200));
    // A quarter of the next window is over: three quarters of the 10 still count.
    assert_eq!(take(3, 1_250), (false, 2, 750, 50));
    assert_eq!(take(2, 1_250), (true, 0, 1_750, 0));
    // 5 of the 10 count, and the 2.
    assert_eq!(take(0, 1_500), (true, 3, 1_500, 0));
    assert_eq!(take(4, 1_500), (false, 3, 1_500, 100));
    assert_eq!(take(9, 1_500), (false, 3, 1_500, 1_000));
    assert_eq!(take(10, 3_000), (true, 0, 2_000, 0));
}

#[test]
fn a_cost_that_one_quota_refuses_is_charged_to_none() {
    let limiter = roomy();
    let quotas = [bucket(5, 1_000, 0), sliding(2, 60_000), bucket(100, 1_000, 0)];
    assert!(acquire(&limiter, "k", &quotas, 2, NOW).allowed);
    for _ in 0..10 {
        let refused = acquire(&limiter, "k", &quotas, 1, NOW);
        assert!(!refused.allowed);
        assert_eq!(refused.standings.iter().map(|it| it.remaining).collect::<Vec<_>>(), [3, 0, 98]);
        let waits: Vec<_> = refused.standings.iter().map(|it| it.retry_after).collect();
        assert_eq!((waits[0], waits[1] > 0, waits[2]), (0, true, 0));
    }
}

#[test]
fn one_quota_listed_twice_is_charged_as_two() {
    let (limiter, quotas) = (roomy(), [sliding(2, 1_000), sliding(2, 1_000)]);
    let passed = (0..4).filter(|_| acquire(&limiter, "k", &quotas, 1, NOW).allowed).count();
    assert_eq!(passed, 2);
}

#[test]
fn a_cost_of_0_only_asks_and_leaves_no_entry() {
    let (limiter, quotas) = (roomy(), [bucket(1, 1_000, 0), sliding(1, 1_000)]);
    assert!(acquire(&limiter, "k", &quotas, 0, NOW).allowed);
    assert_eq!(limiter.usage().entries, 0);
    assert!(acquire(&limiter, "k", &quotas, 1, NOW).allowed);
    let asked = acquire(&limiter, "k", &quotas, 0, NOW);
    assert!(asked.allowed && asked.standings.iter().all(|it| it.remaining == 0 && it.retry_after == 0));
    assert_eq!(acquire(&limiter, "k", &[], 1, NOW), Decision { allowed: true, standings: vec![] });
}

#[test]
fn a_cost_above_the_quota_never_passes_and_says_so() {
    let limiter = roomy();
    for quota in [bucket(5, 1_000, 0), bucket(100, 1_000, 5), sliding(5, 1_000)] {
        let refused = acquire(&limiter, "k", &[quota], 6, NOW);
        assert!(!refused.allowed);
        assert_eq!(refused.standings, [Standing { remaining: 5, reset: 0, retry_after: NEVER }]);
    }
    assert_eq!(limiter.usage().entries, 0);
}

#[test]
fn another_quota_under_the_same_key_starts_whole_and_disturbs_nothing() {
    let (limiter, strict, loose) = (roomy(), [sliding(2, 60_000)], [sliding(5, 60_000)]);
    let pass = |quota: &[Quota]| acquire(&limiter, "k", quota, 1, NOW).allowed;
    assert!(pass(&strict) && pass(&strict) && !pass(&strict));
    assert!((0..5).all(|_| pass(&loose)) && !pass(&loose));
    assert!(!pass(&strict));
}

#[test]
fn one_key_keeps_a_bounded_number_of_quotas() {
    let limiter = roomy();
    for limit in 1..1_000 {
        acquire(&limiter, "k", &[sliding(limit, 60_000), bucket(limit, 60_000, 0)], 1, NOW);
    }
    assert!(limiter.usage().bytes < 10_000, "{:?}", limiter.usage());
    let many: Vec<_> = (1..=17).map(|limit| sliding(limit, 1_000)).collect();
    assert_eq!(limiter.acquire("plugin", "k", &many, 1, NOW), Err(Misuse::Quotas(17)));
    assert!(acquire(&limiter, "k", &many[1..], 1, NOW).allowed);
    assert_eq!(acquire(&limiter, "k", &many[1..], 1, NOW).standings.len(), 16);
}

#[test]
fn a_quota_of_nothing_is_a_misuse() {
    let limiter = roomy();
    assert_eq!(limiter.acquire("p", "k", &[bucket(0, 1, 1)], 1, NOW), Err(Misuse::Limit));
    assert_eq!(limiter.acquire("p", "k", &[sliding(1, 0)], 1, NOW), Err(Misuse::Window));
}

#[test]
fn absurd_numbers_saturate() {
    const MAX: u64 = u64::MAX;
    let limiter = roomy();
    for (number, quota) in
        [bucket(MAX, MAX, MAX), bucket(MAX, 1, 0), bucket(1, MAX, MAX), sliding(MAX, MAX), sliding(MAX, 1)]
            .into_iter()
            .enumerate()
    {
        let key = number.to_string();
        assert!(acquire(&limiter, &key, &[quota], MAX, NOW).allowed, "{quota:?}");
        let refused = acquire(&limiter, &key, &[quota], MAX, NOW);
        assert!(!refused.allowed, "{quota:?}");
        assert!(refused.standings[0].retry_after > 0);
        assert_eq!(refused.standings[0].remaining, 0);
        acquire(&limiter, &key, &[quota], MAX, Moment::NEVER);
        acquire(&limiter, &key, &[quota], 1, Moment::default());
    }
}

#[test]
fn time_that_steps_back_gives_nothing() {
    for quota in [bucket(2, 100, 0), sliding(2, 100)] {
        let limiter = roomy();
        assert!(acquire(&limiter, "k", &[quota], 2, NOW).allowed);
        for back in [0, 1, 50, 1_000] {
            let earlier = Moment::from_millis(1_000 - back);
            assert!(!acquire(&limiter, "k", &[quota], 1, earlier).allowed);
            assert!(!acquire(&limiter, "k", &[quota], 1, NOW).allowed);
        }
        assert!(acquire(&limiter, "k", &[quota], 2, NOW.plus_millis(200)).allowed);
    }
}

#[test]
fn of_racing_acquires_exactly_the_limit_passes() {
    for quota in [bucket(1_000, 3_600_000, 0), sliding(1_000, 3_600_000)] {
        let limiter = roomy();
        let quotas = [quota, bucket(1_000_000, 1_000, 0)];
        let race = || (0..1_000).filter(|_| acquire(&limiter, "k", &quotas, 1, NOW).allowed).count();
        let passed: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(race)).collect();
            threads.into_iter().map(|it| it.join().expect("no acquire panics")).sum()
        });
        assert_eq!(passed, 1_000);
        let left = acquire(&limiter, "k", &quotas, 0, NOW).standings;
        assert_eq!((left[0].remaining, left[1].remaining), (0, 999_000));
    }
}

#[test]
fn whole_quotas_make_room_first_and_entries_stay_bounded() {
    let limiter = Limiter::new(Bounds { entries: 200, bytes: 1 << 20 });
    let (brief, long) = ([bucket(10, 10, 0)], [sliding(10, 3_600_000)]);
    for number in 0..100 {
        acquire(&limiter, &format!("long {number}"), &long, 1, NOW);
    }
    for number in 0..100 {
        acquire(&limiter, &format!("brief {number}"), &brief, 10, NOW);
    }
    // Made anew, then used again: their places in the order are behind the times.
    for number in 0..100 {
        acquire(&limiter, &format!("brief {number}"), &brief, 10, NOW.plus_millis(10));
    }
    for number in 0..100 {
        acquire(&limiter, &format!("other {number}"), &long, 1, NOW.plus_millis(20));
    }
    assert_eq!(limiter.usage().entries, 200);
    assert_eq!(limiter.usage().dropped, 0);
    for number in 0..10_000 {
        acquire(&limiter, &format!("flood {number}"), &brief, 1, NOW.plus_millis(20));
    }
    assert_eq!(limiter.usage().entries, 200);
    limiter.resize(Bounds { entries: 50, bytes: 1 << 20 });
    assert_eq!(limiter.usage().entries, 50);
}
