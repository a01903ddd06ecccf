//! Clients that ask all the time, and of whom each is to be served.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tests::{Client, wait_for};

pub struct Load {
    over: Arc<AtomicBool>,
    served: Arc<AtomicUsize>,
    /// Each answers how long its slowest request took.
    clients: Vec<JoinHandle<Duration>>,
}

impl Load {
    /// So many clients, each on a connection that is kept as long as it may be.
    pub fn start(address: SocketAddr, clients: usize, target: &str) -> Self {
        let (over, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let client = |_| {
            let (over, served, target) = (Arc::clone(&over), Arc::clone(&served), target.to_owned());
            thread::spawn(move || {
                let (mut client, mut slowest) = (Client::connect(address), Duration::ZERO);
                while !over.load(SeqCst) {
                    let asked = Instant::now();
                    let answer = client.get(&target);
                    slowest = slowest.max(asked.elapsed());
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    served.fetch_add(1, SeqCst);
                    // The last one that this connection may have.
                    if answer.header("connection") == Some("close") {
                        client = Client::connect(address);
                    }
                }
                slowest
            })
        };
        let clients = (0..clients).map(client).collect();
        Self { over, served, clients }
    }

    /// Waits until so many more were served.
    pub fn wait_for_more(&self, more: usize) {
        let before = self.served.load(SeqCst);
        wait_for("clients to be served", || {
            let ended = self.clients.iter().any(JoinHandle::is_finished);
            (ended || self.served.load(SeqCst) >= before + more).then_some(())
        });
    }

    /// Answers how long the slowest request took.
    ///
    /// # Panics
    /// If one was not served.
    pub fn end(self) -> Duration {
        self.over.store(true, SeqCst);
        let slowest = self.clients.into_iter().map(|client| client.join().expect("each request is served"));
        slowest.max().unwrap_or_default()
    }
}
