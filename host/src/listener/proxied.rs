//! Reads what a load balancer says of a connection by the PROXY protocol, before anything else is read of it.

use std::io;

use tokio::io::AsyncReadExt;

use crate::http1::Socket;
use crate::wire::proxy_protocol::{Header, Source, parse};

/// Whose connection it is. Takes as long as the peer does: the caller has the timer. Whoever does not say it is an error.
pub(super) async fn source(socket: &mut Socket) -> io::Result<Source> {
    let mut header = Vec::new();
    loop {
        match parse(&header).map_err(|malformed| io::Error::new(io::ErrorKind::InvalidData, malformed))? {
            Header::Whole(source) => return Ok(source),
            // In two reads of version 2, and many small ones of the rarer version 1, whose end nothing announces.
            Header::Partial(more) => {
                let known = header.len();
                header.resize(known + more, 0);
                socket.read_exact(&mut header[known..]).await?;
            }
        }
    }
}
