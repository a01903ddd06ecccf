//! An upstream that does what a test scripts, well or badly, and remembers what it was asked.

mod faults;
mod reply;
mod wire;

use std::io::{self, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustls::ServerConfig;

pub use faults::{FAULTS, Flapping, black_hole};
pub use reply::{Gate, Reply};
pub use wire::Handshake;

use wire::Wire;

use crate::message::{read_body_and_trailers, read_head, value};
use crate::wait_for;

/// A scripted upstream on a free port.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// A request as the upstream got it.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub target: String,
    /// In their order, names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Lines behind the last chunk, as they came.
    pub trailers: Vec<String>,
    /// Which of the connections it came on, counted from 0.
    pub connection: usize,
    /// Of its connection, over TLS.
    pub handshake: Option<Handshake>,
}

struct Shared {
    script: Box<dyn Fn(&Received) -> Reply + Send + Sync>,
    received: Mutex<Vec<Received>>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    over: AtomicBool,
}

impl Upstream {
    /// Answers every request as the script says. A request is recorded before it is answered.
    pub fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(script, |tcp| Ok(Wire::Tcp(tcp)))
    }

    /// The same over TLS.
    pub fn start_tls(config: &Arc<ServerConfig>, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let config = Arc::clone(config);
        Self::listen(script, move |tcp| Wire::tls(&config, tcp))
    }

    /// The same on a Unix socket at this path. It accepts as long as the process lives.
    pub fn start_unix(path: &Path, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(path).expect("a path of our own");
        let shared = Shared::new(script);
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serving.accept(move || Ok(Wire::Unix(stream)));
            }
        });
        Self { address: SocketAddr::from(([0, 0, 0, 0], 0)), shared }
    }

    fn listen(
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
        prepare: impl Fn(TcpStream) -> io::Result<Wire> + Clone + Send + 'static,
    ) -> Self {
        Self::serve_on(TcpListener::bind("127.0.0.1:0").expect("a free port"), script, prepare)
    }

    fn serve_on(
        listener: TcpListener,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
        prepare: impl Fn(TcpStream) -> io::Result<Wire> + Clone + Send + 'static,
    ) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let shared = Shared::new(script);
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.over.load(SeqCst) {
                    return;
                }
                let prepare = prepare.clone();
                serving.accept(move || prepare(stream));
            }
        });
        Self { address, shared }
    }

    /// Answers every request with 200 and this text.
    pub fn saying(text: &'static str) -> Self {
        Self::start(move |_| Reply::ok(text))
    }

    /// The same at this address; port 0 is a free one.
    pub fn saying_at(address: &str, text: &'static str) -> Self {
        Self::start_at(address, move |_| Reply::ok(text))
    }

    /// As the script says, at this address; port 0 is a free one.
    pub fn start_at(address: &str, script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        Self::serve_on(listener, script, |tcp| Ok(Wire::Tcp(tcp)))
    }

    /// The same on a free port of every address, of both families where there are two.
    pub fn saying_everywhere(text: &'static str) -> Self {
        let listener = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0")).expect("a free port");
        Self::serve_on(listener, move |_| Reply::ok(text), |tcp| Ok(Wire::Tcp(tcp)))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As an endpoint in a config.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received().clone()
    }

    /// The one request so far.
    pub fn only(&self) -> Received {
        let mut received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received.remove(0)
    }

    /// Waits until so many requests have come.
    pub fn wait_for_requests(&self, count: usize) {
        let enough = || (self.shared.received().len() >= count).then_some(());
        wait_for(&format!("{count} requests at an upstream"), enough);
    }

    /// How many connections were ever opened.
    pub fn connections(&self) -> usize {
        self.shared.accepted.load(SeqCst)
    }

    /// Waits until all connections are closed.
    pub fn wait_until_left(&self) {
        wait_for("connections to an upstream to close", || (self.shared.open.load(SeqCst) == 0).then_some(()));
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        // Wakes the accepting thread, which then closes the port.
        if self.address.port() != 0 {
            let _ = TcpStream::connect(self.address);
        }
    }
}

impl Received {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.headers, name)
    }
}

impl Shared {
    fn new(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            received: Mutex::default(),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        })
    }

    /// Serves a connection on a thread of its own.
    fn accept(self: &Arc<Self>, prepare: impl FnOnce() -> io::Result<Wire> + Send + 'static) {
        let connection = self.accepted.fetch_add(1, SeqCst);
        self.open.fetch_add(1, SeqCst);
        let serving = Arc::clone(self);
        thread::spawn(move || {
            if let Ok(stream) = prepare() {
                serving.serve(stream, connection);
            }
            serving.open.fetch_sub(1, SeqCst);
        });
    }

    fn serve(&self, stream: Wire, connection: usize) {
        let handshake = stream.handshake();
        let mut reader = BufReader::new(stream);
        loop {
            let Ok((line, headers)) = read_head(&mut reader) else { return };
            let Ok((body, trailers)) = read_body_and_trailers(&mut reader, &headers) else { return };
            let mut words = line.split(' ').map(str::to_owned);
            let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let handshake = handshake.clone();
            let received = Received { method, target, headers, body, trailers, connection, handshake };
            self.received().push(received.clone());
            if !(self.script)(&received).play(&mut reader) {
                return;
            }
        }
    }

    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
