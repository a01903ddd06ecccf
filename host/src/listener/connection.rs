//! One client connection, from the accept to its close.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use bytes::BytesMut;
use http::{Response, StatusCode};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::accept::Open;
use super::patience::{Busy, News, Patience};
use super::refusals::Why;
use super::stalls::Stalls;
use super::tls::{self, Greeted, Secure, Tls};
use super::{Settings, http2, proxied};
use crate::http1::server::{self, HeadLimits, Next};
use crate::http1::{HeadError, Socket};
use crate::proxy::{Body, ClientBody, Connection, Proxy};
use crate::telemetry::metrics::HandshakeFailure;
use crate::wire::peer::Peer;
use crate::wire::proxy_protocol::{Ends, Source};

/// What an HTTP/2 client says first (RFC 9113, section 3.4). No HTTP/1 request begins like it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Read to find out which protocol a client speaks.
const FIRST_READ: usize = 1024;
/// How long a connection that is over is read, so that its last answer arrives.
pub(super) const FAREWELL: std::time::Duration = std::time::Duration::from_secs(2);

/// What belongs to one connection, whatever it speaks.
pub(super) struct Served {
    pub(super) open: Open,
    pub(super) settings: Rc<Settings>,
    pub(super) patience: Rc<Patience>,
    pub(super) client: Rc<Connection>,
    pub(super) proxy: Rc<Proxy>,
    pub(super) peer: Peer,
}

/// `from` is `None` for who comes through a Unix socket.
pub(super) async fn serve(mut open: Open, mut socket: Socket, mut from: Option<SocketAddr>, settings: Rc<Settings>) {
    let mut peer = from.map_or(Peer::Unix, Peer::from);
    if settings.proxied.contain(peer) {
        // Boxed, so that other connections keep no room for it.
        match Box::pin(source(&open, &mut socket, peer, &settings)).await {
            Some(Source::Client(address)) => (from, peer) = (Some(address), address.into()),
            Some(Source::Proxy) => {}
            None => return,
        }
    }
    let ends = if settings.tells_ends { ends(from, &socket) } else { None };
    if !open.admits(peer, &settings) {
        open.shared.proxy.metrics().refusals.of_address.increment();
        Why::FullAddress.tell(
            open.told(),
            peer,
            &"as many of its address are open as `connections-per-address` allows",
        );
        return socket.reset_on_close(true);
    }
    if let Socket::Plain(stream) = &socket
        && let Err(error) = stream.set_nodelay(true)
    {
        tracing::debug!("{peer}: {error}");
    }
    if let Some(tls) = settings.tls.clone() {
        // Only they can have TLS, says who checks the configuration.
        let Socket::Plain(stream) = socket else { return };
        // Boxed, so that plain connections keep no room for a handshake.
        return Box::pin(secure(open, stream, peer, ends, settings, tls)).await;
    }
    let client = Connection::new(peer, settings.limits.headers, "http").between(ends);
    let served = Served::new(open, peer, settings, client);
    match (served.settings.http1, served.settings.http2) {
        (true, false) => http1(served, socket, BytesMut::new()).await,
        (false, true) => Box::pin(http2::serve(served, socket, BytesMut::new())).await,
        _ => match first_bytes(&served, socket).await {
            Some((socket, input)) if input.starts_with(PREFACE) => {
                Box::pin(http2::serve(served, socket, input)).await;
            }
            Some((socket, input)) => http1(served, socket, input).await,
            None => {}
        },
    }
}

/// Where a connection comes from and where it was accepted, as far as there are addresses.
fn ends(from: Option<SocketAddr>, socket: &Socket) -> Option<Ends> {
    let source = from?;
    let accepted = match socket {
        Socket::Plain(stream) => stream.local_addr().ok(),
        Socket::Unix(_) | Socket::Tls(_) => None,
    };
    let nowhere = || SocketAddr::new(Peer::Unix.address(), 0);
    Some(Ends { source, destination: accepted.unwrap_or_else(nowhere) })
}

