//! Components whose tables are huge, or grow until they may not: no compiler makes such, so they are written by hand.

use tests::Folder;

use crate::guests::{ask, faults, resident, routes};
use crate::{BINARY, builder};

/// A plugin with nothing but `on-log`, which grows a table of so many elements to so many more, and traps if that is refused.
fn component(elements: u64, more: u64) -> Vec<u8> {
    let text = format!(
        r#"(component
    (core module $m
        (table $t {elements} funcref)
        (memory (export "memory") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "configure") (param i32 i32) (result i32) (i32.const 0))
        (func (export "on-log")
            (if (i32.eq (table.grow $t (ref.null func) (i32.const {more})) (i32.const -1)) (then unreachable))))
    (core instance $i (instantiate $m))
    (type $problem (record (field "pointer" string) (field "message" string)))
    (type $problems (list $problem))
    (type $answer (result (error $problems)))
    (type $configure (func (param "config" string) (result $answer)))
    (func $c (type $configure)
        (canon lift (core func $i "configure") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    ;; What is exported has types with names.
    (component $named
        (type $p (record (field "pointer" string) (field "message" string)))
        (import "problem-of-it" (type $q (eq $p)))
        (type $qs (list $q))
        (type $r (result (error $qs)))
        (type $f (func (param "config" string) (result $r)))
        (import "configure-of-it" (func $g (type $f)))
        (export $e "problem" (type $q))
        (type $es (list $e))
        (type $s (result (error $es)))
        (type $h (func (param "config" string) (result $s)))
        (export "configure" (func $g) (func (type $h))))
    (instance $n (instantiate $named (with "problem-of-it" (type $problem)) (with "configure-of-it" (func $c))))
    (export "tollgate:plugin/configure@0.1.0" (instance $n))
    (func $l (canon lift (core func $i "on-log")))
    (instance $on-log (export "on-log" (func $l)))
    (export "tollgate:plugin/on-log@0.1.0" (instance $on-log)))"#
    );
    wat::parse_str(text).expect("it is good text")
}

const ENTRY: &str = "[[plugin]]\nname = \"table\"\nsource = \"./table.wasm\"\n";

#[test]
fn a_table_grows_as_far_as_it_may_and_no_further() {
    for (more, traps) in [(1_000, 0.0), (1_000_000_000, 1.0)] {
        let config = format!("{ENTRY}{}", routes(&[("evil", &["table"]), ("good", &[])]));
        let gateway = builder(&config).file("table.wasm", component(1, more)).start();
        let before = resident(&gateway);
        assert_eq!(ask(&gateway, "x-do", "").status, 200);
        tests::wait_for("the log hook", || {
            let calls = gateway.metric("tollgate_plugin_calls_total");
            (calls == 1.0).then_some(())
        });
        assert_eq!(faults(&gateway, "table", "trap"), traps, "{more}");
        let after = resident(&gateway);
        // What it asks for would be 8 GB.
        assert!(after < before + 64, "{before} MiB, then {after} MiB");
        assert_eq!(gateway.get("/good/x").status, 200);
    }
}

#[test]
fn a_component_that_begins_with_a_huge_table_is_refused() {
    let folder = Folder::new();
    folder.write("table.wasm", component(100_000_000, 1));
    let listener = "[[listener]]\naddress = \"127.0.0.1:0\"\n";
    folder.write("gateway.toml", format!("{ENTRY}{}{listener}", routes(&[("x", &["table"])])));
    let ran = folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]);
    assert_eq!(ran.code, Some(78));
    insta::assert_snapshot!(ran.stderr, @"
    gateway.toml:3:10: plugin `table`: the component does not compile: module table does not fit in pooling allocator requirements: table index 0 has a minimum element size of 100000000 which exceeds the limit of 20000
    1 problem
    ");
}
