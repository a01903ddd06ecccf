mod random;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::*;

fn rule(path: &str) -> Rule {
    Rule::of_path(PathPattern::parse(path).expect("a good path"))
}

fn on(host: &str, rule: Rule) -> Rule {
    let mut rule = rule;
    rule.hosts.push(HostPattern::parse(host).expect("a good host"));
    rule
}

fn by(methods: &[Method], rule: Rule) -> Rule {
    Rule { methods: methods.to_vec(), ..rule }
}

fn equals(text: &str) -> ValueRule {
    ValueRule::Equals(text.to_owned())
}

fn like(regex: &str) -> ValueRule {
    ValueRule::Matches(Regex::parse(regex).expect("a good expression"))
}

fn with_header(name: &'static str, value: ValueRule, rule: Rule) -> Rule {
    let mut rule = rule;
    rule.headers.push(HeaderRule { name: HeaderName::from_static(name), value });
    rule
}

fn with_query(name: &str, value: ValueRule, rule: Rule) -> Rule {
    let mut rule = rule;
    rule.query.push(QueryRule { name: name.to_owned(), value });
    rule
}

fn through(names: &[&str], rule: Rule) -> Rule {
    Rule { listeners: names.iter().map(|name| (*name).into()).collect(), ..rule }
}

/// A request to play with.
struct Sent {
    listener: Option<&'static str>,
    host: &'static str,
    path: String,
    query: Option<&'static str>,
    method: Method,
    headers: HeaderMap,
}

impl Sent {
    fn to(host: &'static str, path: &str) -> Self {
        let (path, query) = (path.to_owned(), None);
        Self { listener: None, host, path, query, method: Method::GET, headers: HeaderMap::new() }
    }

    fn target(&self) -> Target<'_> {
        Target {
            listener: self.listener,
            host: self.host,
            path: &self.path,
            query: self.query,
            method: &self.method,
            headers: &self.headers,
        }
    }
}

fn get(rules: &[Rule], host: &'static str, path: &str) -> Result<usize, NoRoute> {
    Router::new(rules.to_vec()).find(&Sent::to(host, path).target())
}

#[test]
fn an_exact_host_comes_before_the_longest_suffix_and_that_before_any() {
    let rules =
        [rule("/**"), on("*.com", rule("/**")), on("*.example.com", rule("/**")), on("a.example.com", rule("/**"))];
    assert_eq!(get(&rules, "a.example.com", "/"), Ok(3));
    assert_eq!(get(&rules, "b.example.com", "/"), Ok(2));
    assert_eq!(get(&rules, "a.b.example.com", "/"), Ok(2));
    assert_eq!(get(&rules, "example.com", "/"), Ok(1));
    assert_eq!(get(&rules, "localhost", "/"), Ok(0));
    assert_eq!(get(&rules, "", "/"), Ok(0));
}

#[test]
fn a_path_is_compared_segment_by_segment_from_the_left() {
    let rules = [
        rule("/**"),
        rule("/users/**"),
        rule("/users/{id}"),
        rule("/users/me"),
        rule("/users"),
        rule("/{kind}/me/settings"),
        rule("/users/{id}/**"),
    ];
    for (path, route) in [
        ("/users", 4),
        ("/users/", 1),
        ("/users/me", 3),
        ("/users/5", 2),
        ("/users/me/settings", 6),
        ("/orders/me/settings", 5),
        ("/orders/me", 0),
        ("/", 0),
    ] {
        assert_eq!(get(&rules, "", path), Ok(route), "{path}");
    }
    assert_eq!(get(&rules, "", "*"), Err(NoRoute::NotFound));
}

#[test]
fn a_more_specific_host_without_the_path_leaves_the_request_to_the_next() {
    let rules = [rule("/b"), on("*.test", rule("/c")), on("a.test", rule("/a"))];
    assert_eq!(get(&rules, "a.test", "/a"), Ok(2));
    assert_eq!(get(&rules, "a.test", "/b"), Ok(0));
    assert_eq!(get(&rules, "a.test", "/c"), Ok(1));
    assert_eq!(get(&rules, "a.test", "/d"), Err(NoRoute::NotFound));
}

#[test]
fn a_refused_method_leaves_the_request_to_the_next_best() {
    let rules = [rule("/users/**"), by(&[Method::POST], rule("/users/{id}"))];
    assert_eq!(get(&rules, "", "/users/5"), Ok(0));
}

