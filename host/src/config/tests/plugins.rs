//! Plugins and the chains that are made of them.

use insta::assert_snapshot;

use super::{ECHO, Files, config, problems};
use crate::config::{Config, Grant, Source};

/// The chains of all routes: the scope of each plugin, and what it is told.
fn chains(config: &Config) -> String {
    let mut chains = String::new();
    for route in &config.routes {
        let plugins = route.chain.iter().map(|&index| {
            let plugin = &config.plugins[index];
            format!("{} {}", plugin.scope, plugin.config.json())
        });
        chains += &format!("{}: {}\n", route.name, plugins.collect::<Vec<_>>().join(" -> "));
    }
    chains
}

#[test]
fn a_route_replaces_a_global_plugin_in_its_place() {
    let config = config(&format!(
        r#"{ECHO}
[gateway]
plugins = ["auth", {{ name = "quota", source = "rate-limit", config = {{ limit = 1 }} }}, "transform"]
[[plugin]]
name = "auth"
source = "key-auth"
[[route]]
name = "plain"
upstream = "echo"
[[route]]
name = "own"
upstream = "echo"
match.path = "/own"
plugins = ["circuit-breaker", {{ name = "quota", source = "rate-limit", config = {{ limit = 2 }} }}, "auth"]
"#
    ));
    assert_snapshot!(chains(&config), @r#"
    plain: auth {} -> quota {"limit":1} -> transform {}
    own: auth {} -> own/quota {"limit":2} -> transform {} -> circuit-breaker {}
    "#);
    assert_eq!(config.plugins.len(), 5, "each once: {:?}", config.plugins);
}

#[test]
fn an_entry_is_called_like_its_source() {
    let files = Files::new(&[(
        "gateway.toml",
        &format!(
            r#"{ECHO}
[[route]]
name = "r"
upstream = "echo"
plugins = ["rate-limit", {{ source = "key-auth" }}, {{ source = "./plugins/own.wasm", grants = ["state", "state"] }}]
"#
        ),
    )]);
    let config = files.load().expect("it is right");
    assert_snapshot!(chains(&config), @"r: rate-limit {} -> r/key-auth {} -> r/own {}");
    let [limit, auth, own] = &config.plugins[..] else { panic!("three: {:?}", config.plugins) };
    assert_eq!(limit.source, Source::Bundled("rate-limit".to_owned()));
    assert_eq!(auth.grants, None, "its manifest's");
    assert_eq!(own.source, Source::File(files.path().join("./plugins/own.wasm")));
    assert_eq!(own.grants, Some(vec![Grant::State]));
    assert_eq!((own.name.as_str(), own.source_place.line, own.source_place.column), ("own", 7, 62));
}

#[test]
fn a_plugin_of_a_file_has_no_grants_unless_it_is_given_some() {
    let config = config(&format!(
        "{ECHO}route = [{{ name = \"r\", upstream = \"echo\", plugins = [{{ source = \"/own.wasm\" }}] }}]"
    ));
    assert_eq!(config.plugins[0].grants, Some(vec![]));
}

#[test]
fn a_file_in_a_chain_and_an_entry_without_a_source_are_explained() {
    let plugins = r#"["greeter.wasm", "./greeter.wasm", { name = "k", config = {} }]"#;
    assert_snapshot!(problems(&format!("{ECHO}route = [{{ name = \"r\", upstream = \"echo\", plugins = {plugins} }}]")), @r#"
    gateway.toml:3:54: no plugin named `greeter.wasm` (route `r`)
      help: a file is written `{ source = "./greeter.wasm" }`
    gateway.toml:3:70: no plugin named `./greeter.wasm` (route `r`)
      help: a file is written `{ source = "./greeter.wasm" }`
    gateway.toml:3:88: the key `source` is missing (route `r`)
      help: a bundled plugin's name, or `./file.wasm`; what is defined as `[[plugin]]` is named without a table
    3 problems
    "#);
}

#[test]
fn sources_that_mean_nothing_are_problems() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
[[route]]
name = "r"
upstream = "echo"
plugins = [
    "rate-limt",
    "mystery",
    "./own.wasm",
    {{ source = "key-atuh" }},
    {{ source = "own.wasm" }},
    {{ source = "./own.so" }},
    {{ source = "oci://ghcr.io/x/y" }},
    {{ source = "./my own.wasm" }},
    {{ name = "x" }},
]
"#
    )), @r#"
    gateway.toml:8:5: no plugin named `rate-limt` (route `r`)
      help: did you mean `rate-limit`?
    gateway.toml:9:5: no plugin named `mystery` (route `r`)
      help: there are `key-auth`, `rate-limit`, `circuit-breaker`, `transform`
    gateway.toml:10:5: no plugin named `./own.wasm` (route `r`)
      help: a file is written `{ source = "./own.wasm" }`
    gateway.toml:11:16: no bundled plugin named `key-atuh` (route `r`)
      help: did you mean `key-auth`?
    gateway.toml:12:16: `own.wasm` is not a bundled plugin (route `r`)
      help: a path begins with `./`: `./own.wasm`
    gateway.toml:13:16: `./own.so` does not end with `.wasm` (route `r`)
    gateway.toml:14:16: `oci://ghcr.io/x/y`: sources over the network are not supported yet (route `r`)
      help: download it, and write its path: `./plugin.wasm`
    gateway.toml:15:16: `my own` cannot name a plugin
      help: a name has 1 to 128 letters, digits, `.`, `_` and `-`
    gateway.toml:16:5: the key `source` is missing (route `r`)
      help: a bundled plugin's name, or `./file.wasm`; what is defined as `[[plugin]]` is named without a table
    9 problems
    "#);
}

