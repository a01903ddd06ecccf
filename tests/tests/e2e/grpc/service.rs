//! A gRPC server by tonic, without generated code: messages are bytes, and each call is a method of one service.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::{BoxFuture, Service};
use tonic::metadata::MetadataMap;
use tonic::transport::server::{Server, TcpIncoming};
use tonic::{Code, Request, Response, Status, Streaming};

/// A server on a free port.
pub(super) struct Calls {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

/// What the server has seen.
#[derive(Default)]
struct Seen {
    metadata: Vec<MetadataMap>,
    running: usize,
    dropped: usize,
}

/// Messages are bytes, which mean nothing.
#[derive(Clone, Default)]
pub(super) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

impl Calls {
    pub(super) fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let router = Router { seen: Arc::clone(&seen) };
        let (bound, binds) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                bound.send(listener.local_addr().expect("it is bound")).expect("the test waits");
                Server::builder().serve_with_incoming(router, TcpIncoming::from(listener)).await.expect("it serves");
            });
        });
        Self { address: binds.recv().expect("it is bound"), seen }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The metadata of the calls so far.
    pub(super) fn metadata(&self) -> Vec<MetadataMap> {
        self.locked().metadata.clone()
    }

    /// Calls that are being answered.
    pub(super) fn running(&self) -> usize {
        self.locked().running
    }

    /// Calls whose answer was given up before its end.
    pub(super) fn dropped(&self) -> usize {
        self.locked().dropped
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Router {
    seen: Arc<Mutex<Seen>>,
}

impl Service<http::Request<Body>> for Router {
    type Response = http::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = Method { name: request.uri().path().to_owned(), seen: Arc::clone(&self.seen) };
        Box::pin(async move { Ok(tonic::server::Grpc::new(Raw).streaming(method, request).await) })
    }
}

/// On the wire all kinds of calls are alike: messages in, messages out, a status.
struct Method {
    name: String,
    seen: Arc<Mutex<Seen>>,
}

type Messages = ReceiverStream<Result<Bytes, Status>>;

impl Service<Request<Streaming<Bytes>>> for Method {
    type Response = Response<Messages>;
    type Error = Status;
    type Future = BoxFuture<Self::Response, Status>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let running = Running::begin(&self.seen, request.metadata());
        let name = self.name.clone();
        Box::pin(async move {
            let (metadata, _, messages) = request.into_parts();
            match name.as_str() {
                "/test.Calls/Refuse" => return Err(failure("no such thing")),
                "/test.Calls/Hang" => std::future::pending::<()>().await,
                _ => {}
            }
            let (send, receive) = tokio::sync::mpsc::channel(1);
            tokio::spawn(answer(name, messages, send, running));
            let mut response = Response::new(ReceiverStream::new(receive));
            if let Some(said) = metadata.get("x-said") {
                response.metadata_mut().insert("x-heard", said.clone());
            }
            Ok(response)
        })
    }
}

type Send = tokio::sync::mpsc::Sender<Result<Bytes, Status>>;

async fn answer(name: String, mut messages: Streaming<Bytes>, send: Send, mut running: Running) {
    let whole = async {
        let mut bytes = 0;
        while let Some(message) = messages.message().await.ok()? {
            bytes += message.len();
            match name.as_str() {
                "/test.Calls/Sum" => {}
                // As many messages as it has bytes.
                "/test.Calls/Count" => {
                    for number in 0..message.len() {
                        send.send(Ok(number.to_string().into())).await.ok()?;
                    }
                }
                _ => send.send(Ok(message)).await.ok()?,
            }
        }
        match name.as_str() {
            "/test.Calls/Sum" => send.send(Ok(bytes.to_string().into())).await.ok()?,
            "/test.Calls/Fail" => send.send(Err(failure("it went wrong"))).await.ok()?,
            _ => {}
        }
        Some(())
    };
    tokio::select! {
        whole = whole => running.is_whole = whole.is_some(),
        // Nobody reads what is still to come.
        () = send.closed() => {}
    }
}

fn failure(message: &str) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-reason", "because".parse().expect("a value"));
    metadata.insert_bin("x-detail-bin", tonic::metadata::MetadataValue::from_bytes(&[0, 1, 255]));
    Status::with_metadata(Code::FailedPrecondition, message, metadata)
}

/// A call that is being answered.
struct Running {
    seen: Arc<Mutex<Seen>>,
    is_whole: bool,
}

impl Running {
    fn begin(seen: &Arc<Mutex<Seen>>, metadata: &MetadataMap) -> Self {
        let mut locked = seen.lock().unwrap_or_else(PoisonError::into_inner);
        locked.metadata.push(metadata.clone());
        locked.running += 1;
        Self { seen: Arc::clone(seen), is_whole: false }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.running -= 1;
        seen.dropped += usize::from(!self.is_whole);
    }
}
