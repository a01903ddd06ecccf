//! An upstream that speaks what ALPN agrees on, by hyper: HTTP/2 or HTTP/1.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Answers each request with its version, scheme and authority: `HTTP/2.0 https users.test`. It accepts as long as the
/// process lives.
pub struct AgreeingUpstream {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl AgreeingUpstream {
    /// `config` says what it agrees to.
    pub fn start(config: Arc<ServerConfig>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("it is ours");
        let address = listener.local_addr().expect("it is bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("it does not block");
                let acceptor = TlsAcceptor::from(config);
                while let Ok((stream, _)) = listener.accept().await {
                    count.fetch_add(1, SeqCst);
                    tokio::spawn(serve(acceptor.clone(), stream));
                }
            });
        });
        Self { address, connections }
    }

    /// As an endpoint in a config.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// How many connections were ever opened.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let (stream, service) = (TokioIo::new(stream), service_fn(answer));
    // How a connection ends, the other side tells.
    let _ = match is_http2 {
        true => http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await,
        false => http1::Builder::new().serve_connection(stream, service).await,
    };
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok());
    let authority = request.uri().authority().map(|authority| authority.as_str()).or(host);
    let scheme = request.uri().scheme_str().unwrap_or("-");
    let text = format!("{:?} {scheme} {}", request.version(), authority.unwrap_or("-"));
    Ok(Response::new(Full::from(text)))
}
