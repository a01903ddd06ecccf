//! `find` against a plain search, on rules and requests made by chance.

use super::super::explain::{compare, refusal};
use super::*;

/// `find` and `explain` against each other and against the order written down rule by rule.
#[test]
fn random_rules_and_requests_agree_with_a_plain_search() {
    let mut random = Random(1);
    let (mut found, mut missed) = (0, 0);
    for _ in 0..400 {
        let rules: Vec<Rule> = (0..1 + random.below(12)).map(|_| random_rule(&mut random)).collect();
        let router = Router::new(rules.clone());
        for _ in 0..40 {
            let sent = random_request(&mut random);
            let target = sent.target();
            let matching = (0..rules.len()).filter(|&route| refusal(&rules[route], &target).is_none());
            // The first of equals is the earliest in the file.
            let best = matching.min_by(|&a, &b| compare(&rules, (a, b), sent.host).1);
            assert_eq!(router.find(&target).ok(), best, "{rules:#?} {target:?}");
            let explained = router.explain(&target);
            let taken = explained.iter().find(|it| it.outcome == Outcome::Taken);
            assert_eq!(taken.map(|it| it.route), best);
            if best.is_none() {
                let by_method = explained.iter().any(|it| matches!(it.outcome, Outcome::Method(_)));
                assert_eq!(matches!(router.find(&target), Err(NoRoute::MethodNotAllowed(_))), by_method);
            }
            *if best.is_some() { &mut found } else { &mut missed } += 1;
        }
    }
    assert!(found > 1_000 && missed > 1_000, "{found} {missed}");
}

fn random_rule(random: &mut Random) -> Rule {
    const PIECES: [&str; 5] = ["/a", "/b", "/{x}", "/{y}", "/"];
    const HOSTS: [&str; 4] = ["a.test", "b.a.test", "*.test", "*.a.test"];
    const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
    let mut path = String::new();
    for piece in 0..random.below(4) {
        // A param has one name, and an empty segment is the last.
        let text = PIECES[random.below(4)];
        path.push_str(&text.replace('}', &format!("{piece}}}")));
    }
    path.push_str(["", "/", "/**"][random.below(3)]);
    if path.is_empty() {
        path.push_str(PIECES[4]);
    }
    if random.below(5) == 0 {
        path = ["~/.*", "~(/[ab])+", "~/(?P<x>[^/]+)/b.*", "~.*/c"][random.below(4)].to_owned();
    }
    let mut rule = rule(&path);
    for _ in 0..random.below(3) {
        rule = on(HOSTS[random.below(4)], rule);
    }
    for _ in 0..random.below(3) {
        rule.methods.push(METHODS[random.below(3)].clone());
    }
    if random.below(3) == 0 {
        rule = with_header("x-a", [ValueRule::Present, equals("1"), like("[13]")][random.below(3)].clone(), rule);
    }
    if random.below(3) == 0 {
        rule = with_query("q", [ValueRule::Present, equals("1"), like("1*")][random.below(3)].clone(), rule);
    }
    if random.below(3) == 0 {
        rule = through([&["in"][..], &["in", "out"]][random.below(2)], rule);
    }
    rule.priority = [0, 0, 0, 1, -1][random.below(5)];
    rule
}

fn random_request(random: &mut Random) -> Sent {
    let host = ["a.test", "b.a.test", "c.b.a.test", "b.test", "localhost"][random.below(5)];
    let mut path = String::new();
    for _ in 0..1 + random.below(4) {
        path.push_str(["/a", "/b", "/c", "/"][random.below(4)]);
    }
    let mut sent = Sent::to(host, &path);
    sent.listener = [None, Some("in"), Some("out")][random.below(3)];
    let own = Method::from_bytes(b"PURGE").expect("a token");
    sent.method = [Method::GET, Method::HEAD, Method::POST, own][random.below(4)].clone();
    sent.query = [None, Some("q"), Some("q=1")][random.below(3)];
    if random.below(2) == 0 {
        sent.headers.append("x-a", HeaderValue::from_static(["1", "2"][random.below(2)]));
    }
    sent
}

/// Numbers that are the same on each run (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
