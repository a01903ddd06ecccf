use std::collections::HashMap;
use std::thread;

use super::*;

const NOW: Moment = Moment::from_millis(1_000);

fn roomy() -> Store {
    Store::new(Bounds { entries: 100_000, bytes: 64 << 20 })
}

fn text(store: &Store, key: &str, now: Moment) -> Option<String> {
    let value = store.get("plugin", key, now).expect("a short key");
    value.map(|bytes| String::from_utf8(bytes).expect("the tests store text"))
}

fn set(store: &Store, key: &str, value: &str, ttl: Option<u64>, now: Moment) {
    store.set("plugin", key, value.into(), ttl, now).expect("a short key and value");
}

fn add(store: &Store, key: &str, delta: i64, ttl: Option<u64>, now: Moment) -> i64 {
    store.add("plugin", key, delta, ttl, now).expect("a short key")
}

#[test]
fn each_scope_has_its_own_keys() {
    let store = roomy();
    store.set("a", "bc", b"1".to_vec(), None, NOW).expect("short");
    store.set("ab", "c", b"2".to_vec(), None, NOW).expect("short");
    assert_eq!(store.get("a", "bc", NOW), Ok(Some(b"1".to_vec())));
    assert_eq!(store.get("ab", "c", NOW), Ok(Some(b"2".to_vec())));
    assert_eq!(store.get("abc", "", NOW), Ok(None));
}

#[test]
fn an_entry_lives_until_its_ttl_is_over() {
    let store = roomy();
    set(&store, "k", "v", Some(10), NOW);
    assert_eq!(text(&store, "k", NOW.plus_millis(9)).as_deref(), Some("v"));
    assert_eq!(text(&store, "k", NOW.plus_millis(10)), None);
    assert_eq!(store.delete("plugin", "k", NOW.plus_millis(10)), Ok(false));
    set(&store, "k", "v", Some(0), NOW);
    assert_eq!(text(&store, "k", NOW), None);
    set(&store, "k", "v", Some(u64::MAX), NOW);
    assert_eq!(text(&store, "k", NOW.plus_millis(u64::MAX / 2_000_000)).as_deref(), Some("v"));
    assert_eq!(store.delete("plugin", "k", NOW), Ok(true));
    assert_eq!(store.usage().entries, 0);
}

#[test]
fn a_counter_keeps_the_ttl_of_its_start() {
    let store = roomy();
    assert_eq!(add(&store, "k", 5, Some(10), NOW), 5);
    assert_eq!(add(&store, "k", -7, Some(1_000), NOW.plus_millis(9)), -2);
    assert_eq!(text(&store, "k", NOW.plus_millis(9)).as_deref(), Some("-2"));
    assert_eq!(add(&store, "k", 1, None, NOW.plus_millis(10)), 1);
    assert_eq!(add(&store, "k", i64::MAX, None, NOW.plus_millis(10)), i64::MAX);
}

#[test]
fn what_is_no_counter_starts_at_0() {
    let store = roomy();
    for (value, sum) in [("41", 42), ("-1", 0), ("", 1), ("041", 1), ("+1", 1), ("-0", 1), ("4 1", 1)] {
        set(&store, "k", value, None, NOW);
        assert_eq!(add(&store, "k", 1, None, NOW), sum, "{value}");
    }
}

#[test]
fn a_swap_needs_the_value_that_it_expects() {
    let store = roomy();
    let swap = |expected: Option<&str>, value: &str, ttl, now| {
        let expected = expected.map(str::as_bytes);
        store.compare_and_swap("plugin", "k", expected, value.into(), ttl, now).expect("short")
    };
    assert!(!swap(Some(""), "a", None, NOW));
    assert!(swap(None, "a", Some(10), NOW));
    assert!(!swap(None, "b", None, NOW));
    assert!(!swap(Some("b"), "c", None, NOW));
    assert!(swap(Some("a"), "7", Some(10), NOW.plus_millis(5)));
    assert_eq!(add(&store, "k", 1, None, NOW.plus_millis(14)), 8);
    assert!(swap(Some("8"), "9", Some(1), NOW.plus_millis(14)));
    assert!(swap(None, "new", None, NOW.plus_millis(15)));
}

