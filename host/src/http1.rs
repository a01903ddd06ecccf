//! HTTP/1.1 on the wire (RFC 9112), for both sides of the gateway.
//!
//! A head is parsed once, strictly: what two parsers could frame in two ways is refused, whoever sent it.
//! Messages are written from their parsed form only. Bodies stream, one piece at a time, without a task or
//! a channel between the socket and who reads: a connection is driven by the one task that uses it.
//!
//! It must not know routes, plugins or endpoints. HTTP/2 is hyper's.

pub mod body;
pub mod client;
mod error;
pub mod framing;
pub mod head;
mod progress;
pub mod server;
mod socket;
mod stream;
mod tunnel;
mod upgrade;
pub mod write;

pub use client::{Answer, Switched};
pub use error::{BodyError, HeadError};
pub use framing::{Framing, of_response as response_framing};
pub use progress::{Progress, Wait};
pub use server::{LastAnswer, RequestStream};
pub use socket::Socket;
pub use tunnel::Way;
pub use upgrade::Protocols;
