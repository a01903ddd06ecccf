//! `isolation = "request"`: instances that are copies of one that ran `configure`, and those that cannot be.

use std::collections::HashSet;
use std::path::Path;

use tests::{Folder, Gateway, Ran, Request, Response, wait_for};

use crate::guests::{ask, faults, instances, plugin, routes};
use crate::hostile::hostile;
use crate::{builder, gateway, tollgate};

/// A table with a fresh instance for each request; `config` is of its inline table.
fn table(config: &str) -> String {
    let keys = format!("isolation = \"request\"\nconfig = {{ {config} }}");
    plugin("table", "table", &keys) + &routes(&[("table", &["table"])])
}

fn look_up(gateway: &Gateway, key: &str) -> Response {
    gateway.send(Request::get("/table/x").header("x-key", key))
}

fn check(config: &str) -> Ran {
    let config = table(config) + "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    tollgate(&config, &["check", "--config", "gateway.toml"])
}

/// The seeds of a hash map of the request, and of the one that `configure` made.
fn seeds(gateway: &Gateway) -> (String, String) {
    let seen = gateway.send(Request::get("/table/x").header("x-ask", "seed")).json();
    let seed = |name: &str| seen["headers"][name].as_str().expect("the guest says it").to_owned();
    (seed("x-seed"), seed("x-seed-of-table"))
}

/// Why `configure` runs for every request, if the log said so.
fn warning(gateway: &Gateway) -> Option<String> {
    let lines = gateway.log().into_iter().filter_map(|line| Some(line["message"].as_str()?.to_owned()));
    lines.into_iter().find(|message| message.contains("`configure` runs again"))
}

const COPIED: &str = "entries = { a = \"one\" }";
const UNFIT: &str = "clock = true, entries = { a = \"one\" }";

#[test]
fn a_fresh_instance_is_configured_with_and_without_a_snapshot() {
    for config in [COPIED, UNFIT] {
        let gateway = gateway(&table(config));
        for _ in 0..3 {
            assert_eq!(look_up(&gateway, "a").json()["headers"]["x-value"], "one", "{config}");
            assert!(look_up(&gateway, "b").json()["headers"]["x-value"].is_null(), "{config}");
        }
        assert_eq!(warning(&gateway).is_some(), config == UNFIT, "{config}");
        wait_for("the instances to end", || (instances(&gateway, "table") == 0.0).then_some(()));
    }
}

#[test]
fn check_warns_of_a_plugin_that_no_snapshot_can_be_made_of() {
    for (config, culprit) in
        [("clock = true", "wasi:clocks/monotonic-clock.now"), ("print = true", "wasi:cli/stdout.get-stdout")]
    {
        let ran = check(config);
        let warning = format!(
            "gateway.toml:1:1: warning: plugin `table`: `configure` runs again for every request, because it calls \
             `{culprit}` there, which a snapshot cannot keep\n"
        );
        assert_eq!((ran.code, ran.stderr), (Some(0), warning));
        assert!(ran.stdout.contains("no problems"), "{}", ran.stdout);
    }
    let ran = check(COPIED);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_log_warns_of_it_too() {
    let gateway = gateway(&table("print = true"));
    let line = gateway.wait_for_log("`configure` runs again for every request");
    assert_eq!(line["level"], "warn");
}

#[test]
fn what_configure_declared_holds_for_copies_of_the_instance() {
    let keys = "isolation = \"request\"\ngrants = [\"state\"]\nconfig = { mark = \"w\", owns = \"x-owned\" }";
    let gateway = gateway(&(plugin("w", "witness", keys) + &routes(&[("with", &["w"]), ("without", &[])])));
    let owned =
        |path| gateway.send(Request::get(path).header("x-owned", "forged")).json()["headers"]["x-owned"].clone();
    assert_eq!(owned("/with/x"), "w");
    assert!(owned("/without/x").is_null());
    assert_eq!(warning(&gateway), None);
}

#[test]
fn a_copy_can_print_and_draw_random_numbers_in_a_hook() {
    let gateway = gateway(&table(COPIED));
    seeds(&gateway);
    gateway.wait_for_log("a line from a hook");
    seeds(&gateway);
    assert_eq!(faults(&gateway, "table", "trap"), 0.0);
}

#[test]
fn an_exchange_that_faults_leaves_nothing_to_the_next() {
    let gateway = hostile("isolation = \"request\"\nlimits = { memory = \"2MiB\", deadline = \"100ms\" }");
    assert_eq!(warning(&gateway), None);
    for (deed, kind) in [("trap", "trap"), ("panic", "trap"), ("memory", "memory"), ("loop", "deadline")] {
        assert_eq!(ask(&gateway, "x-do", deed).status, 500, "{deed}");
        assert!(faults(&gateway, "hostile", kind) >= 1.0, "{deed}");
        let next = gateway.get("/evil/x").json();
        assert_eq!(next["headers"]["x-calls"], "1", "{deed}");
    }
    wait_for("the instances to end", || (instances(&gateway, "hostile") == 0.0).then_some(()));
}

#[test]
fn a_changed_configuration_gets_another_snapshot_and_the_same_one_keeps_its_own() {
    let gateway = gateway(&table(COPIED));
    let before = seeds(&gateway).1;
    gateway.edit(&(table(COPIED) + "[[consumer]]\nname = \"somebody\"\n"));
    wait_for("the second config", || (gateway.metric("tollgate_config_generation") == 2.0).then_some(()));
    assert_eq!(seeds(&gateway).1, before);
    gateway.edit(&table("entries = { a = \"two\" }"));
    wait_for("the third config", || (gateway.metric("tollgate_config_generation") == 3.0).then_some(()));
    assert_eq!(look_up(&gateway, "a").json()["headers"]["x-value"], "two");
    assert_ne!(seeds(&gateway).1, before);
}

#[test]
fn hash_seeds_that_configure_drew_are_those_of_one_snapshot() {
    let (one, other) = (gateway(&table(COPIED)), gateway(&table(COPIED)));
    let (of_one, again, of_other) = (seeds(&one), seeds(&one), seeds(&other));
    assert_eq!(of_one, again);
    assert_ne!(of_one.1, of_other.1);
    let apart = gateway(&table(UNFIT));
    assert_ne!(seeds(&apart).1, seeds(&apart).1);
}

/// Files of a compile cache, without those that say when an entry was used.
fn cached(folder: &Path) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("it can be read").filter_map(Result::ok) {
            let path = entry.path();
            let name = path.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if !name.contains(".stats") && !name.contains(".wip") {
                found.insert(name);
            }
        }
    }
    found
}

/// The cache compresses, so a secret could not be found in it. What depends on one would be another file.
#[test]
fn nothing_that_depends_on_the_configuration_is_cached() {
    let cache = Folder::new();
    std::fs::set_permissions(cache.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it is ours");
    let path = cache.path().to_str().expect("text");
    let run = |secret: &str| {
        let config = table(&format!("entries = {{ a = \"{secret}\" }}"));
        let gateway = builder(&config).variable("TOLLGATE_CACHE_DIR", path).start();
        assert_eq!(look_up(&gateway, "a").json()["headers"]["x-value"], secret);
        assert_eq!(warning(&gateway), None);
        cached(cache.path())
    };
    let first = run("the first secret");
    assert!(!first.is_empty());
    assert_eq!(run("another secret"), first);
}
