//! Where and how a configuration that does not fit is reported.

use super::read;
use crate::config::{Duration, Parsed};
use http::{HeaderName, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read from JSON")]
struct Config {
    limit: u64,
    #[serde(default)]
    window: Option<Duration>,
    #[serde(default)]
    rules: Vec<Rule>,
    #[serde(default)]
    by: BTreeMap<String, Choice>,
    #[serde(default)]
    methods: Vec<Parsed<Method>>,
    #[serde(default)]
    header: Option<Parsed<HeaderName>>,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "only read from JSON")]
struct Rule {
    path: String,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Choice {
    ClientAddress,
    Header(String),
    Both { header: String },
}

/// Pointer and message.
fn problem<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
    let error = read::<T>(json).expect_err("it does not fit");
    let problem = &error.problems()[0];
    format!("{}: {}", problem.pointer, problem.message)
}

#[test]
fn a_problem_has_the_place_and_what_would_be_right() {
    let cases = [
        (r#"{"limit":1,"lmit":2}"#, "/lmit: unknown key `lmit`: did you mean `limit`?"),
        (
            r#"{"limit":1,"burts":2}"#,
            "/burts: unknown key `burts`: there are `limit`, `window`, `rules`, `by`, `methods`, `header`",
        ),
        (r#"{"window":"1s"}"#, ": the key `limit` is missing"),
        (r#"{"limit":"x"}"#, "/limit: expected a whole number, found a string"),
        (r#"{"limit":0.5}"#, "/limit: expected a whole number, found a float"),
        (r#"{"limit":-1}"#, "/limit: expected a whole number that is higher"),
        (
            r#"{"limit":1,"window":30}"#,
            "/window: expected a duration such as `200ms`, `30s`, `1m` or `1h`, found an integer",
        ),
        (
            r#"{"limit":1,"window":"soon"}"#,
            "/window: `soon` is no duration, expected one such as `200ms`, `30s`, `1m` or `1h`",
        ),
        (r#"{"limit":1,"rules":{}}"#, "/rules: expected an array, found a table"),
        (r#"{"limit":1,"rules":[{"path":"/"},{"path":1}]}"#, "/rules/1/path: expected a string, found an integer"),
        (r#"{"limit":1,"rules":[{"path":"/","x":1}]}"#, "/rules/0/x: unknown key `x`: there are `path`"),
        (r#"{"limit":1,"rules":[["/"]]}"#, "/rules/0: expected a table, found an array"),
        (
            r#"{"limit":1,"by":{"a/b":"nobody"}}"#,
            "/by/a~1b: unknown value `nobody`: there are `client-address`, `header`, `both`",
        ),
        (
            r#"{"limit":1,"by":{"a":"client_address"}}"#,
            "/by/a: unknown value `client_address`: did you mean `client-address`?",
        ),
        (r#"{"limit":1,"by":{"a":{"header":1}}}"#, "/by/a/header: expected a string, found an integer"),
        (
            r#"{"limit":1,"by":{"a":{"both":{"x":1,"header":"y"}}}}"#,
            "/by/a/both/x: unknown key `x`: there are `header`",
        ),
        (r#"{"limit":1,"methods":["GET","G T"]}"#, "/methods/1: `G T`: invalid HTTP method"),
        (r#"{"limit":1,"header":"x y"}"#, "/header: `x y`: invalid HTTP header name"),
        ("[]", ": expected a table, found an array"),
    ];
    for (json, expected) in cases {
        assert_eq!(problem::<Config>(json), expected, "{json}");
    }
}

#[test]
fn unknown_keys_are_told_all_at_once_with_what_else_is_wrong() {
    let told = |json: &str| {
        let error = read::<Config>(json).expect_err("it does not fit");
        let problems = error.problems().iter().map(|problem| format!("{}: {}", problem.pointer, problem.message));
        problems.collect::<Vec<_>>()
    };
    assert_eq!(
        told(r#"{"widnow":"1s","rules":[{"path":"/","pahts":1}],"limit":"x"}"#),
        [
            "/widnow: unknown key `widnow`: did you mean `window`?",
            "/rules/0/pahts: unknown key `pahts`: there are `path`",
            "/limit: expected a whole number, found a string",
        ]
    );
    // A key that is misspelt is not told as missing too.
    assert_eq!(told(r#"{"limti":1}"#), ["/limti: unknown key `limti`: did you mean `limit`?"]);
    assert_eq!(told(r#"{"x":1}"#).len(), 2);
}

#[test]
fn every_form_of_an_enum_reads() {
    let json = r#"{"limit":1,"by":{"a":"client-address","b":{"header":"x"},"c":{"both":{"header":"y"}}}}"#;
    let config: Config = read(json).expect("it fits");
    let expected = [Choice::ClientAddress, Choice::Header("x".into()), Choice::Both { header: "y".into() }];
    assert!(config.by.into_values().eq(expected));
}

#[test]
fn an_entry_without_config_reads_into_unit_and_into_defaults() {
    #[derive(Debug, Deserialize)]
    struct Empty {}
    read::<()>("{}").expect("nothing fits nothing");
    read::<Empty>("{}").expect("nothing fits nothing");
    assert_eq!(problem::<()>(r#"{"a":1}"#), "/a: unknown key `a`");
}
