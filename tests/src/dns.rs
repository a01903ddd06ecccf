//! A name server that says what a test wants, over UDP, and counts what it was asked.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What a name server answers when it is asked for a name.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These, for so long. Asked for a family of which there is none, it says that there is no such record.
    Addresses(Vec<IpAddr>, Duration),
    /// That there is no such name (NXDOMAIN). So it is with each name of which nothing else was said.
    NoSuchName,
    /// That it cannot tell (SERVFAIL).
    Failure,
    /// Nothing.
    Silence,
}

/// A name server on loopback, on a free port. Dropped, it answers no more.
pub struct NameServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<HashMap<String, Answer>>,
    asked: Mutex<Vec<String>>,
    over: AtomicBool,
}

/// Of a query (RFC 1035, section 4.1).
struct Question {
    /// In lower case, without a dot at its end.
    name: String,
    kind: u16,
    /// The question as it stands in the query, which an answer repeats.
    bytes: Vec<u8>,
}

const HEADER: usize = 12;
const A: u16 = 1;
const AAAA: u16 = 28;

impl NameServer {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((length, from)) = socket.recv_from(&mut query) {
                if serving.over.load(SeqCst) {
                    return;
                }
                if let Some(answer) = serving.answer(&query[..length]) {
                    // Who asked may have left.
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { address, shared }
    }

    /// As a config writes it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it says of a name from now on.
    pub fn say(&self, name: &str, answer: Answer) {
        locked(&self.shared.answers).insert(name.to_owned(), answer);
    }

    /// That a name has these addresses, for so long.
    pub fn say_addresses(&self, name: &str, addresses: &[IpAddr], ttl: Duration) {
        self.say(name, Answer::Addresses(addresses.to_vec(), ttl));
    }

    /// How often it was asked for a name.
    pub fn asked(&self, name: &str) -> usize {
        locked(&self.shared.asked).iter().filter(|asked| *asked == name).count()
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.shared.over.store(true, SeqCst);
        // Wakes the thread, which then closes the port.
        if let Ok(socket) = UdpSocket::bind("127.0.0.1:0") {
            let _ = socket.send_to(&[], self.address);
        }
    }
}

impl Shared {
    fn answer(&self, query: &[u8]) -> Option<Vec<u8>> {
        let question = Question::read(query)?;
        locked(&self.asked).push(question.name.clone());
        let said = locked(&self.answers).get(&question.name).cloned().unwrap_or(Answer::NoSuchName);
        let (code, addresses, ttl) = match said {
            Answer::Addresses(addresses, ttl) => (0, addresses, ttl),
            Answer::NoSuchName => (3, Vec::new(), Duration::ZERO),
            Answer::Failure => (2, Vec::new(), Duration::ZERO),
            Answer::Silence => return None,
        };
        let records: Vec<Vec<u8>> =
            addresses.iter().filter_map(|address| record(question.kind, *address, ttl)).collect();
        let count = u16::try_from(records.len()).expect("few").to_be_bytes();
        // A response, of a server that recurses, to one question.
        let mut answer = [&query[..2], &[0x81, 0x80 | code], &[0, 1], &count[..], &[0, 0, 0, 0]].concat();
        answer.extend(question.bytes);
        answer.extend(records.concat());
        Some(answer)
    }
}

impl Question {
    fn read(query: &[u8]) -> Option<Self> {
        let mut labels = Vec::new();
        let mut at = HEADER;
        loop {
            let length = usize::from(*query.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
            at += length;
        }
        let kind = u16::from_be_bytes(query.get(at..at + 2)?.try_into().ok()?);
        Some(Self { name: labels.join("."), kind, bytes: query.get(HEADER..at + 4)?.to_vec() })
    }
}

/// An address of the kind that is asked for.
fn record(kind: u16, address: IpAddr, ttl: Duration) -> Option<Vec<u8>> {
    let data = match (kind, address) {
        (A, IpAddr::V4(address)) => address.octets().to_vec(),
        (AAAA, IpAddr::V6(address)) => address.octets().to_vec(),
        _ => return None,
    };
    let seconds = u32::try_from(ttl.as_secs()).expect("less than a century").to_be_bytes();
    let length = u16::try_from(data.len()).expect("short").to_be_bytes();
    // The name is that of the question; the class is that of the internet.
    Some([&[0xc0, HEADER as u8][..], &kind.to_be_bytes(), &[0, 1], &seconds, &length, &data].concat())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
