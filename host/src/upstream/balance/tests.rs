//! Who is chosen, by numbers alone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::header::COOKIE;
use http::{HeaderName, HeaderValue};

use super::*;
use crate::upstream::definition::{Address, Endpoint, Protocol, Upstream};
use crate::upstream::tests::harness::upstream_at;
use crate::upstream::vitals::Vitals;

/// An upstream of which nobody is asked.
struct Group {
    upstream: Upstream,
    vitals: Vec<Arc<Vitals>>,
    choice: Choice,
    panic: u32,
}

fn address(number: usize) -> Address {
    Address::tcp(Protocol::Http1, ([10, 0, 0, 1], number as u16 + 1).into())
}

fn group(weights: &[u32], balancer: Balancer) -> Group {
    let mut upstream = upstream_at(&[]);
    upstream.balancer = balancer;
    let endpoints = weights.iter().enumerate();
    upstream.endpoints =
        endpoints.map(|(number, weight)| Endpoint::new(&upstream.name, address(number), *weight)).collect();
    let vitals = upstream.endpoints.iter().map(|endpoint| Arc::clone(&endpoint.vitals)).collect();
    let choice = Choice::new(&upstream.balancer, weights);
    Group { upstream, vitals, choice, panic: 0 }
}

impl Group {
    fn candidates<'a>(&'a self, tried: &'a [usize]) -> Candidates<'a> {
        Candidates::new(&self.vitals, &self.upstream.standing, self.panic, self.upstream.slow_start, tried)
    }

    fn with(&self, headers: &HeaderMap, tried: &[usize]) -> Option<usize> {
        let caller = Caller { headers, address: [192, 0, 2, 1].into(), secure: false, ends: None };
        self.choice.choose(&self.candidates(tried), &caller)
    }

    fn next(&self) -> Option<usize> {
        self.with(&HeaderMap::new(), &[])
    }

    fn sequence(&self, length: usize) -> Vec<usize> {
        (0..length).map(|_| self.next().expect("somebody")).collect()
    }

    fn counts(&self, length: usize) -> Vec<usize> {
        let mut counts = vec![0; self.vitals.len()];
        self.sequence(length).into_iter().for_each(|index| counts[index] += 1);
        counts
    }

    fn is_out(&self, out: &[usize]) {
        for (index, vitals) in self.vitals.iter().enumerate() {
            vitals.set_healthy(!out.contains(&index), 0);
        }
        self.upstream.recount();
    }
}

fn ring(by: HashKey, weights: &[u32]) -> Balancer {
    let texts: Vec<_> = (0..weights.len()).map(|number| address(number).text()).collect();
    let endpoints = texts.iter().zip(weights).map(|(text, weight)| (&**text, *weight));
    Balancer::ConsistentHash { by, ring: Arc::new(Ring::new(endpoints)) }
}

const USER: HeaderName = HeaderName::from_static("x-user");

fn keyed(weights: &[u32]) -> Group {
    group(weights, ring(HashKey::Header(USER), weights))
}

fn user(number: usize) -> HeaderMap {
    [(USER, HeaderValue::from(number))].into_iter().collect()
}

/// Where so many users go.
fn places(group: &Group, users: usize) -> Vec<usize> {
    (0..users).map(|number| group.with(&user(number), &[]).expect("somebody")).collect()
}

#[test]
fn weights_interleave_evenly() {
    assert_eq!(group(&[5, 1, 1], Balancer::RoundRobin).sequence(7), [0, 0, 1, 0, 2, 0, 0]);
}

#[test]
fn a_weight_of_zero_counts_as_one() {
    assert_eq!(group(&[0, 1], Balancer::RoundRobin).sequence(4), [0, 1, 0, 1]);
}

#[test]
fn no_endpoints_make_no_choice() {
    assert_eq!(group(&[], Balancer::RoundRobin).next(), None);
    assert_eq!(group(&[], Balancer::LeastRequests).next(), None);
}

#[test]
fn every_balancer_passes_over_what_was_tried_and_who_is_out() {
    let weights = [5, 1, 1];
    for balancer in [Balancer::RoundRobin, Balancer::LeastRequests, ring(HashKey::ClientAddress, &weights)] {
        let group = group(&weights, balancer);
        assert_eq!(group.with(&HeaderMap::new(), &[0, 2]), Some(1));
        assert_eq!(group.with(&HeaderMap::new(), &[0, 1, 2]), None);
        group.is_out(&[0, 1]);
        assert_eq!(group.sequence(20), [2; 20]);
        assert_eq!(group.with(&HeaderMap::new(), &[2]), None);
        group.is_out(&[0, 1, 2]);
        assert_eq!(group.next(), None);
    }
}

