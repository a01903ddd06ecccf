//! HTTP/2 with prior knowledge, by hyper's client.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// A `GET` with the URL that HTTP/2 wants: `http://host/path`.
pub fn get(url: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(url).body(Full::default()).expect("a valid URL")
}

/// Sends all requests at once on one connection; the responses are in the order of the requests.
///
/// # Panics
/// When one is not answered.
pub fn send(address: SocketAddr, requests: Vec<http::Request<Full<Bytes>>>) -> Vec<http::Response<Bytes>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await.expect("it is accepted");
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        let answers: Vec<_> = requests
            .into_iter()
            .map(|request| {
                let mut sender = sender.clone();
                tokio::spawn(async move {
                    let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
                    http::Response::from_parts(head, body.collect().await.expect("a whole body").to_bytes())
                })
            })
            .collect();
        let mut responses = Vec::new();
        for answer in answers {
            responses.push(answer.await.expect("no panic"));
        }
        responses
    })
}
