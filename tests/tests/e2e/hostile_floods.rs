//! Plugins that write too much: to the log, to the state, to any import.

use crate::gateway;
use crate::guests::{ask, faults, plugin, resident, routes};
use crate::hostile::hostile;

/// What one plugin says, by the lines of the log.
fn lines(gateway: &tests::Gateway) -> Vec<String> {
    let lines = gateway.log().into_iter().filter(|line| line["target"] == "plugin");
    lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_a_plugin_prints_becomes_lines_of_the_log() {
    let gateway = hostile("");
    assert_eq!(ask(&gateway, "x-do", "print").text(), "done");
    gateway.wait_for_log("a line without an end");
    assert_eq!(lines(&gateway), ["a whole line", "a line for errors", "a line without an end"]);
}

#[test]
fn a_line_of_a_plugin_says_who_wrote_it_and_for_which_request() {
    let source = crate::guests::guest("hostile");
    let inline = format!("{{ name = \"own\", source = \"{}\", grants = [\"state\", \"limiter\"] }}", source.display());
    let gateway = crate::gateway_to("internal:echo", &format!("plugins = [{inline}]"));
    let answer = ask(&gateway, "x-do", "print");
    let line = gateway.wait_for_log("a whole line");
    let name = "everything/own";
    assert_eq!((line["plugin"].as_str(), line["hook"].as_str()), (Some(name), Some("on-request")));
    assert_eq!((line["route"].as_str(), line["id"].as_str()), (Some("everything"), answer.header("x-request-id")));
    // Every view has the same name for it.
    assert!(gateway.wait_for_access("/evil/x")["plugins"][name].is_number());
    assert!(gateway.metric(&format!("tollgate_plugin_instances{{plugin=\"{name}\"}}")) > 0.0);
}

#[test]
fn a_flood_of_lines_is_cut_and_counted() {
    for deed in ["print-flood", "log-flood"] {
        let gateway = hostile("limits = { deadline = \"1s\" }");
        assert_eq!(ask(&gateway, "x-do", deed).status, 200);
        gateway.wait_for_log("1936 lines of one call were dropped");
        assert_eq!(lines(&gateway).len(), 65, "{deed}");
    }
}

#[test]
fn an_endless_line_is_cut() {
    let gateway = hostile("limits = { deadline = \"1s\" }");
    assert_eq!(ask(&gateway, "x-do", "print-endless").status, 200);
    gateway.wait_for_log("xxx");
    assert_eq!(lines(&gateway).iter().map(String::len).collect::<Vec<_>>(), [4096]);
}

#[test]
fn a_line_of_a_plugin_is_one_line_of_the_log() {
    let gateway = hostile("");
    assert_eq!(ask(&gateway, "x-do", "log-forged").status, 200);
    gateway.wait_for_log("two");
    assert_eq!(lines(&gateway), ["one\n{\"type\":\"access\"}\r\n\u{1b}[2Jtwo"]);
    assert!(gateway.log().iter().all(|line| line["type"] == "log"));
}

#[test]
fn a_plugin_sees_nothing_of_the_machine() {
    assert_eq!(
        ask(&hostile(""), "x-do", "look-around").text(),
        "variables 0 arguments 0 passwords false folder false written false input 0 threads false"
    );
}

#[test]
fn floods_of_state_stay_within_the_bounds_of_the_config() {
    let plugin = plugin(
        "hostile",
        "hostile",
        "grants = [\"state\", \"limiter\"]\nlimits = { deadline = \"30s\", wall = \"30s\" }",
    );
    let bounds = "[gateway]\nworkers = 1\nstate = { max-bytes = \"1MiB\", max-entries = 1000 }\nlimiter = { max-entries = 1000 }\n";
    let gateway = gateway(&format!("{bounds}{plugin}{}", routes(&[("evil", &["hostile"])])));
    assert_eq!(ask(&gateway, "x-fine", "").status, 200);
    let before = resident(&gateway);
    for deed in ["state-flood", "state-keys", "limiter-keys"] {
        assert_eq!(ask(&gateway, "x-do", deed).text(), "done", "{deed}");
    }
    let after = resident(&gateway);
    assert!(after < before + 16, "{before} MiB, then {after} MiB");
    assert_eq!(ask(&gateway, "x-do", "state-value").problem(), "plugin-fault");
    gateway.wait_for_log("a value of 65537 bytes; at most 65536 are allowed");
}

/// Every import of the guest `bare` that takes something of any size.
const IMPORTS: [&str; 29] = [
    "set-method",
    "set-path",
    "set-query",
    "header",
    "set-header name",
    "set-header value",
    "append-header name",
    "append-header value",
    "remove-header",
    "param",
    "steer",
    "note",
    "set-note key",
    "set-note value",
    "own-header",
    "get",
    "set key",
    "set value",
    "delete",
    "add",
    "compare-and-swap",
    "acquire key",
    "acquire quotas",
    "find",
    "verify",
    "groups",
    "identify",
    "authenticate",
    "authenticate-header",
];

/// A gateway with the guest `bare`, which has the time and the memory to make huge things.
fn bare() -> tests::Gateway {
    let more = "grants = [\"state\", \"limiter\", \"consumers\", \"identify\"]\nlimits = { memory = \"64MiB\", deadline = \"5s\", wall = \"10s\" }";
    gateway(&format!("{}{}", plugin("bare", "bare", more), routes(&[("evil", &["bare"])])))
}

#[test]
fn no_import_takes_16_mib() {
    let gateway = bare();
    for (count, import) in IMPORTS.iter().chain(&["log"]).enumerate() {
        let answer = ask(&gateway, "x-ask", &format!("16 MiB {import}"));
        assert_eq!(answer.status, 500, "{import}: {}", answer.text());
        assert_eq!(faults(&gateway, "bare", "trap"), (count + 1) as f64, "{import}");
    }
    assert_eq!(ask(&gateway, "x-fine", "").status, 200);
}

#[test]
fn no_import_keeps_or_knows_4_mib() {
    let gateway = bare();
    let feed_all = || {
        for import in IMPORTS {
            let answer = ask(&gateway, "x-ask", &format!("4 MiB {import}"));
            let refused =
                ["None", "[]", "false"].contains(&answer.text().as_str()) || answer.text().starts_with("Err(");
            assert!(answer.status == 500 || refused, "{import}: {}", answer.text());
        }
    };
    // What the allocator keeps for the next time it keeps once. One import that keeps 4 MiB would add 16.
    feed_all();
    let before = resident(&gateway);
    (0..4).for_each(|_| feed_all());
    let after = resident(&gateway);
    assert!(after < before + 14, "{before} MiB, then {after} MiB");
    assert_eq!(ask(&gateway, "x-fine", "").status, 200);
}
