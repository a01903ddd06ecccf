//! Opens connections to endpoints. TLS and a resolver of our own will join here.

use std::io;

use tokio::net::TcpStream;

use crate::http1::client::Connection;

/// Resolves and connects; the addresses of a name are tried in the resolver's order. Takes as long as it
/// takes: the caller has the timeout.
pub(super) async fn open(host: &str, port: u16) -> io::Result<Connection> {
    Ok(Connection::new(connect(host, port).await?))
}

/// The same, without a protocol.
pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Heads and bodies are written whole; waiting for more only adds latency.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