#[test]
fn too_large_keys_and_values_are_a_misuse() {
    let store = roomy();
    let (key, value) = ("k".repeat(Misuse::MAX_NAME + 1), vec![0; Misuse::MAX_VALUE + 1]);
    assert_eq!(store.get("plugin", &key, NOW), Err(Misuse::Key(2049)));
    assert_eq!(store.add("plugin", &key, 1, None, NOW), Err(Misuse::Key(2049)));
    assert_eq!(store.set("plugin", "k", value, None, NOW), Err(Misuse::Value(65537)));
    assert_eq!(store.set("plugin", &key[1..], vec![0; Misuse::MAX_VALUE], None, NOW), Ok(()));
}

#[test]
fn what_expires_soonest_makes_room_and_what_never_expires_goes_last() {
    let store = Store::new(Bounds { entries: 3, bytes: 1 << 20 });
    set(&store, "never-1", "v", None, NOW);
    set(&store, "late", "v", Some(200), NOW);
    set(&store, "soon", "v", Some(100), NOW);
    set(&store, "never-2", "v", None, NOW);
    let kept = |store: &Store| {
        let keys = ["never-1", "never-2", "never-3", "late", "soon"];
        keys.into_iter().filter(|key| text(store, key, NOW).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&store), ["never-1", "never-2", "late"]);
    set(&store, "soon", "v", Some(100), NOW);
    assert_eq!(kept(&store), ["never-1", "never-2", "soon"]);
    set(&store, "never-1", "newer", None, NOW);
    set(&store, "never-3", "v", None, NOW);
    set(&store, "late", "v", Some(200), NOW);
    assert_eq!(kept(&store), ["never-1", "never-3", "late"]);
    assert_eq!(store.usage().dropped, 4);
}

#[test]
fn the_scope_that_has_the_most_makes_room() {
    for bounds in [Bounds { entries: 400, bytes: 64 << 20 }, Bounds { entries: 100_000, bytes: 100_000 }] {
        let store = Store::new(bounds);
        for number in 0..50 {
            store.set("modest", &number.to_string(), b"v".to_vec(), Some(10), NOW).expect("short");
        }
        for number in 0..10_000 {
            store.set("flood", &number.to_string(), b"v".to_vec(), None, NOW).expect("short");
        }
        let kept = (0..50).filter(|number| store.get("modest", &number.to_string(), NOW) != Ok(None)).count();
        assert_eq!(kept, 50, "{bounds:?}");
        // Once past, they are the first to go.
        let later = NOW.plus_millis(10);
        let dropped = store.usage().dropped;
        for number in 0..25 {
            store.set("flood", &format!("later {number}"), b"v".to_vec(), None, later).expect("short");
        }
        assert_eq!(store.usage().dropped, dropped, "{bounds:?}");
        for number in 0..10_000 {
            store.delete("flood", &number.to_string(), later).expect("short");
            store.delete("modest", &number.to_string(), later).expect("short");
            store.delete("flood", &format!("later {number}"), later).expect("short");
        }
        assert_eq!((store.usage().entries, store.usage().bytes), (0, 0));
    }
}

#[test]
fn expired_entries_make_room_without_being_missed() {
    let store = Store::new(Bounds { entries: 1_000, bytes: 1 << 20 });
    for number in 0..1_000 {
        set(&store, &number.to_string(), "v", Some(10), NOW);
    }
    for number in 0..250 {
        set(&store, &format!("new {number}"), "v", None, NOW.plus_millis(10));
    }
    assert_eq!((store.usage().dropped, store.usage().entries), (0, 1_000), "they stay while there is room");
    for number in 0..375 {
        set(&store, &format!("later {number}"), "v", None, NOW.plus_millis(60_000));
    }
    assert_eq!((store.usage().dropped, store.usage().entries), (0, 625), "two go with each new one");
}

