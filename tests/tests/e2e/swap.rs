//! A plugin's component is replaced while traffic flows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Client, Gate, Gateway, Reply, Request, Response, Upstream, wait_for};

use crate::guests::{edition, routes};
use crate::{BINARY, builder};

const CONFIG: &str =
    "[[plugin]]\nname = \"a\"\nsource = \"./witness.wasm\"\ngrants = [\"state\"]\nconfig = { mark = \"a\" }\n";

/// A gateway that runs the first edition of the witness from its own folder.
fn first_edition(upstream: &str) -> Gateway {
    let routes = routes(&[("x", &["a"])]).replace("internal:echo", upstream);
    builder(&format!("{CONFIG}{routes}")).file("witness.wasm", edition(1)).start()
}

/// The edition of the witness that served an exchange; the same on the way there and back.
fn edition_of(answer: &Response) -> u8 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.header("x-edition").expect("the witness says it");
    text.as_bytes()[8] - b'0'
}

#[test]
fn a_replaced_component_is_taken_within_a_second_and_no_request_fails() {
    let gateway = first_edition("internal:echo");
    let (address, over) = (gateway.address(), Arc::new(AtomicBool::new(false)));
    let served = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (over, served) = (Arc::clone(&over), Arc::clone(&served));
            thread::spawn(move || {
                let (mut client, mut last) = (Client::connect(address), 1);
                while !over.load(Relaxed) {
                    let answer = client.get("/x/");
                    let way = answer.json()["headers"]["x-edition"].as_str().map(|text| text.as_bytes()[8] - b'0');
                    assert_eq!(way, Some(edition_of(&answer)), "one edition serves a whole exchange");
                    assert!(edition_of(&answer) >= last, "an old edition came back");
                    last = edition_of(&answer);
                    served.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();

    // The machine may be busy: what counts is that it can be done in a second.
    let mut client = gateway.client();
    let fastest = (2..=4).map(|number| swap(&gateway, &mut client, number)).min();
    over.store(true, Relaxed);
    clients.into_iter().for_each(|client| client.join().expect("no failed request"));
    assert!(fastest < Some(Duration::from_secs(1)), "{fastest:?}");
    assert!(served.load(Relaxed) > 100);
}

/// Replaces the component, and says how long it took until that edition answered.
fn swap(gateway: &Gateway, client: &mut Client, number: u8) -> Duration {
    // Compiles it into the cache: how fast that is says nothing about a swap.
    let routes = routes(&[("x", &["a"])]);
    let folder = tests::Folder::with_config(&format!("{CONFIG}{routes}[[listener]]\naddress = \"127.0.0.1:0\"\n"));
    folder.write("witness.wasm", edition(number));
    assert_eq!(folder.tollgate(BINARY, &["check", "--config", "gateway.toml"]).code, Some(0));

    let replaced = Instant::now();
    gateway.folder().write("witness.wasm", edition(number));
    wait_for("the new edition", || (edition_of(&client.get("/x/")) == number).then_some(()));
    replaced.elapsed()
}

#[test]
fn a_request_in_flight_finishes_on_the_chain_that_it_started_with() {
    let gate = Gate::closed();
    let held = gate.clone();
    let upstream = Upstream::start(move |asked| {
        let reply = Reply::ok("");
        if asked.target == "/x/slow" { reply.after(&held) } else { reply }
    });
    let gateway = first_edition(&upstream.url());
    let mut slow = gateway.client();
    slow.start(Request::get("/x/slow"));
    upstream.wait_for_requests(1);
    gateway.folder().write("witness.wasm", edition(2));
    wait_for("the new edition", || (edition_of(&gateway.get("/x/")) == 2).then_some(()));
    gate.open();
    assert_eq!(edition_of(&slow.receive()), 1);
}

#[test]
fn a_broken_component_changes_nothing_and_can_be_mended() {
    let gateway = first_edition("internal:echo");
    let broken: [(Vec<u8>, &str); 3] = [
        (b"not a component".to_vec(), "this is not a WebAssembly component"),
        (edition(2)[..10_000].to_vec(), "the component does not compile"),
        (wat::parse_str("(component)").expect("text"), "this is not a plugin"),
    ];
    for (bytes, why) in broken {
        gateway.folder().write("witness.wasm", bytes);
        let line = gateway.wait_for_log(why);
        assert!(line["message"].as_str().is_some_and(|text| text.contains("the configuration is refused")), "{line}");
        let problem = &line["problems"][0];
        let place = (problem["file"].as_str(), problem["line"].as_u64(), problem["column"].as_u64());
        assert_eq!(place, (Some("gateway.toml"), Some(3), Some(10)), "{line}");
        assert!(problem["message"].as_str().is_some_and(|text| text.starts_with("plugin `a`: ")), "{line}");
        assert_eq!(edition_of(&gateway.get("/x/")), 1);
    }
    assert_eq!(gateway.metric("tollgate_config_generation"), 1.0);
    gateway.folder().write("witness.wasm", edition(2));
    wait_for("the mended component", || (edition_of(&gateway.get("/x/")) == 2).then_some(()));
}

#[test]
fn a_component_that_vanishes_goes_on_running() {
    let gateway = first_edition("internal:echo");
    std::fs::remove_file(gateway.folder().path().join("witness.wasm")).expect("it was there");
    gateway.wait_for_log("cannot read `./witness.wasm`");
    assert_eq!(edition_of(&gateway.get("/x/")), 1);
}

#[test]
fn what_a_plugin_keeps_in_state_outlives_its_component() {
    let gateway = first_edition("internal:echo");
    let times = || gateway.send(Request::get("/x/1").header("x-ask", "a")).json()["times"].as_u64();
    assert_eq!(edition_of(&gateway.get("/x/1")), 1);
    let before = wait_for("on-log", || times().filter(|&times| times > 0));
    gateway.folder().write("witness.wasm", edition(2));
    wait_for("the new edition", || (edition_of(&gateway.get("/x/")) == 2).then_some(()));
    assert!(times() >= Some(before));
}

#[test]
fn the_instances_of_a_replaced_component_end() {
    let gateway = first_edition("internal:echo");
    for number in [2, 3, 2, 3] {
        gateway.folder().write("witness.wasm", edition(number));
        wait_for("the new edition", || (edition_of(&gateway.get("/x/")) == number).then_some(()));
    }
    wait_for("old instances to end", || (crate::guests::instances(&gateway, "a") <= 1.0).then_some(()));
}