#[test]
fn only_a_rule_that_lacks_nothing_but_the_method_makes_a_405() {
    let rules = [
        by(&[Method::PUT, Method::GET], rule("/users/{id}")),
        by(&[Method::PATCH], on("other.test", rule("/users/{id}"))),
        by(&[Method::POST], with_header("x-admin", ValueRule::Present, rule("/users/{id}"))),
        by(&[Method::PUT], rule("/users/**")),
    ];
    let mut sent = Sent::to("a.test", "/users/5");
    sent.method = Method::DELETE;
    let allowed = NoRoute::MethodNotAllowed(vec![Method::GET, Method::HEAD, Method::PUT]);
    assert_eq!(Router::new(rules.to_vec()).find(&sent.target()), Err(allowed));
    sent.path = "/orders".to_owned();
    assert_eq!(Router::new(rules.to_vec()).find(&sent.target()), Err(NoRoute::NotFound));
}

#[test]
fn head_is_served_by_get_unless_another_rule_lists_it() {
    let mut sent = Sent::to("", "/a");
    sent.method = Method::HEAD;
    let get = by(&[Method::GET], rule("/a"));
    assert_eq!(Router::new(vec![get.clone()]).find(&sent.target()), Ok(0));
    assert_eq!(Router::new(vec![get, by(&[Method::HEAD], rule("/a"))]).find(&sent.target()), Ok(1));
}

#[test]
fn methods_of_ones_own_are_methods() {
    let purge = Method::from_bytes(b"PURGE").expect("a token");
    let mut sent = Sent::to("", "/a");
    sent.method = purge.clone();
    let rules = [by(&[purge.clone(), Method::GET], rule("/a")), by(&[Method::GET], rule("/a")), rule("/a")];
    let find = |rules: &[Rule]| Router::new(rules.to_vec()).find(&sent.target());
    assert_eq!(find(&rules), Ok(0));
    assert_eq!(find(&rules[1..]), Ok(1));
    assert_eq!(find(&rules[1..2]), Err(NoRoute::MethodNotAllowed(vec![Method::GET, Method::HEAD])));
    sent.method = Method::from_bytes(b"PURGED").expect("a token");
    let allowed = NoRoute::MethodNotAllowed(vec![Method::GET, Method::HEAD, purge]);
    assert_eq!(Router::new(rules[..1].to_vec()).find(&sent.target()), Err(allowed));
}

#[test]
fn more_conditions_come_first_and_a_value_before_a_presence() {
    let rules = vec![
        rule("/a"),
        by(&[Method::GET], rule("/a")),
        with_header("x-version", ValueRule::Present, by(&[Method::GET], rule("/a"))),
        with_header("x-version", equals("2"), by(&[Method::GET], rule("/a"))),
    ];
    let router = Router::new(rules);
    let mut sent = Sent::to("", "/a");
    assert_eq!(router.find(&sent.target()), Ok(1));
    sent.headers.append("x-version", HeaderValue::from_static("1"));
    assert_eq!(router.find(&sent.target()), Ok(2));
    sent.headers.append("x-version", HeaderValue::from_static("2"));
    assert_eq!(router.find(&sent.target()), Ok(3));
    sent.method = Method::POST;
    assert_eq!(router.find(&sent.target()), Ok(0));
}

#[test]
fn a_value_comes_before_a_regular_expression_and_that_before_a_presence() {
    let router = Router::new(vec![
        with_header("x-version", ValueRule::Present, rule("/a")),
        with_header("x-version", like(r"2\..*"), rule("/a")),
        with_header("x-version", equals("2.1"), rule("/a")),
    ]);
    for (version, found) in [("2.1", 2), ("2.2", 1), ("12.2", 0), ("2", 0)] {
        let mut sent = Sent::to("", "/a");
        sent.headers.append("x-version", HeaderValue::from_static(version));
        assert_eq!(router.find(&sent.target()), Ok(found), "{version}");
    }
}

#[test]
fn regular_expressions_come_last_by_priority_and_then_in_the_order_of_the_file() {
    let rules = [
        rule("~/users/.*"),
        rule("~/users/[0-9]+"),
        by(&[Method::POST], rule("~/users/[0-9]+")),
        Rule { priority: 1, ..rule("~/users/[0-9]+/special") },
        rule("/users/{id}/**"),
        by(&[Method::PUT], rule("~/users/.*")),
        on("*.test", rule("~/.*")),
    ];
    let find = |rules: &[Rule], method: Method, host, path: &str| {
        let sent = Sent { method, ..Sent::to(host, path) };
        Router::new(rules.to_vec()).find(&sent.target())
    };
    assert_eq!(find(&rules, Method::GET, "", "/users/7"), Ok(4));
    assert_eq!(find(&rules[..4], Method::GET, "", "/users/7"), Ok(0));
    assert_eq!(find(&rules[1..4], Method::GET, "", "/users/7"), Ok(0));
    // More conditions come first where the expression is the same, wherever it stands.
    assert_eq!(find(&rules[1..4], Method::POST, "", "/users/7"), Ok(1));
    assert_eq!(find(&rules[..4], Method::POST, "", "/users/7"), Ok(0));
    assert_eq!(find(&[&rules[..4], &rules[5..6]].concat(), Method::PUT, "", "/users/7"), Ok(4));
    assert_eq!(find(&rules[..4], Method::GET, "", "/users/7/special"), Ok(3));
    // The host comes before the path.
    assert_eq!(find(&rules, Method::GET, "a.test", "/users/7"), Ok(6));
}

