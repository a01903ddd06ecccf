//! Endpoints that speak HTTP/2: by a library, or in raw frames.

use std::cell::Cell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::harness::*;
use crate::upstream::*;

/// An endpoint on a free port.
pub(super) struct Endpoint {
    pub(super) address: SocketAddr,
    pub(super) accepted: Rc<Cell<usize>>,
}

/// A request as an endpoint gets it, and its answer.
pub(super) struct Asked {
    pub(super) request: Request<RecvStream>,
    pub(super) respond: SendResponse<Bytes>,
    /// Which of the endpoint's streams it is, counted from 0.
    pub(super) number: usize,
}

impl Endpoint {
    /// `serve` plays the endpoint's part of each connection.
    pub(super) async fn with<F: Future<Output = ()> + 'static>(
        serve: impl Fn(TcpStream, usize) -> F + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let accepted = Rc::new(Cell::new(0));
        let count = Rc::clone(&accepted);
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(serve(stream, count.replace(count.get() + 1)));
            }
        });
        Self { address, accepted }
    }

    /// `script` answers each stream; a connection may have `most` at once.
    pub(super) async fn start<F: Future<Output = ()> + 'static>(
        most: u32,
        script: impl Fn(Asked) -> F + 'static,
    ) -> Self {
        let (script, streams) = (Rc::new(script), Rc::new(Cell::new(0)));
        Self::with(move |stream, _| {
            let (script, streams) = (Rc::clone(&script), Rc::clone(&streams));
            async move {
                let mut builder = Builder::new();
                builder.max_concurrent_streams(most);
                let mut connection = builder.handshake(stream).await.expect("HTTP/2");
                while let Some(Ok((request, respond))) = connection.accept().await {
                    let number = streams.replace(streams.get() + 1);
                    tokio::task::spawn_local(script(Asked { request, respond, number }));
                }
            }
        })
        .await
    }

    pub(super) fn upstream(&self) -> Upstream {
        let mut upstream = upstream_at(&[self.address]);
        upstream.endpoints[0].address = Address::tcp(Protocol::Http2, self.address);
        upstream.keep_alive.ping_interval = Duration::from_secs(60);
        upstream
    }

    pub(super) fn worker(&self) -> WorkerUpstreams {
        WorkerUpstreams::new(&[self.upstream()])
    }
}

impl Asked {
    pub(super) fn say(mut self, text: impl Into<Bytes>) {
        // Who asked may have left.
        if let Ok(mut body) = self.respond.send_response(Response::new(()), false) {
            let _ = body.send_data(text.into(), true);
        }
    }

    /// The path, and the body to its end.
    pub(super) async fn read(&mut self) -> Result<(String, Vec<u8>, Option<HeaderMap>), h2::Error> {
        let path = self.request.uri().path().to_owned();
        let (body, mut bytes) = (self.request.body_mut(), Vec::new());
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len()).expect("it was received");
            bytes.extend_from_slice(&data);
        }
        Ok((path, bytes, body.trailers().await?))
    }

    pub(super) async fn repeat(mut self) {
        let (_, body, _) = self.read().await.expect("a whole body");
        self.say(body);
    }
}

pub(super) fn post(body: impl Into<Bytes>) -> Request<RequestBody> {
    Request::post("/").body(RequestBody::full(body)).expect("a request")
}

/// As many requests at once, each of which has to be answered.
pub(super) async fn at_once(upstreams: &WorkerUpstreams, count: usize) {
    let upstreams = &upstreams;
    let mut requests: Vec<_> = (0..count).map(|_| Box::pin(upstreams.fetch("/"))).collect();
    poll_fn(|context| {
        requests.retain_mut(|request| request.as_mut().poll(context).is_pending());
        if requests.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Frames in raw bytes: an endpoint that does what no library does. It says its settings and answers pings; the rest is
/// up to `script`, which is told the type and the stream of each frame, and says what to send, or that it falls silent.
pub(super) async fn frames(mut stream: TcpStream, script: impl Fn(u8, u32) -> Option<Vec<u8>>) {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.expect("a preface");
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await.expect("it is open");
    let mut head = [0; 9];
    while stream.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.expect("a whole frame");
        let (kind, flags, id) = (head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]));
        let Some(answer) = script(kind, id) else {
            // Its socket stays open, and nobody reads it.
            return std::future::pending().await;
        };
        let answer = match (kind, flags) {
            (SETTINGS, 0) => frame(SETTINGS, 1, 0, &[]),
            (PING, 0) => frame(PING, 1, 0, &payload),
            _ => answer,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `:status: 200`, and the end of the stream.
pub(super) fn ok(stream: u32) -> Vec<u8> {
    frame(HEADERS, 5, stream, &[0x88])
}
