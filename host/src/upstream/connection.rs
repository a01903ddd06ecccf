//! One HTTP/1.1 connection to an endpoint: opened, written to, closed.
//!
//! hyper drives it in a task of its own, the only one that is spawned here. Sending through it costs
//! no further task. TLS, HTTP/2 and a resolver of our own will join here.

use std::io;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::request_body::RequestBody;

/// An open connection. Dropped, it closes at once, whatever is under way on it.
#[derive(Debug)]
pub(super) struct Connection {
    sender: SendRequest<RequestBody>,
    driver: JoinHandle<()>,
    retired: bool,
}

impl Connection {
    /// Resolves and connects; the addresses of a name are tried in the resolver's order. Takes as
    /// long as it takes: the caller has the timeout.
    pub(super) async fn open(host: &str, port: u16, endpoint: &Arc<str>) -> io::Result<Self> {
        let stream = connect(host, port).await?;
        // Heads and bodies are written whole; waiting for more only adds latency.
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let endpoint = Arc::clone(endpoint);
        let driver = tokio::task::spawn_local(async move {
            if let Err(error) = driver.await {
                // No exchange heard of it: the endpoint wrote when it was not its turn.
                let error: &dyn std::error::Error = &error;
                tracing::debug!(%endpoint, error, "upstream connection failed");
            }
        });
        Ok(Self { sender, driver, retired: false })
    }

    /// Whether the exchange before is over on both sides and the connection is open still.
    pub(super) fn is_ready(&self) -> bool {
        !self.retired && self.sender.is_ready()
    }

    /// Makes this exchange its last.
    pub(super) fn retire(&mut self) {
        self.retired = true;
    }

    /// Writes the request and waits for the head of the response. The error gives the request back
    /// if nothing of it was written.
    pub(super) fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>> + use<> {
        self.sender.try_send_request(request)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // hyper alone would first write the rest of a request that the endpoint has answered
        // already, for as long as the client sends it.
        self.driver.abort();
    }
}

async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
