//! One of three endpoints comes and goes under load.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tests::{Client, Flapping, Request, wait_for};

use crate::gateway;

/// Times that it falls and rises.
const CYCLES: usize = 10;
/// Requests that the others have to answer while it is down.
const MEANWHILE: usize = 300;

#[test]
fn gets_are_not_lost_while_one_of_three_endpoints_flaps_and_all_are_back_soon() {
    let endpoints = [Flapping::start("a"), Flapping::start("b"), Flapping::start("c")];
    let urls: Vec<_> = endpoints.iter().map(|endpoint| format!("\"{}\"", endpoint.url())).collect();
    let gateway = gateway(&format!(
        "[gateway]\nworkers = 2\n[[route]]\nname = \"all\"\nupstream = \"all\"\n[[upstream]]\nname = \"all\"\n\
         endpoints = [{}]\nretry = {{ attempts = 3, on = [\"connect\", \"reset\"] }}\n\
         ejection = {{ failures = 2, time = \"50ms\", longest = \"200ms\" }}\n",
        urls.join(", ")
    ));
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // What clients got instead.
    let lost = Arc::<Mutex<Vec<String>>>::default();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (over, sent, lost) = (Arc::clone(&over), Arc::clone(&sent), Arc::clone(&lost));
            let address = gateway.address();
            thread::spawn(move || {
                let mut client = Client::connect(address);
                while !over.load(SeqCst) {
                    let answered = client.try_send(Request::get("/"));
                    sent.fetch_add(1, SeqCst);
                    let instead = match answered {
                        Ok(answer) if answer.status == 200 => {
                            // The last one of a connection, by `limits.requests`.
                            if answer.header("connection") == Some("close") {
                                client = Client::connect(address);
                            }
                            continue;
                        }
                        Ok(answer) => answer.text(),
                        Err(error) => error.to_string(),
                    };
                    lost.lock().expect("nobody panics with it").push(instead);
                    client = Client::connect(address);
                }
            })
        })
        .collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..CYCLES {
        endpoints[0].fall();
        let before = sent.load(SeqCst);
        wait_for("the others to answer", || (sent.load(SeqCst) > before + MEANWHILE).then_some(()));
        let answered = endpoints[0].answered();
        endpoints[0].rise();
        let risen = Instant::now();
        wait_for("it to answer again", || (endpoints[0].answered() > answered).then_some(()));
        slowest = slowest.max(risen.elapsed());
    }
    over.store(true, SeqCst);
    clients.into_iter().for_each(|client| client.join().expect("it ends"));
    let (sent, lost) = (sent.load(SeqCst), lost.lock().expect("nobody panics with it"));
    println!("{} of {sent} lost; back after {slowest:?} at most: {lost:?}", lost.len());
    assert!(lost.len() * 10_000 <= sent, "{} of {sent} lost: {lost:?}", lost.len());
    assert!(slowest <= Duration::from_secs(1), "back after {slowest:?}");
}
