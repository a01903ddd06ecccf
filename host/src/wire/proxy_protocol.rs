//! The PROXY protocol: what a load balancer says of a connection before it passes on its bytes. Read of load balancers in
//! front of the gateway, and written to endpoints behind it.
//!
//! Versions 1 and 2 of <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>; the sections below are its. Pure:
//! bytes in, an address out, or the other way. Whom it is believed is for the listener to know.
//!
//! Never reads past the header: what follows belongs to somebody else, a TLS handshake perhaps.

mod v1;
mod v2;
mod write;

use std::net::SocketAddr;

use thiserror::Error;

pub use write::{Ends, Version, header};

/// What the bytes so far are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// A beginning: at least so many bytes more belong to the header, which is at least one.
    Partial(usize),
    /// All of it.
    Whole(Source),
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The client's, from here.
    Client(SocketAddr),
    /// That of the proxy itself, which checks whether we live, or of a client of which it knows no internet address:
    /// the addresses of the connection count (sections 2.1 and 2.2).
    Proxy,
}

/// Why bytes do not begin a connection that the PROXY protocol is spoken on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    #[error("it does not begin with a PROXY header")]
    Absent,
    #[error("a line of the PROXY header is longer than 107 bytes")]
    TooLong,
    #[error("the PROXY header is larger than {} bytes", v2::MOST)]
    TooLarge,
    #[error("the PROXY header has no valid addresses")]
    Addresses,
    #[error("the PROXY header has an unknown version or command")]
    Command,
    #[error("the PROXY header is of no stream")]
    Transport,
    #[error("the PROXY header's fields do not end where it does")]
    Fields,
    #[error("the PROXY header's checksum is wrong")]
    Checksum,
}

/// Reads the header that `bytes` begin with; they hold nothing else. Whoever adds exactly as many bytes as
/// [`Header::Partial`] says, starting with none, reads all of the header and no more.
pub fn parse(bytes: &[u8]) -> Result<Header, Malformed> {
    // The two differ in their first byte, and the shortest header has as many bytes as are asked for first.
    if bytes.is_empty() {
        return Ok(Header::Partial(v1::LEAST.min(v2::LEAST)));
    }
    if bytes[0] == v2::SIGNATURE[0] { v2::parse(bytes) } else { v1::parse(bytes) }
}

#[cfg(test)]
mod tests;
