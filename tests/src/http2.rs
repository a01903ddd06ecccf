//! HTTP/2, with prior knowledge or over TLS, by hyper's client.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::PATIENCE;
use crate::tls::Tls;

/// A `GET` with the URL that HTTP/2 wants: `http://host/path`.
pub fn get(url: &str) -> Asked {
    http::Request::get(url).body(Full::default()).expect("a valid URL")
}

/// A request with its body.
pub type Asked = http::Request<Full<Bytes>>;
type Answer = http::Response<Bytes>;

/// Sends all requests at once on one connection; the responses are in the order of the requests.
///
/// # Panics
/// When one is not answered.
pub fn send(address: SocketAddr, requests: Vec<Asked>) -> Vec<Answer> {
    send_before(address, Vec::new(), requests).1
}

/// Sends `slow`, then `requests`, all on one connection. Answers how many of the slow ones were answered by the time
/// that all the others were, and the responses of those.
///
/// # Panics
/// When one of `requests` is not answered.
pub fn send_before(address: SocketAddr, slow: Vec<Asked>, requests: Vec<Asked>) -> (usize, Vec<Answer>) {
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        exchange(stream, slow, requests).await
    })
}

/// As [`send`], for responses of which some have no end: those are none.
///
/// # Panics
/// When one is not answered in time.
pub fn send_each(address: SocketAddr, requests: Vec<Asked>) -> Vec<Option<Answer>> {
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        let started: Vec<_> =
            requests.into_iter().map(|request| tokio::spawn(answer(sender.clone(), request))).collect();
        let mut answers = Vec::new();
        for started in started {
            answers.push(timeout(PATIENCE, started).await.expect("it is answered in time").expect("it ends").ok());
        }
        answers
    })
}

/// The heads of the responses to these requests on one connection, of whose bodies none is read: each may send `window`
/// bytes.
///
/// # Panics
/// When one is not answered.
pub fn heads(address: SocketAddr, window: u32, requests: Vec<Asked>) -> Vec<http::response::Parts> {
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        let mut answers = Vec::new();
        for request in requests {
            let answered = timeout(PATIENCE, sender.send_request(request)).await.expect("it is answered in time");
            answers.push(answered.expect("an answer").into_parts());
        }
        answers.into_iter().map(|(head, _)| head).collect()
    })
}

/// Sends a request whose body ends with these trailers.
///
/// # Panics
/// When it is not answered.
pub fn send_with_trailers(address: SocketAddr, request: Asked, trailers: HeaderMap) -> Answer {
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let (mut sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        let request = request.map(|body| body.with_trailers(async move { Some(Ok(trailers)) }).boxed());
        let answered = timeout(PATIENCE, sender.send_request(request)).await.expect("it is answered in time");
        let (head, body) = answered.expect("an answer").into_parts();
        http::Response::from_parts(head, body.collect().await.expect("a whole body").to_bytes())
    })
}

/// As [`send`], over TLS to who has a certificate for this name.
///
/// # Panics
/// When hands are not shaken, or one is not answered.
pub fn send_over(tls: &Tls, address: SocketAddr, name: &str, requests: Vec<Asked>) -> Vec<Answer> {
    let name = ServerName::try_from(name.to_owned()).expect("a valid name");
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let stream = TlsConnector::from(tls.config.clone()).connect(name, stream).await.expect("a handshake");
        exchange(stream, Vec::new(), requests).await.1
    })
}

/// Sends one request, and answers its body with its trailers.
///
/// # Panics
/// When it is not answered to its end.
pub fn send_whole(address: SocketAddr, request: Asked) -> (Bytes, Option<HeaderMap>) {
    block_on(async {
        let body = timeout(PATIENCE, send_alone(address, request)).await.expect("it is answered in time");
        let body = body.into_body().collect().await.expect("a whole body");
        let trailers = body.trailers().cloned();
        (body.to_bytes(), trailers)
    })
}

/// Sends one request with a body of any kind, and answers the status.
///
/// # Panics
/// When it is not answered.
pub fn send_body<B>(address: SocketAddr, request: http::Request<B>) -> StatusCode
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    block_on(async { timeout(PATIENCE, send_alone(address, request)).await.expect("it is answered in time").status() })
}

/// Sends the beginning of a body, and resets the stream when `begun` returns. The connection goes on until `over` returns.
///
/// # Panics
/// When it is answered.
pub fn reset_in_the_middle(
    address: SocketAddr,
    beginning: &'static str,
    begun: impl FnOnce() + Send + 'static,
    over: impl FnOnce() + Send + 'static,
) {
    block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        let request = http::Request::post("http://x/").body(Endless(Some(Bytes::from_static(beginning.as_bytes()))));
        tokio::select! {
            _ = sender.send_request(request.expect("a request")) => panic!("it is answered"),
            begun = tokio::task::spawn_blocking(begun) => begun.expect("it begins"),
        }
        tokio::task::spawn_blocking(over).await.expect("it ends");
    });
}

/// A body that begins, and then does not go on.
struct Endless(Option<Bytes>);

impl Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
    }
}

async fn send_alone<B>(address: SocketAddr, request: http::Request<B>) -> http::Response<Incoming>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + Unpin + 'static,
{
    let stream = TcpStream::connect(address).await.expect("it is accepted");
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    sender.send_request(request).await.expect("an answer")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    slow: Vec<Asked>,
    requests: Vec<Asked>,
) -> (usize, Vec<Answer>) {
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    let start = |request| {
        let answered = answer(sender.clone(), request);
        tokio::spawn(async { answered.await.expect("a whole answer") })
    };
    let slow: Vec<_> = slow.into_iter().map(start).collect();
    let started: Vec<_> = requests.into_iter().map(start).collect();
    let mut responses = Vec::new();
    for started in started {
        let response = timeout(PATIENCE, started).await.expect("it is answered in time");
        responses.push(response.expect("it is answered"));
    }
    (slow.iter().filter(|slow| slow.is_finished()).count(), responses)
}

async fn answer(mut sender: http2::SendRequest<Full<Bytes>>, request: Asked) -> hyper::Result<Answer> {
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(http::Response::from_parts(head, body.collect().await?.to_bytes()))
}