#[test]
fn a_plugin_that_identifies_is_never_skipped() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
[[plugin]]
name = "auth"
source = "key-auth"
grants = ["consumers", "identify"]
on-error = "skip"
[[route]]
name = "r"
upstream = "echo"
plugins = ["auth"]
"#
    )), @r"
    gateway.toml:8:12: plugin `auth` says who the caller is and may not be skipped
      help: leave `on-error` at `reject`, or take the grant `identify` away
    1 problem
    ");
}

#[test]
fn limits_fit_the_sandbox_and_each_other() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
route = [{{ name = "r", upstream = "echo" }}]
[gateway.sandbox]
memory = "32MiB"
[[plugin]]
source = "key-auth"
limits = {{ memory = "33MiB", deadline = "2s", instances = 0, max-body = "40MiB" }}
"#
    )), @r"
    gateway.toml:9:21: 33MiB of memory are more than the 32MiB of a slot (plugin `key-auth`)
      help: lower `limits.memory`, or raise `gateway.sandbox.memory`
    gateway.toml:9:41: a deadline of 2s is longer than `limits.wall`, 1s (plugin `key-auth`)
    gateway.toml:9:59: 0 is out of range: a number from 1 to 100000 is possible here (plugin `key-auth`)
    gateway.toml:9:73: a body of 40MiB does not fit into 33MiB of memory (plugin `key-auth`)
      help: lower `limits.max-body`, or raise `limits.memory`
    4 problems
    ");
}

#[test]
fn a_plugin_is_in_a_chain_once() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
gateway.plugins = ["transform", "transform"]
[[route]]
name = "r"
upstream = "echo"
plugins = ["rate-limit", {{ source = "rate-limit" }}]
"#
    )), @r"
    gateway.toml:4:33: the plugin is in this chain already
      help: give each its own `name`
    gateway.toml:8:26: the plugin is in this chain already (route `r`)
      help: give each its own `name`
    2 problems
    ");
}

#[test]
fn a_ratio_is_of_bodies_that_are_decoded() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
route = [{{ name = "r", upstream = "echo" }}]
[[plugin]]
source = "transform"
limits = {{ max-ratio = 10 }}
[[plugin]]
source = "key-auth"
decode = true
limits = {{ max-ratio = 0 }}
"#
    )), @r"
    gateway.toml:7:24: `max-ratio` is for bodies that are decoded, and these are not (plugin `transform`)
      help: add `decode = true` to the plugin, or leave it out
    gateway.toml:11:24: 0 is out of range: a number from 1 to 100000 is possible here (plugin `key-auth`)
    2 problems
    ");
}

#[test]
fn a_global_entry_shares_the_names_of_plugins() {
    assert_snapshot!(problems(&format!(
        r#"{ECHO}
gateway.plugins = [{{ name = "a", source = "transform" }}]
route = [{{ name = "r", upstream = "echo" }}]
[[plugin]]
name = "a"
source = "key-auth"
"#
    )), @r"
    gateway.toml:4:29: a second plugin is named `a`
      help: the first is at gateway.toml:7:8
    1 problem
    ");
}

#[test]
fn a_json_pointer_finds_its_place_in_the_file() {
    let config = config(
        r#"
[[plugin]]
source = "key-auth"
[plugin.config]
"a/b~c" = 1
list = [1, { x = 2020-01-01 }]
deep.down = true
[[plugin]]
name = "bare"
source = "key-auth"
[[route]]
name = "r"
upstream = "echo"
plugins = [{ source = "rate-limit", config = { quotas = [{ limit = 3 }] } }, "transform"]
[[listener]]
address = "127.0.0.1:0"
[[upstream]]
name = "echo"
endpoints = ["internal:echo"]
"#,
    );
    let at = |plugin: usize, pointer: &str| {
        let place = config.plugins[plugin].config.locate(pointer);
        (place.line, place.column)
    };
    assert_eq!(config.plugins[0].config.json(), r#"{"a/b~c":1,"deep":{"down":true},"list":[1,{"x":"2020-01-01"}]}"#);
    assert_eq!(at(0, ""), (4, 1));
    assert_eq!(at(0, "/a~1b~0c"), (5, 11));
    assert_eq!(at(0, "/list/1/x"), (6, 18));
    assert_eq!(at(0, "/list/7/x"), (6, 8), "the nearest that there is");
    assert_eq!(at(0, "/deep/down"), (7, 13));
    assert_eq!(at(0, "/nothing/here"), (4, 1));
    assert_eq!(at(0, "nonsense"), (4, 1));
    assert_eq!(at(1, "/key"), (8, 1), "not written: the entry");
    assert_eq!(at(2, "/quotas/0/limit"), (14, 68));
    assert_eq!(at(3, "/key"), (14, 78));
}
