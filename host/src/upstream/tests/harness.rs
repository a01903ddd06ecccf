//! Scripted endpoints, and a worker to send to them from.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{Request, Response, header};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::http1::Socket;
use crate::http1::client::{self, Fields};
use crate::http1::server::{self, HeadLimits, Next};
use crate::upstream::*;

/// A response and who gave it.
#[derive(Debug)]
pub(in crate::upstream) struct Answer {
    pub(in crate::upstream) response: Response<UpstreamBody>,
    pub(in crate::upstream) endpoint: Arc<str>,
}

/// Runs a test as a worker would, on one thread. A test that hangs fails.
pub(in crate::upstream) fn worker<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let limited = async { tokio::time::timeout(Duration::from_secs(20), test).await };
    LocalSet::new().block_on(&runtime.expect("a runtime"), limited).expect("the test ends in time")
}

/// An endpoint: `script` plays the part of the server on each connection, with its number.
pub(in crate::upstream) struct Scripted {
    pub(in crate::upstream) address: SocketAddr,
    accepted: Rc<Cell<usize>>,
}

impl Scripted {
    pub(in crate::upstream) async fn start<F: Future<Output = ()> + 'static>(
        script: impl Fn(Peer, usize) -> F + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Rc::new(Cell::new(0));
        let count = Rc::clone(&accepted);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.replace(count.get() + 1);
                tokio::task::spawn_local(script(Peer { stream }, number));
            }
        });
        Self { address, accepted }
    }

    /// Answers the first request of its one connection, and tells when that is closed.
    pub(in crate::upstream) async fn until_closed(answer: &'static str) -> (Self, oneshot::Receiver<()>) {
        let (closed, seen) = oneshot::channel();
        let closed = Cell::new(Some(closed));
        let endpoint = Self::start(move |mut peer, _| {
            let closed = closed.take();
            async move {
                peer.head().await;
                peer.write(answer).await;
                peer.rest().await;
                closed.expect("one connection").send(()).expect("the test waits");
            }
        });
        (endpoint.await, seen)
    }

    /// Answers every request on every connection with the same bytes.
    pub(in crate::upstream) async fn always(answer: &'static str) -> Self {
        Self::start(move |mut peer, _| async move {
            while peer.head().await.is_some() {
                peer.write(answer).await;
            }
        })
        .await
    }

    pub(in crate::upstream) fn connections(&self) -> usize {
        self.accepted.get()
    }
}

/// The other end of a connection, in raw bytes.
pub(in crate::upstream) struct Peer {
    stream: TcpStream,
}

impl Peer {
    pub(in crate::upstream) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("it listens") }
    }

    /// Reads up to the empty line; `None` when the connection is closed.
    pub(in crate::upstream) async fn head(&mut self) -> Option<String> {
        self.until("\r\n\r\n").await
    }

    /// Reads up to `end`; `None` when the connection is closed before that.
    pub(in crate::upstream) async fn until(&mut self, end: &str) -> Option<String> {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            read.push(self.stream.read_u8().await.ok()?);
        }
        Some(String::from_utf8(read).expect("tests speak ASCII"))
    }

    /// Everything until the connection is closed, however it is closed.
    pub(in crate::upstream) async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        while let Ok(byte) = self.stream.read_u8().await {
            read.push(byte);
        }
        String::from_utf8(read).expect("tests speak ASCII")
    }

    /// Whether it could be written. Most scripts need not know: it shows in what the other side
    /// reads.
    pub(in crate::upstream) async fn write(&mut self, text: &str) -> bool {
        self.stream.write_all(text.as_bytes()).await.is_ok()
    }
}

/// Plain settings: patient, and keeping connections.
pub(in crate::upstream) fn upstream(endpoints: &[&Scripted]) -> Upstream {
    let addresses: Vec<_> = endpoints.iter().map(|endpoint| endpoint.address).collect();
    upstream_at(&addresses)
}

pub(in crate::upstream) fn upstream_at(addresses: &[SocketAddr]) -> Upstream {
    let name = "test".into();
    let endpoint = |address: &SocketAddr| Endpoint::new(&name, Address::tcp(Protocol::Http1, *address), 1);
    Upstream {
        name: Arc::clone(&name),
        endpoints: addresses.iter().map(endpoint).collect(),
        balancer: Balancer::RoundRobin,
        connect_timeout: Duration::from_secs(10),
        response_timeout: Duration::from_secs(10),
        idle_timeout: None,
        total_timeout: None,
        keep_alive: KeepAlive { connections: 8, idle_timeout: Duration::from_secs(60), ..KeepAlive::NONE },
        retry: None,
        limit: None,
        failover: None,
        slow_start: None,
        panic_threshold: 0,
        health: None,
        ejection: Ejection::never(),
        standing: Arc::default(),
    }
}

