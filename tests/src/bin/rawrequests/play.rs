//! Sends a case, and tells what became of it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use ::tests::{Received, Upstream};

use crate::expectation::Outcome;

/// How long the gateway may take to answer and to close. It does at once, or never does.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest body that an outcome shows.
const MOST_SHOWN: usize = 40;

/// Where cases are sent, and what stands behind it.
pub struct Place<'p> {
    pub address: SocketAddr,
    pub upstream: &'p Upstream,
}

/// Sends these bytes in pieces of `size`, and tells what happened. Who is to be `left` waits until the gateway closes the
/// connection; else the client closes its side.
pub fn play(place: &Place<'_>, bytes: &[u8], size: usize, left: bool) -> String {
    let before = place.upstream.received().len();
    let answers = exchange(place.address, bytes, size, left);
    let mut received = place.upstream.received().split_off(before).into_iter();
    let mut happened = Vec::new();
    let end = answers.and_then(|(answers, closed)| {
        for status in statuses(&answers)? {
            let request = if status == 200 { received.next() } else { None };
            happened.push(request.map_or_else(|| status.to_string(), |request| shown(&request)));
        }
        Ok(closed)
    });
    happened.extend(received.map(|request| format!("{} without an answer", shown(&request))));
    match end {
        Ok(true) => {}
        Ok(false) => happened.push("the connection stays open".to_owned()),
        Err(error) => happened.push(error.to_string()),
    }
    if happened.is_empty() {
        happened.push(Outcome::NOTHING.to_owned());
    }
    happened.join(", ")
}

/// All that the gateway says, and whether it closes the connection after it.
fn exchange(address: SocketAddr, bytes: &[u8], size: usize, left: bool) -> io::Result<(Vec<u8>, bool)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // Who is refused early may not be able to say all.
    let _ = bytes.chunks(size.max(1)).try_for_each(|piece| stream.write_all(piece));
    if !left {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answers = Vec::new();
    match stream.read_to_end(&mut answers) {
        Ok(_) => Ok((answers, true)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok((answers, true)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok((answers, false)),
        Err(error) => Err(error),
    }
}

/// The statuses of these responses, each of which tells its length or has no body.
fn statuses(mut answers: &[u8]) -> io::Result<Vec<u16>> {
    let mut statuses = Vec::new();
    while !answers.is_empty() {
        let wrong = || io::Error::other(format!("no response: {}", answers.escape_ascii()));
        let end = answers.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(wrong)? + 4;
        let head = String::from_utf8_lossy(&answers[..end]).to_ascii_lowercase();
        let status = head.strip_prefix("http/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).ok_or_else(wrong)?;
        let length = head.split_once("\r\ncontent-length: ").and_then(|(_, rest)| rest.split_once("\r\n"));
        let length = length.map_or(Ok(0), |(length, _)| length.parse()).map_err(|_| wrong())?;
        answers = answers.get(end + length..).ok_or_else(wrong)?;
        statuses.push(status);
    }
    Ok(statuses)
}

fn shown(request: &Received) -> String {
    let Received { method, target, body, .. } = request;
    // Long targets are all alike; what matters is that all of one arrived.
    let target = if target.len() > 2 * MOST_SHOWN { format!("{} bytes", target.len()) } else { target.clone() };
    match body.len() {
        0 => format!("{method} {target}"),
        1..=MOST_SHOWN => format!("{method} {target} \"{}\"", body.escape_ascii()),
        length => format!("{method} {target} ({length} bytes)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_told_apart_by_their_lengths() {
        let answers = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcHTTP/1.1 204 No Content\r\n\r\n\
                        HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(statuses(answers).expect("good"), [200, 204, 400]);
        assert_eq!(statuses(b"").expect("good"), [0; 0]);
        assert!(statuses(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab").is_err());
    }
}
