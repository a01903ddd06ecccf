//! Plugins that do not load: `tollgate check` says which, where, why, and what would be right.

use tests::Folder;

use crate::guests::{component, plugin, routes};
use crate::{BINARY, settled};

/// The problems of a folder whose `gateway.toml` has these entries; one route runs all `plugins`.
fn problems(folder: &Folder, entries: &str, plugins: &[&str]) -> String {
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    folder.write("gateway.toml", format!("{entries}{}{listener}", routes(&[("x", plugins)])));
    let ran = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(78), ""), "{}", ran.stderr);
    ran.stderr
}

#[test]
fn what_is_no_plugin_is_refused_with_what_it_is() {
    let folder = Folder::new();
    let components = [
        ("core-module", "(module)"),
        ("empty", "(component)"),
        ("no-hook", NO_HOOK),
        ("other-version", r#"(component (import "tollgate:plugin/log@0.2.0" (instance)))"#),
        ("unknown-import", r#"(component (import "wasi:sockets/tcp@0.2.0" (instance)))"#),
        ("unknown-capability", r#"(component (import "tollgate:plugin/consumer-secrets@0.1.0" (instance)))"#),
        ("unknown-hook", r#"(component (instance $none) (export "tollgate:plugin/on-dream@0.1.0" (instance $none)))"#),
        ("other-type", OTHER_TYPE),
    ];
    for (name, text) in components {
        folder.write(&format!("{name}.wasm"), wat::parse_str(text).expect("it is good text"));
    }
    folder.write("slow.wasm", wat::parse_str(slow_to_compile(600_000)).expect("it is good text"));
    folder.write("text.wasm", "not WebAssembly");
    folder.write("cut.wasm", &component("witness")[..10_000]);
    std::fs::create_dir(folder.path().join("folder.wasm")).expect("it is our folder");
    let names = components.map(|(name, _)| name).into_iter().chain(["text", "cut", "folder", "missing", "slow"]);
    let entries: String = names.map(|name| format!("[[plugin]]\nsource = \"./{name}.wasm\"\n")).collect();
    let _settled = settled();
    insta::assert_snapshot!(problems(&folder, &entries, &[]), @r"
    gateway.toml:2:10: plugin `core-module`: this is a core module, not a component: build it with `--target wasm32-wasip2`
    gateway.toml:4:10: plugin `empty`: this is not a plugin: the component exports no `tollgate:plugin/configure@0.1.0`
    gateway.toml:6:10: plugin `no-hook`: the component exports no hook of a request: one of `on-request`, `on-request-body`, `on-request-chunk`, `on-response`, `on-response-body`, `on-response-chunk`, `on-log`
    gateway.toml:8:10: plugin `other-version`: the component was built against version 0.2.0 of tollgate:plugin, this gateway speaks 0.1.0
    gateway.toml:10:10: plugin `unknown-import`: the component imports `wasi:sockets/tcp@0.2.0`, which this gateway does not provide; there are `tollgate:plugin` and wasi:cli, wasi:clocks, wasi:filesystem, wasi:http, wasi:io, wasi:random
    gateway.toml:12:10: plugin `unknown-capability`: the component imports `tollgate:plugin/consumer-secrets@0.1.0`, which this gateway does not provide; there are `tollgate:plugin` and wasi:cli, wasi:clocks, wasi:filesystem, wasi:http, wasi:io, wasi:random
    gateway.toml:14:10: plugin `unknown-hook`: the component exports `on-dream`, which this gateway does not know
    gateway.toml:16:10: plugin `other-type`: an import or export has another type than the contract says: failed to convert function to given type: type mismatch with parameters: expected 1-tuple, found 0-tuple
    gateway.toml:18:10: plugin `text`: this is not a WebAssembly component
    gateway.toml:20:10: plugin `cut`: the component does not compile: failed to parse WebAssembly module: wasm component contains an invalid module section: section range [range] is out of bounds (bound = 10000)
    gateway.toml:22:10: plugin `folder`: cannot read `./folder.wasm`: it is not a regular file
    gateway.toml:24:10: plugin `missing`: cannot read `./missing.wasm`: No such file or directory (os error 2)
    gateway.toml:26:10: plugin `slow`: the component would take too long to compile: its largest function has 600000 bytes and variables
    13 problems
    ");
}

/// Compiling it takes time with the square of the size of its function.
pub fn slow_to_compile(bytes: usize) -> String {
    let step = "(block (br_if 0 (local.get 0)) (local.set 0 (i32.load (local.get 0))))";
    let steps = step.repeat(bytes / 14);
    format!("(component (core module (memory 1) (func (param i32) {steps})))")
}

/// Takes its configuration, and has nothing to do.
const NO_HOOK: &str = r#"(component
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (instance $configure (export "configure" (func $f)))
    (export "tollgate:plugin/configure@0.1.0" (instance $configure)))"#;

/// Has hooks that take and answer nothing.
const OTHER_TYPE: &str = r#"(component
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $f (canon lift (core func $i "f")))
    (instance $configure (export "configure" (func $f)))
    (instance $on-log (export "on-log" (func $f)))
    (export "tollgate:plugin/configure@0.1.0" (instance $configure))
    (export "tollgate:plugin/on-log@0.1.0" (instance $on-log)))"#;

#[test]
fn an_import_without_a_grant_names_the_grant_to_add() {
    let folder = Folder::new();
    folder.write("bare.wasm", component("bare"));
    let entries = "[[plugin]]\nname = \"none\"\nsource = \"./bare.wasm\"\n\
                   [[plugin]]\nname = \"some\"\nsource = \"./bare.wasm\"\ngrants = [\"consumers\", \"identify\", \"state\"]\n";
    insta::assert_snapshot!(problems(&folder, entries, &["none", "some"]), @r#"
    gateway.toml:1:1: plugin `none`: the component imports `state`, `limiter`, `consumers`, `identity`, which the configuration does not grant
      help: add "state", "limiter", "consumers", "identify" to its `grants`
    gateway.toml:7:10: plugin `some`: the component imports `limiter`, which the configuration does not grant
      help: add "limiter" to its `grants`
    2 problems
    "#);
}

#[test]
fn a_config_that_the_plugin_refuses_is_told_at_its_place() {
    let folder = Folder::new();
    for name in ["bare", "hostile"] {
        folder.write(&format!("{name}.wasm"), component(name));
    }
    let entries = r#"
[[plugin]]
source = "./bare.wasm"
grants = ["state", "limiter", "consumers", "identify"]
config = { a = 1, deep = { b = 2, wrong = 3 } }

[[plugin]]
source = "./hostile.wasm"
grants = ["state", "limiter"]

[plugin.config]
do = "trap"
at = "reqest"
"#;
    insta::assert_snapshot!(problems(&folder, entries, &["bare", "hostile"]), @r"
    gateway.toml:5:10: plugin `bare`: and this is missing
    gateway.toml:5:43: plugin `bare`: this is wrong
    gateway.toml:13:6: plugin `hostile`: unknown value `reqest`: did you mean `request`?
    3 problems
    ");
}

#[test]
fn a_secret_in_a_refused_config_is_not_shown() {
    let folder = Folder::new();
    folder.write("secret", "swordfish\n");
    let entries = plugin(
        "hostile",
        "hostile",
        "grants = [\"state\", \"limiter\"]\nconfig = { do = \"${file:secret}\", at = \"configure\" }",
    );
    let told = problems(&folder, &entries, &["hostile"]);
    assert!(told.contains("does not know how to do") && !told.contains("swordfish"), "{told}");
}

#[test]
fn a_plugin_that_misbehaves_in_configure_is_refused() {
    let told = |deed: &str, limits: &str| {
        let more = format!(
            "grants = [\"state\", \"limiter\"]\nconfig = {{ do = \"{deed}\", at = \"configure\" }}\nlimits = {{ {limits} }}"
        );
        problems(&Folder::new(), &plugin("hostile", "hostile", &more), &["hostile"])
    };
    for (deed, why) in [
        ("trap", "plugin `hostile`: `configure` failed: trapped: "),
        ("error", "plugin `hostile`: failed as it was told"),
        ("loop", "plugin `hostile`: `configure` failed: passed its deadline: ran for more than 50ms of CPU time"),
        ("own authorization", "`authorization` is for clients to say and cannot be owned"),
        ("own content-length", "`content-length` belongs to the gateway and cannot be owned"),
        ("sleep", "tried to sleep or wait"),
        ("state-value", "`state` cannot be used inside `configure`"),
        ("limiter-keys", "`limiter` cannot be used inside `configure`"),
    ] {
        let told = told(deed, "");
        assert!(told.starts_with("gateway.toml:") && told.contains(why) && told.ends_with("1 problem\n"), "{told}");
    }
    let told = told("memory", "memory = \"2MiB\", deadline = \"1s\"");
    assert!(told.contains("`configure` failed: wanted more memory than its limit of 2097152 bytes"), "{told}");
}

#[test]
fn a_component_that_needs_more_memory_than_its_limit_is_refused() {
    let folder = Folder::new();
    folder.write("witness.wasm", component("witness"));
    let entries = "[[plugin]]\nsource = \"./witness.wasm\"\ngrants = [\"state\"]\nconfig = { mark = \"a\" }\nlimits = { memory = \"1MiB\" }\n";
    insta::assert_snapshot!(problems(&folder, entries, &["witness"]), @r"
    gateway.toml:2:10: plugin `witness`: the component cannot be started: memory minimum size of 17 pages exceeds memory limits
    1 problem
    ");
}

#[test]
fn a_plugin_that_may_say_who_calls_cannot_be_skipped() {
    let folder = Folder::new();
    folder.write("bare.wasm", component("bare"));
    let entries = "[[plugin]]\nsource = \"./bare.wasm\"\ngrants = [\"state\", \"limiter\", \"consumers\", \"identify\"]\non-error = \"skip\"\n";
    insta::assert_snapshot!(problems(&folder, entries, &["bare"]), @r"
    gateway.toml:4:12: plugin `bare` says who the caller is and may not be skipped
      help: leave `on-error` at `reject`, or take the grant `identify` away
    1 problem
    ");
}

#[test]
fn a_route_is_refused_with_a_plugin_that_does_not_load_and_the_gateway_does_not_start() {
    let folder = Folder::new();
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    let entries = "[[plugin]]\nname = \"gone\"\nsource = \"./gone.wasm\"\n";
    folder.write("gateway.toml", format!("{entries}{}{listener}", routes(&[("x", &["gone"]), ("y", &[])])));
    let ran = folder.tollgate(BINARY, &["run", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(78));
    assert!(ran.stderr.contains("gateway.toml:3:10: plugin `gone`: cannot read `./gone.wasm`"), "{}", ran.stderr);
}
