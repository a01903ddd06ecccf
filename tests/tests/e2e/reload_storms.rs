//! Reloads that come in masses, or for which the system has nothing to give.

use std::fs;

use tests::{Gateway, Signal, wait_for};

use crate::guests::{resident, routes, witness};
use crate::load::Load;
use crate::{everything_to, gateway};

/// One route with a plugin, and one that says which edition of the configuration this is.
fn edition(number: usize) -> String {
    format!(
        "{}{}[[route]]\nname = \"edition\"\nmatch = {{ path = \"/edition\" }}\n\
         respond = {{ status = 200, body = \"{number}\" }}\n",
        witness("a"),
        routes(&[("x", &["a"])])
    )
}

fn wait_for_edition(gateway: &Gateway, number: usize) {
    let says = number.to_string();
    wait_for(&format!("edition {number}"), || (gateway.get("/edition").text() == says).then_some(()));
}

#[test]
fn a_storm_of_reloads_under_load_fails_no_request_and_the_last_one_holds() {
    const ROUNDS: usize = 10;
    let gateway = gateway(&edition(0));
    let load = Load::start(gateway.address(), 2, "/x/");
    let mut resident_before = 0;
    for round in 1..=ROUNDS {
        // They come faster than they can be read; what is read may be older than the signal.
        for number in 1..10 {
            gateway.edit(&edition(round * 10 + number));
            gateway.signal(Signal::HUP);
        }
        gateway.edit("[[route");
        gateway.signal(Signal::HUP);
        gateway.edit(&edition(round * 10));
        wait_for_edition(&gateway, round * 10);
        if round == ROUNDS / 2 {
            resident_before = resident(&gateway);
        }
    }
    load.wait_for_more(100);
    load.end();
    let resident_after = resident(&gateway);
    assert!(resident_after < resident_before + 16, "{resident_before} MiB, then {resident_after} MiB");
    let generation = gateway.metric("tollgate_config_generation");
    assert!(generation > ROUNDS as f64, "{generation}");
    assert_eq!(gateway.metric(r#"tollgate_config_reloads_total{result="ok"}"#), generation - 1.0);
}

/// Bytes of address space that a gateway has.
fn address_space(gateway: &Gateway) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process_id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmSize:")).expect("Linux says it");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number");
    kib * 1024
}

#[test]
fn a_reload_that_gets_no_thread_is_refused_and_a_later_one_is_taken() {
    let gateway = gateway(&everything_to("internal:echo", ""));
    let load = Load::start(gateway.address(), 2, "/");
    load.wait_for_more(100);
    // A thread is its stack first.
    gateway.limit_address_space(Some(address_space(&gateway)));
    gateway.edit(&everything_to("internal:echo", "match = { path = \"/**\" }"));
    let line = gateway.wait_for_log("the configuration was not read");
    assert!(line["error"].as_str().is_some_and(|error| error.starts_with("there is no thread for it: ")), "{line}");
    assert!(gateway.metric(r#"tollgate_config_reloads_total{result="failed"}"#) >= 1.0);
    load.wait_for_more(100);
    gateway.limit_address_space(None);
    gateway.signal(Signal::HUP);
    gateway.wait_for_generation(2.0);
    load.wait_for_more(100);
    load.end();
}
