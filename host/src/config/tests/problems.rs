//! One mistake at a time, and several at once, as `tollgate check` prints them.

use insta::assert_snapshot;

use super::{Files, also, problems};

#[test]
fn an_empty_config_lacks_a_listener_and_a_route() {
    assert_snapshot!(problems(""), @r"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    2 problems
    ");
}

#[test]
fn a_missing_file_is_one_problem() {
    assert_snapshot!(Files::new(&[]).problems(), @r"
    gateway.toml: cannot be read: No such file or directory (os error 2)
      help: name the configuration with `--config FILE` or `TOLLGATE_CONFIG`
    1 problem
    ");
}

#[test]
fn a_file_that_is_not_text_is_one_problem() {
    let files = Files::new(&[]);
    std::fs::write(files.path().join("gateway.toml"), b"a = \"\xff\"").expect("a file");
    assert_snapshot!(files.problems(), @r"
    gateway.toml: is not UTF-8 from byte 5 on
    1 problem
    ");
}

#[test]
fn what_is_not_toml_is_reported_line_by_line() {
    assert_snapshot!(problems("x = \ny = 3 4\n[gateway\nadmin = \"off\"\nadmin = \"off\"\n"), @r"
    gateway.toml:1:5: string values must be quoted, expected literal string
    gateway.toml:2:5: string values must be quoted, expected literal string
    gateway.toml:3:9: unclosed table, expected `]`
    3 problems
    ");
}

#[test]
fn a_key_that_comes_twice_is_a_problem() {
    assert_snapshot!(problems("[gateway]\nworkers = 1\nworkers = 2\n"), @r"
    gateway.toml:3:1: duplicate key
    1 problem
    ");
}

#[test]
fn endless_nesting_is_a_problem() {
    let deep = format!("x = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_snapshot!(problems(&deep).lines().next().unwrap_or_default(), @"gateway.toml:1:85: cannot recurse further; max recursion depth met");
    let keys = vec!["a"; 70].join(".");
    let dotted = format!("x = {}1{}", format!("{{ {keys} = ").repeat(70), "}".repeat(70));
    assert_snapshot!(problems(&dotted), @r"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:1:1: unknown key `x`
      help: the keys here are `include`, `gateway`, `listener`, `upstream`, `consumer`, `plugin`, `route`
    gateway.toml:1:133: more than 64 tables and arrays are inside each other
    4 problems
    ");
}

#[test]
fn unknown_keys_are_problems_wherever_they_stand() {
    assert_snapshot!(also("rout = []\ngateway = { log = { levle = \"info\", colour = true } }"), @r"
    gateway.toml:4:1: unknown key `rout`
      help: did you mean `route`?
    gateway.toml:5:21: unknown key `levle`
      help: did you mean `level`?
    gateway.toml:5:37: unknown key `colour`
      help: the keys here are `level`, `format`, `access`
    3 problems
    ");
}

#[test]
fn values_of_the_wrong_type_are_problems() {
    assert_snapshot!(also(r#"
gateway.workers = "four"
gateway.plugins = "key-auth"
gateway.trusted-proxies = [1, true]
gateway.log = { access = "yes", level = 3 }
consumer = { name = "a" }
plugin = [7, { source = 1.5 }]
"#), @r#"
    gateway.toml:5:19: expected an integer, found a string
    gateway.toml:6:19: expected an array, found a string
      help: an array of one has brackets: `[..]`
    gateway.toml:7:28: expected a string with a network, such as "10.0.0.0/8", found an integer
    gateway.toml:7:31: expected a string with a network, such as "10.0.0.0/8", found a boolean
    gateway.toml:8:26: expected `true` or `false`, found a string
    gateway.toml:8:41: expected a string, found an integer
    gateway.toml:9:12: expected an array of tables, found a table
      help: each begins with `[[consumer]]`
    gateway.toml:10:11: expected a table, found an integer
    gateway.toml:10:25: expected a string, found a float
    9 problems
    "#);
}

#[test]
fn numbers_out_of_range_are_problems() {
    assert_snapshot!(also(r#"
[gateway]
workers = -1
sandbox = { instances = 100000, memory = "4GiB" }
state = { max-entries = 0, max-bytes = "1B" }
limiter = { max-entries = 9223372036854775808 }
"#), @r"
    gateway.toml:6:11: -1 is out of range: a number from 0 to 1024 is possible here
    gateway.toml:7:11: 100000 instances of 4GiB are more than the 64TiB of addresses that can be reserved
    gateway.toml:8:25: 0 is out of range: a number from 1 to 1000000000 is possible here
    gateway.toml:8:40: a size of at least 1KiB is possible here
    gateway.toml:9:27: the integer does not fit into 64 bits
    5 problems
    ");
}

#[test]
fn words_that_are_not_known_come_with_those_that_are() {
    assert_snapshot!(also("gateway.log = { level = \"inof\", format = \"yaml\" }"), @r"
    gateway.toml:4:25: unknown value `inof`, expected one of `error`, `warn`, `info`, `debug`, `trace`
      help: did you mean `info`?
    gateway.toml:4:42: unknown value `yaml`, expected one of `auto`, `text`, `json`
    2 problems
    ");
}

#[test]
fn a_single_table_for_an_array_of_tables_is_explained() {
    assert_snapshot!(problems("[listener]\naddress = \"127.0.0.1:80\"\n[route]\nname = \"a\""), @r"
    gateway.toml: there is no `[[listener]]`
    gateway.toml: there is no `[[route]]`
    gateway.toml:1:1: expected an array of tables, found a table
      help: each begins with `[[listener]]`
    gateway.toml:3:1: expected an array of tables, found a table
      help: each begins with `[[route]]`
    4 problems
    ");
}

#[test]
fn a_misspelt_key_is_not_missing_too() {
    assert_snapshot!(problems(r#"
listener = [{ adress = "127.0.0.1:8080" }]
upstream = [{ name = "u", endpoint = ["internal:echo"] }]
route = [{ name = "r", upstrem = "u" }]
"#), @r"
    gateway.toml:2:15: unknown key `adress`
      help: did you mean `address`?
    gateway.toml:3:27: unknown key `endpoint` (upstream `u`)
      help: did you mean `endpoints`?
    gateway.toml:4:24: unknown key `upstrem` (route `r`)
      help: did you mean `upstream`?
    3 problems
    ");
}

#[test]
fn every_mistake_of_a_file_is_reported_at_once() {
    assert_snapshot!(problems(r#"
[gateway]
admn = "off"

[[listener]]
address = "0.0.0.0"

[[upstream]]
name = "billing"
endpoints = ["http://127.0.0.1:9001"]
timeout = { conect = "1s", response = "never" }

[[route]]
name = "invoices"
match = { path = "/invoices/**", method = ["GET"] }
plugins = ["ky-auth", { source = "rate-limit", confg = {} }]
upstream = "billng"
priority = "high"
"#), @r"
    gateway.toml:3:1: unknown key `admn`
      help: did you mean `admin`?
    gateway.toml:6:11: `0.0.0.0` is not an IP address with a port
      help: such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
    gateway.toml:11:13: unknown key `conect` (upstream `billing`)
      help: did you mean `connect`?
    gateway.toml:11:39: `never` is not a duration (upstream `billing`)
      help: a number and `us`, `ms`, `s`, `m`, `h` or `d`: `200ms`, `30s`
    gateway.toml:15:34: unknown key `method` (route `invoices`)
      help: did you mean `methods`?
    gateway.toml:16:12: no plugin named `ky-auth` (route `invoices`)
      help: did you mean `key-auth`?
    gateway.toml:16:48: unknown key `confg` (route `invoices`)
      help: did you mean `config`?
    gateway.toml:17:12: no upstream named `billng` (route `invoices`)
      help: did you mean `billing`?
    gateway.toml:18:12: expected an integer, found a string (route `invoices`)
    9 problems
    ");
}