#[test]
fn below_the_panic_threshold_health_is_ignored() {
    let mut group = group(&[1, 1, 1], Balancer::RoundRobin);
    group.panic = 500;
    group.is_out(&[0]);
    assert_eq!(group.counts(6), [0, 3, 3]);
    group.is_out(&[0, 1]);
    assert_eq!(group.counts(6), [2, 2, 2]);
    group.is_out(&[0, 1, 2]);
    assert_eq!(group.counts(6), [2, 2, 2]);
}

#[test]
fn a_single_endpoint_that_is_out_is_not_chosen() {
    let group = group(&[1], Balancer::LeastRequests);
    group.is_out(&[0]);
    assert_eq!(group.next(), None);
}

#[test]
fn an_endpoint_that_comes_starts_slowly() {
    for balancer in [Balancer::RoundRobin, Balancer::LeastRequests] {
        let mut group = group(&[1, 1], balancer);
        group.upstream.slow_start = Some(Duration::from_secs(3600));
        group.vitals[1].set_healthy(false, 1);
        group.vitals[1].set_healthy(true, super::super::vitals::moment(Instant::now()));
        group.upstream.recount();
        let counts = group.counts(2_000);
        // A tenth of what the other gets.
        assert!((100..280).contains(&counts[1]), "{counts:?}");
    }
}

#[test]
fn of_two_endpoints_the_one_with_fewer_requests_for_its_weight_is_chosen() {
    let group = group(&[1, 4], Balancer::LeastRequests);
    group.vitals[0].add_load(2);
    group.vitals[1].add_load(4);
    assert_eq!(group.sequence(50), [1; 50]);
    group.vitals[1].add_load(6);
    assert_eq!(group.sequence(50), [0; 50]);
}

#[test]
fn of_many_the_busiest_is_never_chosen_and_the_idlest_not_always() {
    let group = group(&[1; 10], Balancer::LeastRequests);
    (0..10).for_each(|index| group.vitals[index].add_load(index as u32));
    let counts = group.counts(10_000);
    assert_eq!(counts[9], 0);
    // In a fifth of all pairs.
    assert!((1_700..2_300).contains(&counts[0]), "{counts:?}");
}

#[test]
fn idle_endpoints_are_drawn_by_their_weights() {
    let counts = group(&[1, 2, 5], Balancer::LeastRequests).counts(8_000);
    let expected = [1_000, 2_000, 5_000];
    assert!(counts.iter().zip(expected).all(|(count, of)| count.abs_diff(of) < 250), "{counts:?}");
}

#[test]
fn a_key_goes_to_the_same_endpoint_and_keys_spread_by_weight() {
    let group = keyed(&[1, 1, 2]);
    let places = places(&group, 10_000);
    assert_eq!(places, self::places(&keyed(&[1, 1, 2]), 10_000));
    let counts = (0..3).map(|index| places.iter().filter(|place| **place == index).count());
    let expected = [2_500, 2_500, 5_000];
    assert!(
        counts.clone().zip(expected).all(|(count, of)| count.abs_diff(of) < of / 8),
        "{:?}",
        counts.collect::<Vec<_>>()
    );
}

#[test]
fn where_keys_go_is_the_same_in_every_version() {
    assert_eq!(places(&keyed(&[1; 5]), 12), [0, 0, 3, 4, 0, 1, 3, 3, 0, 1, 1, 0]);
}

#[test]
fn when_an_endpoint_comes_only_its_own_keys_move() {
    let (few, more) = (places(&keyed(&[1; 9]), 10_000), places(&keyed(&[1; 10]), 10_000));
    let moved: Vec<_> = few.iter().zip(&more).filter(|(before, after)| before != after).collect();
    assert!(moved.iter().all(|(_, after)| **after == 9));
    assert!((800..1_200).contains(&moved.len()), "{}", moved.len());
}

#[test]
fn when_an_endpoint_is_out_its_keys_spread_and_all_others_stay() {
    let group = keyed(&[1; 5]);
    let before = places(&group, 10_000);
    group.is_out(&[3]);
    let after = places(&group, 10_000);
    let mut taken = BTreeMap::new();
    for (before, after) in before.iter().zip(&after) {
        if *before == 3 {
            *taken.entry(*after).or_insert(0) += 1;
        } else {
            assert_eq!(before, after);
        }
    }
    assert!(taken.len() == 4 && taken.values().all(|count| *count > 300), "{taken:?}");
    group.is_out(&[]);
    assert_eq!(before, places(&group, 10_000));
}