#[test]
fn a_query_is_matched_decoded() {
    let router = Router::new(vec![with_query("q", like("a b[+]?"), rule("/s"))]);
    for (query, found) in [("q=a+b%2B", true), ("q=a%20b", true), ("q=a%2Bb", false), ("q=xa+b", false)] {
        let mut sent = Sent::to("", "/s");
        sent.query = Some(query);
        assert_eq!(router.find(&sent.target()).is_ok(), found, "{query}");
    }
}

#[test]
fn priority_chooses_within_a_path_pattern_and_not_across() {
    let mut urgent = rule("/users/**");
    urgent.priority = 10;
    let rules = [
        with_header("x-a", ValueRule::Present, rule("/users/**")),
        urgent,
        Rule { priority: -1, ..rule("/users/{id}") },
    ];
    let mut sent = Sent::to("", "/users/5/orders");
    sent.headers.append("x-a", HeaderValue::from_static(""));
    let router = Router::new(rules.to_vec());
    assert_eq!(router.find(&sent.target()), Ok(1));
    sent.path = "/users/5".to_owned();
    assert_eq!(router.find(&sent.target()), Ok(2));
}

#[test]
fn query_parameters_are_compared_decoded() {
    let router = Router::new(vec![
        with_query("q", equals("a b+\u{e9}"), rule("/s")),
        with_query("deb%ug", ValueRule::Present, rule("/s")),
    ]);
    for (query, found) in [
        ("q=a+b%2B%c3%A9", Ok(0)),
        ("x=1&&%71=a%20b%2b%C3%A9", Ok(0)),
        ("q=no&q=a+b%2B%C3%A9&y", Ok(0)),
        ("deb%ug", Ok(1)),
        ("deb%25ug=", Ok(1)),
        ("q=a", Err(NoRoute::NotFound)),
        ("", Err(NoRoute::NotFound)),
    ] {
        let mut sent = Sent::to("", "/s");
        sent.query = Some(query);
        assert_eq!(router.find(&sent.target()), found, "{query}");
    }
}

#[test]
fn a_router_names_what_its_rules_capture() {
    let router = Router::new(vec![rule("/{a}/x/**")]);
    assert_eq!(router.param(0, "a", "/1/x/2/3"), Some("1"));
    assert_eq!(router.param(0, "rest", "/1/x/2/3"), Some("2/3"));
    assert_eq!(router.param(0, "b", "/1/x/2/3"), None);
    assert_eq!(router.param(1, "a", "/1/x"), None);
}

#[test]
fn rules_that_share_a_request_and_a_rank_are_indistinguishable() {
    let pairs = |rules: &[Rule]| indistinguishable_pairs(rules);
    assert_eq!(pairs(&[rule("/{a}"), rule("/x"), rule("/{b}")]), [(0, 2)]);
    assert_eq!(pairs(&[rule("/a"), Rule { priority: 1, ..rule("/a") }]), []);
    assert_eq!(pairs(&[rule("/a"), on("a.test", rule("/a"))]), []);
    assert_eq!(pairs(&[on("a.test", on("b.test", rule("/a"))), on("b.test", rule("/a"))]), [(0, 1)]);
    assert_eq!(pairs(&[by(&[Method::GET], rule("/a")), rule("/a"), by(&[Method::HEAD], rule("/a"))]), []);
    let overlapping = [by(&[Method::GET, Method::PUT], rule("/a")), by(&[Method::PUT, Method::POST], rule("/a"))];
    assert_eq!(pairs(&overlapping), [(0, 1)]);
    let one = with_header("a", ValueRule::Present, with_header("b", equals("1"), rule("/a")));
    let same = with_header("b", equals("1"), with_header("a", ValueRule::Present, rule("/a")));
    let other = with_header("b", equals("2"), with_header("a", ValueRule::Present, rule("/a")));
    assert_eq!(pairs(&[one, same, other]), [(0, 1)]);
    assert_eq!(pairs(&[rule("~/a.*"), rule("~/a.+"), rule("~/a.*"), by(&[Method::GET], rule("~/a.*"))]), [(0, 2)]);
}

