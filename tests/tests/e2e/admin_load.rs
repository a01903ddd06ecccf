//! An admin listener that is asked too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tests::{Client, Request, wait_for};

use crate::load::Load;
use crate::{everything_to, gateway};

/// Connections to it that say nothing, or half of something. More than it has open at once.
const SILENT: usize = 100;

#[test]
fn an_admin_listener_that_is_hammered_costs_no_client_and_no_reload() {
    let gateway = gateway(&everything_to("internal:echo", ""));
    let (admin, over, scrapes) = (gateway.admin(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let hammers: Vec<_> = (0..4)
        .map(|_| {
            let (over, scrapes) = (Arc::clone(&over), Arc::clone(&scrapes));
            thread::spawn(move || {
                while !over.load(SeqCst) {
                    let asked = Request::get("/metrics").header("host", "localhost");
                    let answered = Client::try_connect(admin).and_then(|mut client| client.try_send(asked));
                    scrapes.fetch_add(usize::from(answered.is_ok_and(|answer| answer.status == 200)), SeqCst);
                }
            })
        })
        .collect();
    let load = Load::start(gateway.address(), 2, "/");
    wait_for("some scrapes", || (scrapes.load(SeqCst) > 100).then_some(()));
    let mut silent: Vec<Client> = (0..SILENT).map(|_| Client::connect(admin)).collect();
    for half in silent.iter_mut().step_by(2) {
        half.write("GET /metrics HTTP/1.1\r\nhost: loc");
    }
    load.wait_for_more(500);
    // A reload needs the thread that answers them all.
    gateway.edit(&everything_to(
        "internal:echo",
        "\n[[route]]\nname = \"new\"\nrespond = { status = 204 }\nmatch = { path = \"/new\" }",
    ));
    wait_for("the reload", || (gateway.get("/new").status == 204).then_some(()));
    // Who says nothing is left, and others get their turn.
    let before = scrapes.load(SeqCst);
    wait_for("more scrapes", || (scrapes.load(SeqCst) > before + 100).then_some(()));
    silent.into_iter().for_each(|mut client| drop(client.rest()));
    let slowest = load.end();
    over.store(true, SeqCst);
    hammers.into_iter().for_each(|hammer| hammer.join().expect("it ends"));
    // A scrape takes a few milliseconds of another thread; the rest is for a busy machine.
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert_eq!(gateway.admin_get("/readyz").status, 200);
}
