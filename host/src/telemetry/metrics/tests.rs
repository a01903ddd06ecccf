use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::own::OwnMetricError;
use super::*;

/// A strict reader of the text format: every line must be a HELP, its TYPE, or a sample of the family begun last; no
/// family, no series twice. Answers series -> value.
fn parse(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with('\n'), "the last line must end");
    let (mut families, mut samples) = (BTreeSet::new(), BTreeMap::new());
    let (mut family, mut kind) = (String::new(), String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            family = help.split(' ').next().expect("a name").to_owned();
            assert!(families.insert(family.clone()), "{family} twice");
            let stated = lines.next().and_then(|line| line.strip_prefix(&format!("# TYPE {family} ")));
            kind = stated.expect("TYPE after HELP").to_owned();
            assert!(["counter", "gauge", "histogram"].contains(&kind.as_str()), "{kind}");
            assert_eq!(kind == "counter", family.ends_with("_total"), "{family}");
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
        let name = series.split('{').next().expect("a name");
        let suffix = name.strip_prefix(family.as_str()).expect("a sample belongs to the family begun last");
        let allowed: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(allowed.contains(&suffix), "{series}");
        if series.len() > name.len() {
            parse_labels(series[name.len()..].strip_prefix('{').and_then(|s| s.strip_suffix('}')).expect("{..}"));
        }
        let value = value.parse().expect("a number");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series} twice");
    }
    samples
}

fn parse_labels(mut rest: &str) {
    loop {
        let (name, value) = rest.split_once("=\"").expect("name=\"");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        let mut characters = value.char_indices();
        let end = loop {
            match characters.next().expect("a closing quote") {
                (place, '"') => break place,
                (_, '\\') => assert!(matches!(characters.next(), Some((_, '\\' | '"' | 'n')))),
                (_, '\n') => panic!("a raw newline"),
                _ => {}
            }
        };
        match value[end + 1..].strip_prefix(',') {
            Some(more) => rest = more,
            None => return assert_eq!(&value[end + 1..], ""),
        }
    }
}