#[test]
fn a_ring_has_a_bounded_size_and_everybody_is_on_it() {
    let weights: Vec<u32> = (0..2_000).map(|number| if number == 0 { 65_535 } else { 1 }).collect();
    let group = keyed(&weights);
    group.is_out(&(0..1_999).collect::<Vec<_>>());
    assert_eq!(group.with(&user(1), &[]), Some(1_999));
}

#[test]
fn without_a_key_turns_are_taken() {
    assert_eq!(keyed(&[1, 1, 1]).sequence(6), [0, 1, 2, 0, 1, 2]);
    let by_cookie = group(&[1, 1], ring(HashKey::Cookie("session".into()), &[1, 1]));
    assert_eq!(by_cookie.sequence(4), [0, 1, 0, 1]);
}

#[test]
fn a_mapped_address_is_the_address_that_it_maps() {
    let key = |address: &str| {
        let address = address.parse().expect("an address");
        HashKey::ClientAddress.of(&Caller { headers: &HeaderMap::new(), address, secure: false, ends: None })
    };
    assert_eq!(key("192.0.2.7"), key("::ffff:192.0.2.7"));
    assert_ne!(key("192.0.2.7"), key("192.0.2.8"));
}

fn sticky(addresses: &[usize], key: &[u8]) -> Group {
    let cookie = StickyCookie { name: "stay", max_age: Some(Duration::from_secs(60)), same_site: SameSite::Lax };
    let texts: Vec<_> = addresses.iter().map(|number| address(*number).text()).collect();
    let sticky = Sticky::new(cookie, key, "users", texts.iter().map(|text| &**text));
    group(&vec![1; addresses.len()], Balancer::Sticky(Arc::new(sticky)))
}

fn told(group: &Group, index: usize, headers: &HeaderMap, secure: bool) -> Option<String> {
    let caller = Caller { headers, address: [192, 0, 2, 1].into(), secure, ends: None };
    let cookie = group.choice.cookie(index, &caller)?;
    Some(cookie.to_str().expect("ASCII").to_owned())
}

fn bringing(cookie: &str) -> HeaderMap {
    let pair = cookie.split(';').next().expect("a pair");
    [(COOKIE, HeaderValue::from_str(pair).expect("ASCII"))].into_iter().collect()
}

#[test]
fn a_cookie_brings_back_to_its_endpoint_and_is_told_once() {
    let group = sticky(&[0, 1, 2], b"secret");
    let cookie = told(&group, 2, &HeaderMap::new(), false).expect("a new one");
    let (value, attributes) = cookie.split_once(';').expect("attributes");
    assert_eq!(attributes, " Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    assert!(value.len() == "stay=".len() + 32 && !value.contains("10.0"), "{value}");
    let back = bringing(&cookie);
    assert!((0..5).all(|_| group.with(&back, &[]) == Some(2)));
    assert_eq!(told(&group, 2, &back, false), None);
    assert!(told(&group, 2, &HeaderMap::new(), true).expect("a new one").ends_with("; Secure"));
}

#[test]
fn a_cookie_survives_changes_of_other_endpoints() {
    let cookie = told(&sticky(&[0, 1, 2], b"secret"), 2, &HeaderMap::new(), false).expect("a new one");
    assert_eq!(sticky(&[7, 2], b"secret").with(&bringing(&cookie), &[]), Some(1));
}

#[test]
fn a_cookie_of_an_endpoint_that_is_gone_or_out_or_was_tried_is_replaced() {
    let group = sticky(&[0, 1], b"secret");
    let cookie = bringing(&told(&group, 1, &HeaderMap::new(), false).expect("a new one"));
    assert_eq!(group.with(&cookie, &[1]), Some(0));
    group.is_out(&[1]);
    assert_eq!(group.with(&cookie, &[]), Some(0));
    assert!(told(&group, 0, &cookie, false).is_some());
    let others = sticky(&[0, 5], b"secret");
    assert!(others.with(&cookie, &[]).is_some());
}

#[test]
fn a_cookie_of_another_key_is_none() {
    let value = |key| told(&sticky(&[0], key), 0, &HeaderMap::new(), false);
    assert_ne!(value(b"one"), value(b"other"));
}