/// Once more, where nothing was done.
pub(in crate::upstream) fn retry() -> Retry {
    Retry {
        attempts: 2,
        on_connect: true,
        on_reset: false,
        on_timeout: false,
        statuses: Vec::new(),
        methods: Vec::new(),
        buffer: 0,
        per_try: None,
        budget: 200,
        back_off: Duration::from_millis(1),
    }
}

pub(in crate::upstream) fn echo() -> WorkerUpstreams {
    let address = Address::Internal(Internal::Echo);
    let endpoints = vec![Endpoint::new(&"test".into(), address, 1)];
    WorkerUpstreams::new(&[Upstream { endpoints, ..upstream_at(&[]) }])
}

pub(in crate::upstream) fn get(path: &str) -> Request<RequestBody> {
    Request::get(path).body(RequestBody::empty()).expect("a good path")
}

impl WorkerUpstreams {
    pub(in crate::upstream) async fn get(&self, path: &str) -> Result<Answer, UpstreamError> {
        self.ask(get(path), None).await
    }

    /// Sends to the first upstream.
    pub(in crate::upstream) async fn ask(
        &self,
        request: Request<RequestBody>,
        timeout: Option<Duration>,
    ) -> Result<Answer, UpstreamError> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let fields = Fields { came: &head.headers, edits: &[] };
        let request =
            client::Request { method: &head.method, target: &target, fields, takes_trailers: false, upgrade: None };
        let caller = Caller { headers: &head.headers, address: [127, 0, 0, 1].into(), secure: false, ends: None };
        let overrides = Overrides { response: timeout, ..Overrides::default() };
        let mut tries = Tries::default();
        let response = self.send(0, request, body, &caller, overrides, &mut tries).await?;
        Ok(Answer { response, endpoint: tries.endpoint.expect("who answered") })
    }

    /// Sends, and reads the body to its end.
    pub(in crate::upstream) async fn fetch(&self, path: &str) -> String {
        text(self.get(path).await.expect("an answer").response).await.expect("a whole body")
    }

    /// Why there is no answer.
    pub(in crate::upstream) async fn reason(&self) -> &'static str {
        self.get("/").await.expect_err("no answer").reason()
    }

    pub(in crate::upstream) fn in_flight(&self) -> Vec<u32> {
        self.upstreams[0].endpoints.iter().map(|endpoint| endpoint.in_flight()).collect()
    }

    pub(in crate::upstream) fn idle(&self) -> Vec<usize> {
        self.upstreams[0].endpoints.iter().map(|endpoint| endpoint.idle.len()).collect()
    }
}

pub(in crate::upstream) async fn text(response: Response<UpstreamBody>) -> Result<String, AnswerBodyError> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.into()).expect("tests speak ASCII"))
}

/// A gateway with nothing in it: the codec in front of `upstreams`, for bodies that come from a real client. Failures
/// are answered with 502 and their reason.
pub(in crate::upstream) async fn gateway(upstreams: Rc<WorkerUpstreams>, limit: Option<u64>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(serve(stream, Rc::clone(&upstreams), limit));
        }
    });
    address
}

async fn serve(stream: TcpStream, upstreams: Rc<WorkerUpstreams>, limit: Option<u64>) {
    let limits = HeadLimits { bytes: 64 * 1024, fields: 100, target: 8 * 1024 };
    let connection = server::Connection::new(Socket::Plain(stream), BytesMut::new(), limits);
    while let Next::Request(request) = connection.next(|| {}).await {
        let (method, version) = (request.method().clone(), request.version());
        let body = |body| RequestBody::incoming(ClientBody::Http1(body), BodyMeter::new(limit));
        let mut request = request.map(body);
        for name in [header::TRANSFER_ENCODING, header::TRAILER] {
            request.headers_mut().remove(name);
        }
        let answer = Box::pin(upstreams.ask(request, None));
        let Some(answer) = connection.unless_gone(std::pin::pin!(answer)).await else { return };
        let mut response = answer.map_or_else(refusal, |answer| answer.response);
        response.headers_mut().remove(header::TRANSFER_ENCODING);
        if !matches!(connection.respond(&method, version, response).await, Ok(true)) {
            return;
        }
    }
}

fn refusal(error: UpstreamError) -> Response<UpstreamBody> {
    let mut response = Response::new(UpstreamBody::full(Bytes::from_static(error.reason().as_bytes())));
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}