/// Who a peer that is to speak the PROXY protocol says the client is; none if it does not say it in time, or at all.
async fn source(open: &Open, socket: &mut Socket, peer: Peer, settings: &Settings) -> Option<Source> {
    let patience = open.shared.patients.patience(settings.limits.header_timeout, settings.limits.idle_timeout);
    let source = tokio::select! {
        biased;
        source = proxied::source(socket) => source,
        news = patience.news() => match news {
            News::Drain => return None,
            // Nobody asked for looks.
            News::Head | News::Idle | News::Look => Err(io::ErrorKind::TimedOut.into()),
        },
    };
    match source {
        Ok(source) => Some(source),
        Err(error) => {
            open.shared.proxy.metrics().refusals.proxy_protocol.increment();
            Why::ProxyProtocol.tell(open.told(), peer, &error);
            None
        }
    }
}

/// Serves what was agreed on in the handshake, and only that.
async fn secure(open: Open, stream: TcpStream, peer: Peer, ends: Option<Ends>, settings: Rc<Settings>, tls: Tls) {
    let worker = open.shared.worker;
    let greeted = {
        let patience = open.shared.patients.patience(settings.limits.handshake_timeout, settings.limits.idle_timeout);
        tokio::select! {
            biased;
            greeted = tls.greet(stream) => greeted,
            // It takes too long, or the worker drains and nothing was asked yet.
            news = patience.news() => {
                let draining = matches!(news, News::Drain);
                let why = if draining { HandshakeFailure::Shutdown } else { HandshakeFailure::Timeout };
                Why::Handshake(why).tell(open.told(), peer, &"it took too long");
                return tls.metrics.failed(worker, why);
            }
        }
    };
    match greeted {
        Ok(Greeted::Secure(Secure { socket, http2, version, resumed, certificate })) => {
            tls.metrics.shaken(worker, version, resumed);
            let client = Connection::new(peer, settings.limits.headers, "https").verified(certificate).between(ends);
            let served = Served::new(open, peer, settings, client);
            match (http2, served.settings.http1) {
                (true, _) => http2::serve(served, socket, BytesMut::new()).await,
                (false, true) => http1(served, socket, BytesMut::new()).await,
                (false, false) => tracing::debug!("{peer}: the client did not agree to HTTP/2"),
            }
        }
        Ok(Greeted::Plain(stream)) => {
            tls.metrics.failed(worker, HandshakeFailure::PlainHttp);
            Why::Handshake(HandshakeFailure::PlainHttp).tell(open.told(), peer, &HeadError::WithoutTls);
            let limits = limits(&settings);
            let client = Connection::new(peer, settings.limits.headers, "http");
            let served = Served::new(open, peer, settings, client);
            let connection = server::Connection::new(Socket::Plain(stream), BytesMut::new(), limits);
            connection.close();
            refuse(&served, connection, HeadError::WithoutTls).await;
        }
        Err((error, stream)) => {
            let why = tls::failure(&error);
            tls.metrics.failed(worker, why);
            Why::Handshake(why).tell(open.told(), peer, &tls::told(&error));
            // With TLS 1.3 a client has shaken hands before its certificate is looked at, and sends its request: a reset
            // would be all that it hears of the alert.
            if let Some(stream) = stream {
                let _ = tokio::time::timeout(FAREWELL, Socket::Plain(stream).linger()).await;
            }
        }
    }
}

impl Served {
    fn new(open: Open, peer: Peer, settings: Rc<Settings>, client: Connection) -> Self {
        Self {
            proxy: Rc::clone(&open.shared.proxy),
            patience: open.shared.patients.patience(settings.limits.header_timeout, settings.limits.idle_timeout),
            client: Rc::new(client.through(settings.name.clone()).with_most_target(settings.limits.target_bytes)),
            open,
            settings,
            peer,
        }
    }
}