#[test]
fn a_scrape_adds_up_what_the_workers_counted() {
    let registry = Registry::new(2);
    let (route, plugin) = (registry.route("users"), registry.plugin("api-key"));
    route.record(0, 200, Duration::from_micros(500), 10, 100);
    route.record(1, 200, Duration::from_micros(501), 20, 200);
    route.record(1, 503, Duration::from_secs(60), 0, 0);
    route.record(0, 499, Duration::ZERO, 0, 0);
    route.record(0, 999, Duration::ZERO, 0, 0);
    registry.unmatched().record(0, 404, Duration::ZERO, 0, 7);
    for worker in 0..2 {
        route.record_problem(worker, "upstream-connect");
    }
    plugin.record(0, Hook::Request, Outcome::Next, 250);
    plugin.record(1, Hook::Request, Outcome::Reply, 800);
    plugin.record(1, Hook::Request, Outcome::Fault(FaultKind::Deadline), 5_000_000);
    plugin.record(1, Hook::Response, Outcome::Skipped, 0);
    plugin.instance_started(0);
    plugin.instance_started(1);
    plugin.instance_ended(1);
    registry.worker(1).connections.increment();
    registry.host.reloads_failed.increment();
    registry.host.config_generation.set(3);

    let samples = parse(&registry.render());
    for (series, expected) in [
        (r#"tollgate_requests_total{route="users",status="200"}"#, 2.0),
        (r#"tollgate_requests_total{route="users",status="503"}"#, 1.0),
        (r#"tollgate_requests_total{route="users",status="499"}"#, 1.0),
        (r#"tollgate_requests_total{route="users",status="other"}"#, 1.0),
        (r#"tollgate_requests_total{route="",status="404"}"#, 1.0),
        (r#"tollgate_problems_total{route="users",problem="upstream-connect"}"#, 2.0),
        (r#"tollgate_request_duration_seconds_bucket{route="users",le="0.0005"}"#, 3.0),
        (r#"tollgate_request_duration_seconds_bucket{route="users",le="0.001"}"#, 4.0),
        (r#"tollgate_request_duration_seconds_bucket{route="users",le="10"}"#, 4.0),
        (r#"tollgate_request_duration_seconds_bucket{route="users",le="+Inf"}"#, 5.0),
        (r#"tollgate_request_duration_seconds_sum{route="users"}"#, 60.001001),
        (r#"tollgate_request_duration_seconds_count{route="users"}"#, 5.0),
        (r#"tollgate_request_body_bytes_total{route="users"}"#, 30.0),
        (r#"tollgate_response_body_bytes_total{route="users"}"#, 300.0),
        (r#"tollgate_plugin_calls_total{plugin="api-key",hook="on-request",outcome="next"}"#, 1.0),
        (r#"tollgate_plugin_calls_total{plugin="api-key",hook="on-request",outcome="reply"}"#, 1.0),
        (r#"tollgate_plugin_calls_total{plugin="api-key",hook="on-request",outcome="fault"}"#, 1.0),
        (r#"tollgate_plugin_faults_total{plugin="api-key",kind="deadline"}"#, 1.0),
        (r#"tollgate_plugin_faults_total{plugin="api-key",kind="trap"}"#, 0.0),
        (r#"tollgate_plugin_skipped_total{plugin="api-key",hook="on-response"}"#, 1.0),
        (r#"tollgate_plugin_duration_seconds_bucket{plugin="api-key",hook="on-request",le="0.00000025"}"#, 1.0),
        (r#"tollgate_plugin_duration_seconds_sum{plugin="api-key",hook="on-request"}"#, 0.00500105),
        (r#"tollgate_plugin_instances{plugin="api-key"}"#, 1.0),
        (r#"tollgate_plugin_instances_started_total{plugin="api-key"}"#, 2.0),
        (r#"tollgate_connections{worker="1"}"#, 1.0),
        (r#"tollgate_config_reloads_total{result="failed"}"#, 1.0),
        ("tollgate_config_generation", 3.0),
    ] {
        assert_eq!(samples.get(series), Some(&expected), "{series}");
    }
    assert!(!samples.keys().any(|series| series.contains("on-log\"")), "a hook that had no turn is left out");
    assert!(!samples.contains_key(r#"tollgate_plugin_skipped_total{plugin="api-key",hook="on-request"}"#));
    let none = r#"tollgate_plugin_calls_total{plugin="api-key",hook="on-response",outcome="next"}"#;
    assert!(!samples.contains_key(none), "it was only skipped");
    plugin.record(0, Hook::Log, Outcome::Next, 100);
    let samples = parse(&registry.render());
    let outcome = |outcome: &str| {
        samples.contains_key(&format!(
            r#"tollgate_plugin_calls_total{{plugin="api-key",hook="on-log",outcome="{outcome}"}}"#
        ))
    };
    assert!(outcome("next") && outcome("fault") && !outcome("reply"), "a log hook cannot reply");
    if cfg!(target_os = "linux") {
        assert!(samples["process_resident_memory_bytes"] > 100_000.0);
        assert!(samples["process_cpu_seconds_total"] > 0.0);
    }
}

#[test]
fn names_with_quotes_and_newlines_do_not_break_the_format() {
    let registry = Registry::new(1);
    let route = registry.route("a\"b\\c\nd{e=\"f\"}");
    route.record(0, 200, Duration::ZERO, 0, 0);
    let samples = parse(&registry.render());
    assert!(samples.contains_key(r#"tollgate_request_duration_seconds_count{route="a\"b\\c\nd{e=\"f\"}"}"#));
}

#[test]
fn a_name_keeps_its_counts_across_a_reload() {
    let registry = Registry::new(1);
    let live = registry.route("users");
    live.record(0, 200, Duration::ZERO, 0, 0);
    let next = registry.route("users");
    drop(live);
    next.record(0, 200, Duration::ZERO, 0, 0);
    assert_eq!(parse(&registry.render())[r#"tollgate_requests_total{route="users",status="200"}"#], 2.0);
}

#[test]
fn a_thousand_reloads_with_new_names_stay_bounded_even_without_a_scrape() {
    let registry = Registry::new(2);
    let mut live = Vec::new();
    for reload in 0..1_000 {
        let next: Vec<_> = (0..10)
            .map(|index| {
                (registry.route(&format!("r{reload}-{index}")), registry.plugin(&format!("p{reload}-{index}")))
            })
            .collect();
        live = next;
        assert!(locked(&registry.routes).by_name.len() <= 64);
        assert!(locked(&registry.plugins).by_name.len() <= 64);
    }
    let text = registry.render();
    assert_eq!(text.matches("tollgate_request_duration_seconds_count").count(), live.len() + 1);
    drop(live);
    assert_eq!(registry.render().matches("tollgate_request_duration_seconds_count").count(), 1);
}

#[test]
fn two_renders_of_the_same_counts_have_the_same_order() {
    let registry = Registry::new(3);
    let _live: Vec<_> = ["c", "a", "b"].map(|name| (registry.route(name), registry.plugin(name))).into();
    let series = |text: String| text.lines().filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect();
    let (first, second): (Vec<String>, Vec<String>) = (series(registry.render()), series(registry.render()));
    assert_eq!(first, second);
    let text = registry.render();
    let place = |name: &str| text.find(&format!("_count{{route=\"{name}\"}}")).expect("rendered");
    assert!(place("a") < place("b") && place("b") < place("c"));
}

#[test]
fn every_kind_of_fault_has_its_own_place_and_label() {
    let labels: BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.label()).collect();
    assert_eq!(labels.len(), FaultKind::ALL.len());
    assert!(FaultKind::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
}

fn own(name: &str, labels: &[(&str, &str)], kind: OwnKind) -> OwnMetric {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    OwnMetric::new(name.to_owned(), "What is \\ counted.".to_owned(), labels, kind).expect("it is a metric")
}

#[test]
fn what_plugins_count_is_shown_under_their_names() {
    let registry = Registry::new(2);
    let (first, second) = (registry.plugin("first"), registry.plugin("second"));
    let counter = || own("refused", &[("reason", "a \"b\"")], OwnKind::Counter);
    let declared = [
        counter(),
        own("share", &[], OwnKind::Gauge),
        // More buckets than one line of the cache has words.
        own("size_bytes", &[], OwnKind::Histogram((1..=32).map(f64::from).collect())),
    ];
    let of_first = first.declare(&declared);
    let of_second = second.declare(&[counter()]);
    assert!(of_first[0].add(0, 2) && of_first[0].add(1, 3) && of_second[0].add(1, 7));
    assert!(of_first[1].set(0.5) && of_first[1].set(f64::NAN));
    for (worker, value) in [(0, 0.5), (1, 2.0), (1, 2.5), (0, 32.5), (0, f64::NAN)] {
        assert!(of_first[2].observe(worker, value));
    }
    assert!(!of_first[0].set(1.0) && !of_first[1].observe(0, 1.0) && !of_first[2].add(0, 1), "of another kind");

    let samples = parse(&registry.render());
    for (series, expected) in [
        (r#"tollgate_plugin_own_refused_total{plugin="first",reason="a \"b\""}"#, 5.0),
        (r#"tollgate_plugin_own_refused_total{plugin="second",reason="a \"b\""}"#, 7.0),
        (r#"tollgate_plugin_own_share{plugin="first"}"#, 0.5),
        (r#"tollgate_plugin_own_size_bytes_bucket{plugin="first",le="1"}"#, 1.0),
        (r#"tollgate_plugin_own_size_bytes_bucket{plugin="first",le="2"}"#, 2.0),
        (r#"tollgate_plugin_own_size_bytes_bucket{plugin="first",le="32"}"#, 3.0),
        (r#"tollgate_plugin_own_size_bytes_bucket{plugin="first",le="+Inf"}"#, 4.0),
        (r#"tollgate_plugin_own_size_bytes_sum{plugin="first"}"#, 37.5),
        (r#"tollgate_plugin_own_size_bytes_count{plugin="first"}"#, 4.0),
    ] {
        assert_eq!(samples.get(series), Some(&expected), "{series}");
    }
}

#[test]
fn what_a_plugin_counts_survives_a_reload_and_is_forgotten_with_its_declaration() {
    let registry = Registry::new(1);
    let plugin = registry.plugin("it");
    let live = plugin.declare(&[own("seen", &[], OwnKind::Counter), own("level", &[], OwnKind::Gauge)]);
    live[0].add(0, 1);
    // The next one counts on, and says of the other name that it is another kind: while both live, the later is shown.
    let next = plugin.declare(&[own("seen", &[], OwnKind::Counter), own("level", &[], OwnKind::Histogram(vec![1.0]))]);
    next[0].add(0, 1);
    next[1].observe(0, 0.5);
    for _ in 0..2 {
        let samples = parse(&registry.render());
        assert_eq!(samples[r#"tollgate_plugin_own_seen_total{plugin="it"}"#], 2.0);
        assert_eq!(samples[r#"tollgate_plugin_own_level_count{plugin="it"}"#], 1.0);
        assert!(!samples.contains_key(r#"tollgate_plugin_own_level{plugin="it"}"#));
    }
    drop((live, next));
    assert!(!registry.render().contains("tollgate_plugin_own"));
}

#[test]
fn what_is_no_metric_is_refused() {
    let metric = |name: &str, help: &str, labels: &[(&str, &str)], kind| {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        OwnMetric::new(name.to_owned(), help.to_owned(), labels, kind).err()
    };
    let counter = |name: &str, help: &str, labels: &[(&str, &str)]| metric(name, help, labels, OwnKind::Counter);
    assert_eq!(counter("a_1", "", &[("b", "any text: {}\"")]), None);
    for name in ["", "1a", "_a", "A", "a-b", "a b", "\u{e9}", &"a".repeat(65)] {
        assert!(matches!(counter(name, "", &[]), Some(OwnMetricError::Name(_))), "{name}");
        assert!(matches!(counter("a", "", &[(name, "")]), Some(OwnMetricError::Name(_))), "{name}");
    }
    for name in ["a_total", "a_bucket", "a_sum", "a_count"] {
        assert!(matches!(counter(name, "", &[]), Some(OwnMetricError::Suffix(_))), "{name}");
    }
    assert!(matches!(counter("a", "two\nlines", &[]), Some(OwnMetricError::Help(_))));
    assert!(matches!(counter("a", &"a".repeat(257), &[]), Some(OwnMetricError::Help(_))));
    assert!(matches!(counter("a", "", &[("b", ""); 9]), Some(OwnMetricError::Labels(_))));
    assert!(matches!(counter("a", "", &[("b", ""), ("b", "")]), Some(OwnMetricError::Reserved(_))));
    for label in ["plugin", "le"] {
        assert!(matches!(counter("a", "", &[(label, "")]), Some(OwnMetricError::Reserved(_))), "{label}");
    }
    for value in ["a\nb", &"a".repeat(129)] {
        assert!(matches!(counter("a", "", &[("b", value)]), Some(OwnMetricError::Value(_))), "{value}");
    }
    for bounds in [vec![1.0, 1.0], vec![2.0, 1.0], vec![f64::NAN], vec![f64::INFINITY], vec![0.0; 33]] {
        let refused = metric("a", "", &[], OwnKind::Histogram(bounds.clone()));
        assert!(matches!(refused, Some(OwnMetricError::Bounds(_))), "{bounds:?}");
    }
}