#[test]
fn a_rule_that_is_bound_to_listeners_takes_what_comes_through_them() {
    let rules = [
        rule("/**"),
        through(&["internal"], rule("/**")),
        through(&["internal", "public"], rule("/a")),
        by(&[Method::POST], through(&["internal"], rule("/b"))),
    ];
    let router = Router::new(rules.to_vec());
    let find = |listener, path| router.find(&Sent { listener, ..Sent::to("a.test", path) }.target());
    assert_eq!((find(None, "/"), find(None, "/a")), (Ok(0), Ok(0)));
    assert_eq!((find(Some("public"), "/"), find(Some("public"), "/a")), (Ok(0), Ok(2)));
    assert_eq!((find(Some("internal"), "/"), find(Some("internal"), "/a")), (Ok(1), Ok(2)));
    let alone = Router::new(rules[3..].to_vec());
    let find = |listener| alone.find(&Sent { listener, ..Sent::to("a.test", "/b") }.target());
    assert_eq!(find(Some("internal")), Err(NoRoute::MethodNotAllowed(vec![Method::POST])));
    assert_eq!((find(Some("public")), find(None)), (Err(NoRoute::NotFound), Err(NoRoute::NotFound)));
}

#[test]
fn rules_of_different_listeners_can_be_told_apart() {
    let pairs = |rules: &[Rule]| indistinguishable_pairs(rules);
    let bound = |names: &[&str]| through(names, rule("/a"));
    assert_eq!(pairs(&[bound(&["a"]), bound(&["b"]), bound(&[])]), []);
    assert_eq!(pairs(&[bound(&["a", "b"]), bound(&["c", "b"])]), [(0, 1)]);
}

#[test]
fn each_rule_is_told_why_it_lost() {
    let rules = vec![
        on("a.test", on("*.b.test", rule("/users/{id}"))),
        rule("/orders/**"),
        with_header("x-version", equals("2"), rule("/users/{id}")),
        with_header("x-debug", ValueRule::Present, rule("/users/{id}")),
        with_query("page", equals("1"), rule("/users/{id}")),
        with_query("page", ValueRule::Present, rule("/users/{id}")),
        by(&[Method::POST, Method::PUT, Method::PATCH], rule("/users/{id}")),
        rule("/users/**"),
        rule("/users/{id}"),
        by(&[Method::GET], rule("/users/{id}")),
        by(&[Method::GET], rule("/users/{name}")),
        Rule { priority: -1, ..rule("/users/{id}") },
        on("c.test", rule("/**")),
        on("*.test", rule("/**")),
        rule("~/users/[0-9]+"),
        rule("~/users/[a-z]+"),
        with_header("x-version", like("[23]"), rule("/users/{id}")),
        through(&["a", "b"], rule("/**")),
    ];
    let explained = |rules: &[Rule], host| {
        let router = Router::new(rules.to_vec());
        let sent = Sent::to(host, "/users/5");
        let lines = router.explain(&sent.target()).into_iter().map(|it| format!("{} {}", it.route, it.outcome));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(explained(&rules, "localhost"), @r"
        0 another host: it wants `*.b.test` or `a.test`
        1 another path: it wants `/orders/**`
        2 header `x-version` is not `2`
        3 no header `x-debug`
        4 query parameter `page` is not `1`
        5 no query parameter `page`
        6 another method: it wants `POST`, `PUT` or `PATCH`
        7 it matches, but the path of the taken route is more specific
        8 it matches, but the taken route asks for more
        9 taken
        10 it matches, but the taken route comes earlier in the file
        11 it matches, but the taken route has a higher priority
        12 another host: it wants `c.test`
        13 another host: it wants `*.test`
        14 it matches, but the path of the taken route is more specific
        15 another path: it wants `~/users/[a-z]+`
        16 header `x-version` does not match `~[23]`
        17 another listener: it wants `a` or `b`
    ");
    insta::assert_snapshot!(explained(&rules, "c.test"), @r"
        0 another host: it wants `*.b.test` or `a.test`
        1 another path: it wants `/orders/**`
        2 header `x-version` is not `2`
        3 no header `x-debug`
        4 query parameter `page` is not `1`
        5 no query parameter `page`
        6 another method: it wants `POST`, `PUT` or `PATCH`
        7 it matches, but the host of the taken route is more specific
        8 it matches, but the host of the taken route is more specific
        9 it matches, but the host of the taken route is more specific
        10 it matches, but the host of the taken route is more specific
        11 it matches, but the host of the taken route is more specific
        12 taken
        13 it matches, but the host of the taken route is more specific
        14 it matches, but the host of the taken route is more specific
        15 another path: it wants `~/users/[a-z]+`
        16 header `x-version` does not match `~[23]`
        17 another listener: it wants `a` or `b`
    ");
}
