//! A load that counts what it loses, where `wrk` would only say that something broke: kept-alive connections, each with
//! a request on its way, until it is told to stop.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::load;

/// A running load. Dropped, it ends.
pub struct Hammer {
    counts: Arc<Counts>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    sent: AtomicU64,
    lost: AtomicU64,
}

/// Requests so far.
#[derive(Debug, Clone, Copy)]
pub struct Tally {
    pub sent: u64,
    /// Without a whole 200: the connection broke, was refused, or the answer was another.
    pub lost: u64,
}

impl Hammer {
    pub fn start(gateway: SocketAddr, connections: usize) -> Self {
        let counts = Arc::new(Counts::default());
        let of_thread = Arc::clone(&counts);
        let thread = thread::spawn(move || hammer(gateway, connections, &of_thread));
        Self { counts, thread: Some(thread) }
    }

    pub fn tally(&self) -> Tally {
        Tally { sent: self.counts.sent.load(Relaxed), lost: self.counts.lost.load(Relaxed) }
    }

    /// Ends it, after the answers to what is on its way.
    pub fn stop(mut self) -> Result<Tally> {
        self.counts.stop.store(true, Relaxed);
        self.thread.take().map_or(Ok(()), JoinHandle::join).map_err(|_| anyhow!("the load panicked"))?;
        Ok(self.tally())
    }
}

impl Drop for Hammer {
    fn drop(&mut self) {
        self.counts.stop.store(true, Relaxed);
    }
}

/// In turns: a request on each connection, then the answer of each, so that all are in flight at once.
fn hammer(gateway: SocketAddr, connections: usize, counts: &Counts) {
    let request = load::request(gateway);
    let mut streams: Vec<Option<TcpStream>> = (0..connections).map(|_| None).collect();
    while !counts.stop.load(Relaxed) {
        for stream in &mut streams {
            if stream.is_none() {
                *stream = connect(gateway).ok();
            }
            counts.sent.fetch_add(1, Relaxed);
            let sent = stream.as_mut().is_some_and(|stream| stream.write_all(request.as_bytes()).is_ok());
            if !sent {
                *stream = None;
                counts.lost.fetch_add(1, Relaxed);
            }
        }
        for place in &mut streams {
            let Some(mut stream) = place.take() else { continue };
            match answer(&mut stream) {
                Ok(End::Kept) => *place = Some(stream),
                Ok(End::Closed) => {}
                Err(_) => {
                    counts.lost.fetch_add(1, Relaxed);
                }
            }
        }
    }
}

fn connect(gateway: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(gateway)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
}

/// What becomes of a connection after its answer.
enum End {
    Kept,
    Closed,
}

/// Reads one answer with a `Content-Length`, which the upstream's have.
fn answer(stream: &mut TcpStream) -> io::Result<End> {
    let mut bytes = Vec::with_capacity(1024);
    let mut buffer = [0; 4096];
    loop {
        if let Some((length, end)) = whole(&bytes)? {
            return if bytes.len() == length { Ok(end) } else { Err(other("more came than one answer")) };
        }
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// How long the answer is, when all of it is there.
fn whole(bytes: &[u8]) -> io::Result<Option<(usize, End)>> {
    let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..head]).map_err(|_| other("the head is no text"))?;
    if !text.starts_with("HTTP/1.1 200 ") {
        return Err(other("the answer is no 200"));
    }
    let length = crate::http::field(text, "content-length").and_then(|length| length.parse::<usize>().ok());
    let length = head + 4 + length.ok_or_else(|| other("the answer does not say its length"))?;
    let closes = crate::http::field(text, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok((bytes.len() >= length).then_some((length, if closes { End::Closed } else { End::Kept })))
}

fn other(why: &'static str) -> io::Error {
    io::Error::other(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_the_last_byte_of_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nok";
        for end in 0..answer.len() {
            assert!(matches!(whole(&answer[..end]), Ok(None)), "{end} bytes are no answer");
        }
        assert!(matches!(whole(answer), Ok(Some((length, End::Closed))) if length == answer.len()));
        assert!(whole(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").is_err());
    }
}
