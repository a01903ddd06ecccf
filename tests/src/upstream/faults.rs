//! An upstream with every fault there is, and one whose port comes and goes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use super::{Reply, Upstream};

/// What a fault upstream does, by the first segment of a path; what it does without one is answer.
///
/// Faults of connecting have no path: a port where nobody listens is [`Flapping`] while it is down, and one that
/// swallows packets is [`black_hole`].
pub const FAULTS: [&str; 17] = [
    // Before the head of a response.
    "/close",
    "/reset",
    "/silence",
    "/slow-head",
    "/half-head",
    "/reset-in-head",
    // No response at all, by what it says.
    "/malformed",
    "/two-lengths",
    "/length-and-chunked",
    "/endless-headers",
    "/endless-interim",
    // In its body.
    "/cut-body",
    "/cut-chunk",
    "/reset-in-body",
    "/silence-in-body",
    "/slow-body",
    // A response that counts as a fault by its status.
    "/status/503",
];

impl Upstream {
    /// Does what the path says: one of [`FAULTS`], or `/status/<code>`. Everything else is 200 with the target as its text.
    pub fn faulty() -> Self {
        Self::start(|request| fault(&request.target))
    }
}

fn fault(target: &str) -> Reply {
    let path = target.split('?').next().unwrap_or_default();
    let ok = "HTTP/1.1 200 OK\r\n";
    match path {
        "/close" => Reply::close(),
        "/reset" => Reply::reset(),
        "/silence" => Reply::hang(),
        "/slow-head" => Reply::slowly("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow"),
        "/half-head" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-le").then_close(),
        "/reset-in-head" => Reply::raw("HTTP/1.1 200 OK\r\ncontent-le").then_reset(),
        "/malformed" => Reply::raw("220 mail.example ESMTP\r\n"),
        "/two-lengths" => Reply::raw(format!("{ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab")),
        "/length-and-chunked" => {
            Reply::raw(format!("{ok}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"))
        }
        "/endless-headers" => Reply::raw(ok).then_endlessly("x-more: and more\r\n"),
        "/endless-interim" => Reply::raw("").then_endlessly("HTTP/1.1 102 Processing\r\n\r\n"),
        "/cut-body" => Reply::raw(format!("{ok}content-length: 10\r\n\r\nhalf")).then_close(),
        "/cut-chunk" => Reply::raw(format!("{ok}transfer-encoding: chunked\r\n\r\na\r\nhalf")).then_close(),
        "/reset-in-body" => Reply::raw(format!("{ok}content-length: 10\r\n\r\nhalf")).then_reset(),
        "/silence-in-body" => Reply::raw(format!("{ok}content-length: 10\r\n\r\nhalf")).then_hang(),
        "/slow-body" => Reply::raw(format!("{ok}content-length: 4\r\n\r\n")).then_slowly("slow"),
        _ => match path.strip_prefix("/status/") {
            Some(status) => Reply::raw(format!("HTTP/1.1 {status} As Asked\r\ncontent-length: 0\r\n\r\n")),
            None => Reply::ok(target),
        },
    }
}

/// An address that drops what is sent to it, as long as what comes with it lives: its queue is full.
pub fn black_hole() -> (SocketAddr, impl Sized) {
    let full = TcpListener::bind("127.0.0.1:0").expect("a free port");
    SockRef::from(&full).listen(0).expect("it listens already");
    let address = full.local_addr().expect("it is bound");
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        queue.push(stream);
    }
    (address, (full, queue))
}

/// An upstream whose port refuses while it is down, and is its own all the time. While it is up, it answers every request
/// with 200 and its name.
pub struct Flapping {
    address: SocketAddr,
    name: &'static str,
    /// Bound and not listening: the port is taken, and who connects is refused.
    _reserved: Socket,
    up: Mutex<Option<Up>>,
    answered: Arc<AtomicUsize>,
}

struct Up {
    over: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    accepts: thread::JoinHandle<()>,
}

impl Flapping {
    /// It begins by being up.
    pub fn start(name: &'static str) -> Self {
        let reserved = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = reserved.local_addr().ok().and_then(|address| address.as_socket()).expect("it is bound");
        let flapping = Self { address, name, _reserved: reserved, up: Mutex::default(), answered: Arc::default() };
        flapping.rise();
        flapping
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests that were answered.
    pub fn answered(&self) -> usize {
        self.answered.load(SeqCst)
    }

    pub fn rise(&self) {
        let mut up = self.up.lock().unwrap_or_else(PoisonError::into_inner);
        if up.is_some() {
            return;
        }
        let listener = bound(self.address);
        listener.listen(1024).expect("the port is ours");
        let listener = TcpListener::from(listener);
        let (over, open) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (ending, connections) = (Arc::clone(&over), Arc::clone(&open));
        let (name, answered) = (self.name, Arc::clone(&self.answered));
        let accepts = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(SeqCst) {
                    return;
                }
                let Ok(handle) = stream.try_clone() else { continue };
                connections.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
                let answered = Arc::clone(&answered);
                thread::spawn(move || answer(&stream, name, &answered));
            }
        });
        *up = Some(Up { over, open, accepts });
    }

    /// Resets what is open, and refuses from now on.
    pub fn fall(&self) {
        let Some(up) = self.up.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        up.over.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = up.accepts.join();
        for stream in up.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Flapping {
    fn drop(&mut self) {
        self.fall();
    }
}

fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    // Two sockets of this process have the port: the one that reserves it, and the one that listens.
    socket.set_reuse_address(true).and_then(|()| socket.set_reuse_port(true)).expect("Linux has both");
    socket.bind(&address.into()).expect("a free port, or ours");
    socket
}

fn answer(stream: &TcpStream, name: &str, answered: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            if !matches!(reader.read_line(&mut line), Ok(1..)) {
                return;
            }
            if let Some(said) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = said.trim().parse().unwrap_or_default();
            }
        }
        if reader.read_exact(&mut vec![0; length]).is_err() {
            return;
        }
        let text = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{name}", name.len());
        if reader.get_mut().write_all(text.as_bytes()).is_err() {
            return;
        }
        answered.fetch_add(1, SeqCst);
    }
}
