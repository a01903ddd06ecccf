//! Retries, limits, failover, splits and mirrors of upstreams.

use insta::assert_snapshot;

use super::{ECHO, config, problems};

/// What is wrong with a second upstream that says this.
fn upstream(text: &str) -> String {
    let second = format!(", {{ name = \"b\", endpoints = [\"internal:echo\"], {text} }}]");
    let (before, _) = ECHO.rsplit_once(']').expect("a list of upstreams");
    problems(&format!("{before}{second}\nroute = [{{ name = \"all\", upstream = \"echo\" }}]\n"))
}

/// What is wrong with a route that says this.
fn route(text: &str) -> String {
    problems(&format!("{ECHO}route = [{{ name = \"all\", {text} }}]\n"))
}

#[test]
fn what_a_retry_cannot_be() {
    assert_snapshot!(upstream(r#"retry = { attempts = 0, on = ["conect"], status = [302], budget = "120%", buffer = "1GiB" }"#), @r"
    gateway.toml:2:129: 0 is out of range: a number from 1 to 10 is possible here (upstream `b`)
    gateway.toml:2:138: unknown value `conect`, expected one of `connect`, `reset`, `timeout` (upstream `b`)
      help: did you mean `connect`?
    gateway.toml:2:159: 302 is out of range: a number from 400 to 599 is possible here (upstream `b`)
    gateway.toml:2:174: `120%` is not a percentage (upstream `b`)
      help: a number from 0.1 to 100 and `%`, with one decimal at most: `20%`
    gateway.toml:2:191: a size from 0B to 16MiB is possible here (upstream `b`)
    5 problems
    ");
    assert_snapshot!(upstream(r#"retry = { budget = 20, methods = ["get"] }"#), @r#"
    gateway.toml:2:127: expected a string with a percentage, such as "20%", found an integer (upstream `b`)
    gateway.toml:2:142: `get` is not a method: methods are in upper case (upstream `b`)
      help: write it as `GET`, `POST`
    2 problems
    "#);
}

#[test]
fn what_a_limit_cannot_be() {
    assert_snapshot!(upstream(r#"limit = { requests = 0, queue = -1 }"#), @r"
    gateway.toml:2:129: 0 is out of range: a number from 1 to 1000000 is possible here (upstream `b`)
    gateway.toml:2:140: -1 is out of range: a number from 0 to 1000000 is possible here (upstream `b`)
    2 problems
    ");
}

#[test]
fn who_cannot_stand_in() {
    assert_snapshot!(upstream(r#"failover = "b""#), @r"
    gateway.toml:2:119: an upstream cannot stand in for itself (upstream `b`)
    1 problem
    ");
    assert_snapshot!(upstream(r#"failover = "ecco""#), @r"
    gateway.toml:2:119: no upstream named `ecco` (upstream `b`)
      help: did you mean `echo`?
    1 problem
    ");
}

#[test]
fn how_a_route_cannot_be_split() {
    assert_snapshot!(route(r#"upstream = []"#), @r#"
    gateway.toml:3:37: no upstream has a share of the requests (route `all`)
      help: such as `upstream = [{ name = "a", weight = 9 }, { name = "b", weight = 1 }]`
    1 problem
    "#);
    assert_snapshot!(route(r#"upstream = [{ name = "echo", weight = 0 }]"#), @r#"
    gateway.toml:3:37: no upstream has a share of the requests (route `all`)
      help: such as `upstream = [{ name = "a", weight = 9 }, { name = "b", weight = 1 }]`
    1 problem
    "#);
    assert_snapshot!(route(r#"upstream = [{ name = "echo" }, { name = "echo", weight = 2 }]"#), @r"
    gateway.toml:3:66: `echo` is there already (route `all`)
    1 problem
    ");
    assert_snapshot!(route(r#"upstream = [{ name = "echo" }, { name = "ecco" }, { weight = 1 }]"#), @r"
    gateway.toml:3:66: no upstream named `ecco` (route `all`)
      help: did you mean `echo`?
    gateway.toml:3:76: the key `name` is missing (route `all`)
    2 problems
    ");
    assert_snapshot!(route(r#"upstream = 7"#), @r"
    gateway.toml:3:37: expected a name, or an array of tables with `name` and `weight`, found an integer (route `all`)
    1 problem
    ");
    assert_snapshot!(route(r#"upstream = ["echo"]"#), @r"
    gateway.toml:3:38: expected a table with `name`, `weight`, found a string (route `all`)
    1 problem
    ");
}

#[test]
fn what_cannot_be_mirrored() {
    assert_snapshot!(route(r#"upstream = "echo", mirror = { upstream = "ecco", percent = 0 }"#), @r"
    gateway.toml:3:67: no upstream named `ecco` (route `all`)
      help: did you mean `echo`?
    gateway.toml:3:85: 0 is out of range: a number from 1 to 100 is possible here (route `all`)
    2 problems
    ");
    assert_snapshot!(route(r#"respond = { status = 204 }, mirror = { upstream = "echo" }"#), @r"
    gateway.toml:3:63: `mirror` is for what goes to an upstream (route `all`)
    1 problem
    ");
}

#[test]
fn what_a_routes_timeout_cannot_be() {
    assert_snapshot!(route(r#"upstream = "echo", timeout = 7"#), @r#"
    gateway.toml:3:55: expected a string with a duration, such as "30s", found an integer (route `all`)
    1 problem
    "#);
    assert_snapshot!(route(r#"upstream = "echo", timeout = { response = "off", totl = "1s" }"#), @r"
    gateway.toml:3:68: `off` is not a duration (route `all`)
      help: a number and `us`, `ms`, `s`, `m`, `h` or `d`: `200ms`, `30s`
    gateway.toml:3:75: unknown key `totl` (route `all`)
      help: did you mean `total`?
    2 problems
    ");
}

#[test]
fn a_timeout_alone_is_that_of_the_response() {
    let timeout = |text: &str| {
        config(&format!("{ECHO}route = [{{ name = \"all\", upstream = \"echo\", timeout = {text} }}]\n")).routes[0]
            .timeout
    };
    assert_eq!(timeout(r#""2s""#), timeout(r#"{ response = "2s" }"#));
    let off = timeout(r#"{ idle = "off", total = "3s" }"#);
    assert_eq!((off.response, off.idle, off.total.flatten().map(|total| total.as_secs())), (None, Some(None), Some(3)));
}