/// Reads until it is clear what the client speaks, or the connection is over.
async fn first_bytes(served: &Served, mut stream: Socket) -> Option<(Socket, BytesMut)> {
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
async fn http1(served: Served, socket: Socket, input: BytesMut) {
    let connection = server::Connection::new(socket, input, limits(&served.settings));
    served.patience.watch(Stalls::new(connection.progress(), &served.settings));
    let end = {
        let mut requests = pin!(requests(&served, &connection));
        loop {
            tokio::select! {
                biased;
                arrives = requests.as_mut() => match arrives {
                    true => break End::Answered,
                    false => return,
                },
                news = served.patience.news() => match news {
                    News::Drain => {
                        connection.close();
                        if served.patience.is_idle() {
                            break End::Idle;
                        }
                    }
                    News::Head if connection.has_begun() => break End::Late,
                    News::Head | News::Idle => break End::Idle,
                    News::Look => {}
                },
            }
        }
    };
    match end {
        End::Answered => linger(connection).await,
        End::Late => refuse(&served, connection, HeadError::Late).await,
        End::Idle => connection.leave().await,
    }
}

fn limits(settings: &Settings) -> HeadLimits {
    HeadLimits {
        bytes: settings.limits.header_bytes,
        fields: settings.limits.headers,
        target: settings.limits.target_bytes,
    }
}

/// How a connection ends that the client did not end.
enum End {
    /// The last answer has yet to arrive.
    Answered,
    /// A part of a head is there, and for too long.
    Late,
    /// Nobody waits for anything.
    Idle,
}

/// Answers what is no request, and closes.
async fn refuse(served: &Served, connection: server::Connection, error: HeadError) {
    let response = served.proxy.malformed(error, &served.client);
    let answer = connection.respond(&http::Method::GET, http::Version::HTTP_11, response);
    if matches!(tokio::time::timeout(FAREWELL, answer).await, Ok(Ok(_))) {
        linger(connection).await;
    }
}

async fn linger(connection: server::Connection) {
    let _ = tokio::time::timeout(FAREWELL, connection.linger()).await;
}

/// One request after the other. Answers whether the last answer has yet to arrive.
async fn requests(served: &Served, connection: &server::Connection) -> bool {
    let Served { patience, proxy, client, settings, .. } = served;
    let mut count = 0;
    loop {
        match connection.next(|| patience.received()).await {
            Next::Request(request) => {
                count += 1;
                if settings.limits.requests.is_some_and(|most| count >= most.get()) {
                    connection.close();
                }
                let busy = Patience::busy(patience);
                let (method, version) = (request.method().clone(), request.version());
                // Pinned here, for it is large and would be copied on its way.
                let response = pin!(proxy.handle(request.map(ClientBody::Http1), client));
                let Some(response) = connection.unless_gone(response).await else { return false };
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    // Boxed, so that others keep no room for it.
                    Box::pin(tunnel(served, connection, response)).await;
                    return false;
                }
                let (head, mut body) = response.into_parts();
                match connection.respond(&method, version, Response::from_parts(head, &mut body)).await {
                    Ok(true) => drop::<Busy>(busy),
                    Ok(false) => return true,
                    Err(error) => {
                        tracing::debug!("connection of {}: {error}", served.peer);
                        if error.kind() == io::ErrorKind::TimedOut {
                            body.not_read();
                        }
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

/// Carries the bytes of the protocol that the upstream has switched to.
async fn tunnel(served: &Served, connection: &server::Connection, response: Response<Body>) {
    let (head, body) = response.into_parts();
    let Some((endpoint, mut tunnel)) = body.into_tunnel() else { return };
    let end = connection.switch(head, endpoint, |way, bytes| tunnel.carried(way, bytes)).await;
    if let Err(error) = &end {
        tracing::debug!("tunnel of {}: {error}", served.peer);
    }
    tunnel.end(&end);
}
