//! An HTTP/1.1 client on one connection, plain, over TLS or through a Unix socket, which can also say what no proper client says.

use std::io::{self, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustls::{ClientConnection, StreamOwned};

use crate::{PATIENCE, Request, Response};

/// One connection.
pub struct Client {
    stream: BufReader<Wire>,
}

enum Wire {
    Plain(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.shutdown(how),
            Self::Unix(unix) => unix.shutdown(how),
            Self::Tls(tls) => tls.get_ref().shutdown(how),
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.read(buffer),
            Self::Unix(unix) => unix.read(buffer),
            Self::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Unix(unix) => unix.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Unix(unix) => unix.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("it is accepted")
    }

    pub fn try_connect(address: SocketAddr) -> io::Result<Self> {
        Self::on(TcpStream::connect(address)?)
    }

    /// On a connection that was made already.
    pub fn on(stream: TcpStream) -> io::Result<Self> {
        prepare(&stream)?;
        Ok(Self { stream: BufReader::new(Wire::Plain(stream)) })
    }

    /// Through a Unix socket.
    pub fn connect_unix(path: impl AsRef<Path>) -> Self {
        Self::try_connect_unix(path).expect("it is accepted")
    }

    pub fn try_connect_unix(path: impl AsRef<Path>) -> io::Result<Self> {
        let stream = UnixStream::connect(path)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::new(Wire::Unix(stream)) })
    }

    /// Over TLS, once hands are shaken.
    pub(crate) fn over(
        address: SocketAddr,
        handshake: impl FnOnce(TcpStream) -> io::Result<StreamOwned<ClientConnection, TcpStream>>,
    ) -> io::Result<Self> {
        Ok(Self { stream: BufReader::new(Wire::Tls(Box::new(handshake(connected(address)?)?))) })
    }

    /// What was agreed on in the handshake.
    ///
    /// # Panics
    /// If there was none.
    pub fn tls(&self) -> &ClientConnection {
        match self.stream.get_ref() {
            Wire::Plain(_) | Wire::Unix(_) => panic!("the connection is plain"),
            Wire::Tls(tls) => &tls.conn,
        }
    }

    /// Sends a request and reads its response, past any `100 Continue`.
    pub fn send(&mut self, request: Request) -> Response {
        self.try_send(request).expect("an answer")
    }

    /// As [`send`](Self::send); the error is of the connection.
    pub fn try_send(&mut self, request: Request) -> io::Result<Response> {
        self.stream.get_mut().write_all(&request.to_bytes())?;
        loop {
            let response = Response::read(&mut self.stream, request.method == "HEAD")?;
            if response.status >= 200 {
                return Ok(response);
            }
        }
    }

    /// `GET`, and its response.
    pub fn get(&mut self, target: &str) -> Response {
        self.send(Request::get(target))
    }

    /// Sends a request, and leaves the response for later.
    pub fn start(&mut self, request: Request) {
        self.write(request.to_bytes());
    }

    /// Sends these bytes. One that closed its end may refuse them; what it said is still there to be read.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.get_mut().write_all(bytes.as_ref());
    }

    /// As [`write`](Self::write); one that closed its end is an error.
    pub fn try_write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Reads one response, also a `100 Continue`.
    pub fn receive(&mut self) -> Response {
        self.try_receive().expect("a response")
    }

    /// As [`receive`](Self::receive); a response that is cut is an error.
    pub fn try_receive(&mut self) -> io::Result<Response> {
        Response::read(&mut self.stream, false)
    }

    /// Reads until this was said, and returns all since the last read.
    pub fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            let mut byte = [0];
            let read = self.stream.read_exact(&mut byte);
            read.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)));
            bytes.push(byte[0]);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends these bytes, and reads all that comes until the connection is closed.
    pub fn raw(&mut self, bytes: impl AsRef<[u8]>) -> Vec<u8> {
        self.write(bytes);
        self.rest()
    }

    /// Reads all that comes until the connection is closed, or reset.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => panic!("the connection stays open"),
            _ => bytes,
        }
    }

    /// Reads all that comes until the connection is closed in an orderly way; over TLS that needs a word.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Waits until the other side closes, having said nothing more.
    pub fn wait_for_close(&mut self) {
        assert_eq!(String::from_utf8_lossy(&self.rest()), "");
    }

    /// Says that nothing more is sent, and goes on reading.
    pub fn half_close(&mut self) {
        self.stream.get_ref().shutdown(Shutdown::Write).expect("it is open");
    }

    /// Leaves with a reset, which cannot be taken for having said all.
    ///
    /// # Panics
    /// Through a Unix socket, which has no such thing.
    pub fn reset(self) {
        let socket = match self.stream.get_ref() {
            Wire::Plain(tcp) => socket2::SockRef::from(tcp),
            Wire::Unix(_) => panic!("a Unix socket cannot be reset"),
            Wire::Tls(tls) => socket2::SockRef::from(tls.get_ref()),
        };
        socket.set_linger(Some(Duration::ZERO)).expect("it is open");
    }

    /// Leaves without reading what is still to come.
    pub fn abort(self) {
        let _ = self.stream.get_ref().shutdown(Shutdown::Both);
    }
}

/// For those who bring a protocol of their own.
impl Read for Client {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.get_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.get_mut().flush()
    }
}

fn connected(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    prepare(&stream)?;
    Ok(stream)
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)
}
