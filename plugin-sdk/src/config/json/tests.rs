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
        (
            r#"{"limit":1,"burts":2}"#,
            "/burts: unknown field `burts`, expected one of `limit`, `window`, `rules`, `by`, `methods`, `header`",
        ),
        (r#"{"window":"1s"}"#, ": missing field `limit`"),
        (r#"{"limit":"x"}"#, "/limit: invalid type: string `x`, expected u64"),
        (r#"{"limit":-1}"#, "/limit: invalid value: integer `-1`, expected u64"),
        (
            r#"{"limit":1,"window":30}"#,
            "/window: invalid type: integer `30`, expected a duration such as `200ms`, `30s`, `1m` or `1h`",
        ),
        (
            r#"{"limit":1,"window":"soon"}"#,
            "/window: `soon` is no duration, expected one such as `200ms`, `30s`, `1m` or `1h`",
        ),
        (
            r#"{"limit":1,"rules":[{"path":"/"},{"path":1}]}"#,
            "/rules/1/path: invalid type: integer `1`, expected a string",
        ),
        (r#"{"limit":1,"rules":[{"path":"/","x":1}]}"#, "/rules/0/x: unknown field `x`, expected `path`"),
        (r#"{"limit":1,"rules":[["/"]]}"#, "/rules/0: invalid type: an array, expected struct Rule"),
        (
            r#"{"limit":1,"by":{"a/b":"nobody"}}"#,
            "/by/a~1b: unknown variant `nobody`, expected one of `client-address`, `header`, `both`",
        ),
        (r#"{"limit":1,"by":{"a":{"header":1}}}"#, "/by/a/header: invalid type: integer `1`, expected a string"),
        (r#"{"limit":1,"by":{"a":{"both":{"x":1}}}}"#, "/by/a/both/x: unknown field `x`, expected `header`"),
        (r#"{"limit":1,"methods":["GET","G T"]}"#, "/methods/1: `G T`: invalid HTTP method"),
        (r#"{"limit":1,"header":"x y"}"#, "/header: `x y`: invalid HTTP header name"),
        ("[]", ": invalid type: an array, expected struct Config"),
    ];
    for (json, expected) in cases {
        assert_eq!(problem::<Config>(json), expected, "{json}");
    }
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
    assert_eq!(problem::<()>(r#"{"a":1}"#), "/a: unknown field `a`, there are no fields");
}
