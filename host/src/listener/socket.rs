//! Binds addresses with ports: one socket for each worker.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use super::Address;

/// Connections that the kernel completes before they are accepted.
pub(super) const BACKLOG: i32 = 1024;

/// Bytes that the kernel takes of a response beyond what is on its way. Without it a client that does not read may make it
/// keep some megabytes for each connection, and of a thousand such clients others feel the copying.
const MOST_UNSENT: u32 = 32 * 1024;

/// An address that cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {source}")]
pub struct BindError {
    pub address: Address,
    pub source: io::Error,
}

impl BindError {
    /// Whether somebody else listens there.
    pub fn is_in_use(&self) -> bool {
        self.source.kind() == io::ErrorKind::AddrInUse
    }
}

/// Binds one socket for each worker. An address in use is an error, also when another gateway uses it.
pub fn bind(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, BindError> {
    let failed = |source| BindError { address: address.into(), source };
    // With SO_REUSEPORT a second gateway of the same user would share the port in silence.
    let probe = socket(address, false).map_err(failed)?;
    let bound = local_address(&probe).map_err(failed)?;
    drop(probe);
    bind_again(bound, workers)
}

/// Binds sockets beside those of a listener that is about to close, which hold the port: there is no probing it.
pub fn bind_beside(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, BindError> {
    bind_again(address, workers)
}

/// Binds sockets that share an address which has just been probed.
fn bind_again(address: SocketAddr, workers: usize) -> Result<Vec<TcpListener>, BindError> {
    let failed = |source| BindError { address: address.into(), source };
    let listening = |_| {
        let socket = socket(address, true)?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from(socket))
    };
    (0..workers).map(listening).collect::<io::Result<_>>().map_err(failed)
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for old connections in TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.is_ipv6() {
        // `[::]` serves IPv4 as well, whatever the system's default is.
        socket.set_only_v6(false)?;
    }
    // Accepted sockets inherit it.
    socket.set_tcp_notsent_lowat(MOST_UNSENT)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("not an internet address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_keeps_little_for_a_client_that_does_not_read() {
        let sockets = bind("127.0.0.1:0".parse().expect("an address"), 1).expect("free");
        let _client = std::net::TcpStream::connect(sockets[0].local_addr().expect("bound")).expect("it is listened on");
        sockets[0].set_nonblocking(false).expect("it is open");
        let (accepted, _) = sockets[0].accept().expect("a client");
        assert_eq!(socket2::SockRef::from(&accepted).tcp_notsent_lowat().expect("it is set"), MOST_UNSENT);
    }

    #[test]
    fn every_worker_gets_a_socket_on_one_port() {
        let sockets = bind("127.0.0.1:0".parse().expect("an address"), 3).expect("free");
        let ports: Vec<_> = sockets.iter().map(|socket| socket.local_addr().expect("bound").port()).collect();
        assert_eq!(ports.len(), 3);
        assert!(ports.iter().all(|port| *port == ports[0]));
    }

    #[test]
    fn a_port_in_use_is_an_error_even_if_it_could_be_shared() {
        let first = bind("127.0.0.1:0".parse().expect("an address"), 1).expect("free");
        let address = first[0].local_addr().expect("bound");
        let error = bind(address, 1).expect_err("in use");
        assert_eq!(error.source.kind(), io::ErrorKind::AddrInUse);
    }
}
