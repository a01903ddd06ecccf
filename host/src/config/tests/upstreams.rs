//! Balancers, and which endpoints are in service.

use std::time::Duration;

use insta::assert_snapshot;

use super::{config, problems};
use crate::config::{Balancer, Ejection, HashKey, HealthQuestion, Upstream};

/// The rest of a config around the keys of an upstream, which begin at line 2.
fn around(keys: &str) -> String {
    format!(
        "[[upstream]]\n{keys}\nname = \"echo\"\nendpoints = [\"internal:echo\"]\n\
         [[listener]]\naddress = \"127.0.0.1:8080\"\n[[route]]\nname = \"all\"\nupstream = \"echo\"\n"
    )
}

fn upstream(keys: &str) -> Upstream {
    config(&around(keys)).upstreams.remove(0)
}

#[test]
fn nothing_said_is_turns_cautious_ejection_and_no_probes() {
    let upstream = upstream("");
    assert_eq!(
        (upstream.balancer, upstream.health, upstream.slow_start, upstream.panic_threshold),
        (Balancer::RoundRobin, None, None, 0)
    );
    let expected = Ejection {
        failures: Some(5),
        statuses: Vec::new(),
        time: Duration::from_secs(1),
        longest: Duration::from_secs(30),
        most: 500,
    };
    assert_eq!(upstream.ejection, expected);
}

#[test]
fn each_balancer_has_its_table() {
    let balancer = |keys: &str| upstream(keys).balancer;
    let header = balancer("balancer = \"consistent-hash\"\nhash = { header = \"X-User\" }");
    assert_eq!(header, Balancer::ConsistentHash(HashKey::Header(http::HeaderName::from_static("x-user"))));
    let Balancer::Sticky(cookie) = balancer("balancer = \"sticky\"") else { panic!("it is sticky") };
    assert_eq!((cookie.name.as_str(), cookie.secret, cookie.max_age), ("tollgate-endpoint", None, None));
    let Balancer::Sticky(cookie) = balancer("balancer = \"sticky\"\nsticky = { secret = \"0123456789abcdef\" }") else {
        panic!("it is sticky")
    };
    assert!(!format!("{cookie:?}").contains("0123456789"));
}

#[test]
fn tables_of_other_balancers_and_ambiguous_ones_are_problems() {
    assert_snapshot!(problems(&around("hash = { header = \"x-user\" }\nsticky = {}")), @r#"
    gateway.toml:2:8: `hash` is for another balancer (upstream `echo`)
      help: it is heeded with `balancer = "consistent-hash"`
    gateway.toml:3:10: `sticky` is for another balancer (upstream `echo`)
      help: it is heeded with `balancer = "sticky"`
    2 problems
    "#);
    assert_snapshot!(problems(&around("balancer = \"consistent-hash\"")), @r#"
    gateway.toml:2:12: `consistent-hash` needs to know what to hash (upstream `echo`)
      help: one of `header`, `cookie` and `client-address = true`: `hash = { header = "x-user" }`
    1 problem
    "#);
    assert_snapshot!(problems(&around("balancer = \"consistent-hash\"\nhash = { header = \"x-user\", cookie = \"a\" }")), @r#"
    gateway.toml:3:8: one thing is hashed, not none and not several (upstream `echo`)
      help: one of `header`, `cookie` and `client-address = true`: `hash = { header = "x-user" }`
    1 problem
    "#);
    assert_snapshot!(problems(&around("balancer = \"consistent-hash\"\nhash = { header = \"x user\" }")), @r"
    gateway.toml:3:19: `x user` is no name of a header (upstream `echo`)
    1 problem
    ");
    assert_snapshot!(problems(&around("balancer = \"sticky\"\nsticky = { cookie = \"a;b\", secret = \"${env:KEY}\" }")), @r"
    gateway.toml:3:21: `a;b` is no name of a cookie (upstream `echo`)
    gateway.toml:3:37: the secret has less than 16 bytes (upstream `echo`)
      help: such as what `openssl rand -hex 32` says, put in by `${env:..}` or `${file:..}`
    2 problems
    ");
    assert_snapshot!(problems(&around("balancer = \"ring\"")), @r"
    gateway.toml:2:12: unknown value `ring`, expected one of `round-robin`, `least-requests`, `consistent-hash`, `sticky` (upstream `echo`)
    1 problem
    ");
}

#[test]
fn probes_ask_for_a_path_or_a_connection() {
    let health = |keys: &str| upstream(&format!("health = {{ {keys} }}")).health.expect("probes");
    assert_eq!(health("tcp = true").question, HealthQuestion::Tcp);
    let HealthQuestion::Http { path, statuses, .. } = health("path = \"/up?deep=1\", status = [200, 204]").question
    else {
        panic!("it asks for a path")
    };
    assert_eq!((path.as_str(), statuses.len()), ("/up?deep=1", 2));
    for ambiguous in ["interval = \"1s\"", "path = \"/up\", tcp = true"] {
        let problems = problems(&around(&format!("health = {{ {ambiguous} }}")));
        assert!(
            problems.starts_with("gateway.toml:2:10: endpoints are asked by `path` or by `tcp` (upstream `echo`)"),
            "{problems}"
        );
    }
    assert_snapshot!(problems(&around("health = { path = \"up\", host = \"a b\" }")), @r"
    gateway.toml:2:19: `up` is no path (upstream `echo`)
      help: such as `/healthz`
    gateway.toml:2:32: `a b` is no host (upstream `echo`)
    2 problems
    ");
    assert_snapshot!(problems(&around("health = { tcp = true, status = [200] }")), @r#"
    gateway.toml:2:33: a connection has no host and no status (upstream `echo`)
      help: `path = "/healthz"` in place of `tcp`
    1 problem
    "#);
}

#[test]
fn numbers_out_of_their_range_are_problems() {
    let keys = "panic-threshold = \"0%\"\nejection = { failures = 0, most = \"120%\", status = [200] }";
    assert_snapshot!(problems(&around(keys)), @r"
    gateway.toml:2:19: `0%` is not a percentage (upstream `echo`)
      help: a number from 0.1 to 100 and `%`, with one decimal at most: `20%`
    gateway.toml:3:25: 0 is out of range: a number from 1 to 100000 is possible here (upstream `echo`)
    gateway.toml:3:35: `120%` is not a percentage (upstream `echo`)
      help: a number from 0.1 to 100 and `%`, with one decimal at most: `20%`
    gateway.toml:3:53: 200 is out of range: a number from 400 to 599 is possible here (upstream `echo`)
    4 problems
    ");
}