#[test]
fn neither_entries_nor_bytes_pass_their_bounds() {
    let bounds = Bounds { entries: 2_000, bytes: 4 << 20 };
    let store = Store::new(bounds);
    for number in 0..20_000_usize {
        let value = "v".repeat(number % 3 * 1_000);
        set(&store, &number.to_string(), &value, Some(number as u64 % 100), NOW);
        if number % 500 == 0 {
            let usage = store.usage();
            assert!(usage.entries <= bounds.entries && usage.bytes <= bounds.bytes, "{usage:?}");
        }
    }
    assert!(store.usage().entries > 1_000);
    let smaller = Bounds { entries: 100, bytes: 100_000 };
    store.resize(smaller);
    let usage = store.usage();
    assert!(usage.entries <= smaller.entries && usage.bytes <= smaller.bytes, "{usage:?}");
    set(&store, "large", &"v".repeat(Misuse::MAX_VALUE), None, NOW);
    assert!(text(&store, "large", NOW).is_some());
    for number in 0..20_000 {
        store.delete("plugin", &number.to_string(), NOW).expect("a short key");
    }
    store.delete("plugin", "large", NOW).expect("a short key");
    assert_eq!((store.usage().entries, store.usage().bytes), (0, 0));
}

#[test]
fn racing_threads_lose_no_addition() {
    let store = roomy();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..10_000 {
                    add(&store, ["a", "b"][turn % 2], 1, None, NOW);
                }
            });
        }
    });
    assert_eq!((add(&store, "a", 0, None, NOW), add(&store, "b", 0, None, NOW)), (20_000, 20_000));
}

/// Against a map that looks at everything.
#[test]
fn random_calls_agree_with_a_plain_map() {
    let store = roomy();
    let mut model: HashMap<String, (Vec<u8>, Moment)> = HashMap::new();
    let mut random = 1_u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut now = NOW;
    for _ in 0..50_000 {
        now = now.plus_millis(below(3));
        let key = below(40).to_string();
        let ttl = [None, Some(below(50))][below(2) as usize];
        let expires = ttl.map_or(Moment::NEVER, |ttl| now.plus_millis(ttl));
        model.retain(|_, (_, expires)| *expires > now);
        let current = model.get(&key).cloned();
        match below(5) {
            0 => assert_eq!(store.get("p", &key, now), Ok(current.map(|it| it.0))),
            1 => {
                let value = ["1", "x"][below(2) as usize].as_bytes().to_vec();
                store.set("p", &key, value.clone(), ttl, now).expect("short");
                model.insert(key, (value, expires));
            }
            2 => assert_eq!(store.delete("p", &key, now), Ok(model.remove(&key).is_some())),
            3 => {
                let delta = below(5) as i64 - 2;
                let counter = current
                    .and_then(|(value, expires)| Some((String::from_utf8(value).ok()?.parse::<i64>().ok()?, expires)));
                let (sum, expires) = counter.map_or((delta, expires), |(it, expires)| (it + delta, expires));
                assert_eq!(store.add("p", &key, delta, ttl, now), Ok(sum));
                model.insert(key, (sum.to_string().into_bytes(), expires));
            }
            _ => {
                let expected = [None, Some(b"1".as_slice())][below(2) as usize];
                let equal = current.as_ref().map(|it| it.0.as_slice()) == expected;
                let swapped = store.compare_and_swap("p", &key, expected, b"2".to_vec(), ttl, now);
                assert_eq!(swapped, Ok(equal));
                if equal {
                    model.insert(key, (b"2".to_vec(), expires));
                }
            }
        }
    }
}
