//! One client connection, from the accept to its close.

use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::accept::Open;
use super::patience::{Busy, News, Patience};
use super::{Settings, http2};
use crate::http1::HeadError;
use crate::http1::server::{self, HeadLimits, Next};
use crate::proxy::{ClientBody, Connection, Proxy};

/// What an HTTP/2 client says first (RFC 9113, section 3.4). No HTTP/1 request begins like it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Read to find out which protocol a client speaks.
const FIRST_READ: usize = 1024;
/// How long a connection that is over is read, so that its last answer arrives.
const FAREWELL: std::time::Duration = std::time::Duration::from_secs(2);

/// What belongs to one connection, whatever it speaks.
pub(super) struct Served {
    pub(super) open: Open,
    pub(super) settings: Rc<Settings>,
    pub(super) patience: Rc<Patience>,
    pub(super) client: Rc<Connection>,
    pub(super) proxy: Rc<Proxy>,
    pub(super) peer: SocketAddr,
}

pub(super) async fn serve(open: Open, stream: TcpStream, peer: SocketAddr, settings: Rc<Settings>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("{peer}: {error}");
    }
    let served = Served {
        proxy: Rc::clone(&open.shared.proxy),
        patience: open.shared.patients.patience(settings.header_timeout, settings.idle_timeout),
        client: Rc::new(Connection::new(peer, settings.headers)),
        open,
        settings,
        peer,
    };
    match (served.settings.http1, served.settings.http2) {
        (true, false) => http1(served, stream, BytesMut::new()).await,
        (false, true) => Box::pin(http2::serve(served, stream, BytesMut::new())).await,
        _ => match first_bytes(&served, stream).await {
            Some((stream, input)) if input.starts_with(PREFACE) => {
                Box::pin(http2::serve(served, stream, input)).await;
            }
            Some((stream, input)) => http1(served, stream, input).await,
            None => {}
        },
    }
}

/// Reads until it is clear what the client speaks, or the connection is over.
async fn first_bytes(served: &Served, mut stream: TcpStream) -> Option<(TcpStream, BytesMut)> {
    let mut input = BytesMut::new();
    loop {
        input.reserve(FIRST_READ);
        tokio::select! {
            biased;
            read = stream.read_buf(&mut input) => if read.ok()? == 0 {
                return None;
            },
            _ = served.patience.news() => return None,
        }
        if !PREFACE.starts_with(&input) || input.len() >= PREFACE.len() {
            return Some((stream, input));
        }
    }
}

/// Serves HTTP/1 until one side has enough.
async fn http1(served: Served, stream: TcpStream, input: BytesMut) {
    let limits = HeadLimits { bytes: served.settings.header_bytes, fields: served.settings.headers };
    let connection = server::Connection::new(stream, input, limits);
    let is_late = {
        let mut requests = pin!(requests(&served, &connection));
        loop {
            tokio::select! {
                biased;
                arrives = requests.as_mut() => match arrives {
                    true => break false,
                    false => return,
                },
                news = served.patience.news() => match news {
                    News::Drain => {
                        connection.close();
                        if served.patience.is_idle() {
                            return;
                        }
                    }
                    News::Head if connection.has_begun() => break true,
                    News::Head | News::Idle => return,
                },
            }
        }
    };
    if is_late {
        let response = served.proxy.malformed(HeadError::Late, &served.client);
        let answer = connection.respond(&http::Method::GET, http::Version::HTTP_11, response);
        if !matches!(tokio::time::timeout(FAREWELL, answer).await, Ok(Ok(_))) {
            return;
        }
    }
    let _ = tokio::time::timeout(FAREWELL, connection.linger()).await;
}

/// One request after the other. Answers whether the last answer has yet to arrive.
async fn requests(served: &Served, connection: &server::Connection) -> bool {
    let Served { patience, proxy, client, .. } = served;
    loop {
        match connection.next(|| patience.received()).await {
            Next::Request(request) => {
                let busy = Patience::busy(patience);
                let (method, version) = (request.method().clone(), request.version());
                // Pinned here, for it is large and would be copied on its way.
                let response = pin!(proxy.handle(request.map(ClientBody::Http1), client));
                let Some(response) = connection.unless_gone(response).await else { return false };
                match connection.respond(&method, version, response).await {
                    Ok(true) => drop::<Busy>(busy),
                    Ok(false) => return true,
                    Err(error) => {
                        tracing::debug!("connection of {}: {error}", served.peer);
                        return false;
                    }
                }
            }
            Next::Malformed(error) => {
                connection.close();
                let response = proxy.malformed(error, client);
                return connection.respond(&http::Method::GET, http::Version::HTTP_11, response).await.is_ok();
            }
            Next::Closed => return false,
        }
    }
}
