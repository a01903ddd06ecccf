//! WebSocket (RFC 6455) through the gateway, by a client and a server that many programs use.

use std::net::{SocketAddr, TcpListener};
use std::thread;

use tests::tls::{Authority, Tls};
use tests::{Client, Gateway, Signal, wait_for};
use tungstenite::client::ClientRequestBuilder;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::{everything_to, gateway, gateway_to};

/// A WebSocket server that says back what it is told.
struct Echo {
    address: SocketAddr,
}

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    // A request that asks for something else, or for nothing, is answered by the handshake.
                    let Ok(mut socket) = tungstenite::accept(stream) else { return };
                    while let Ok(message) = socket.read() {
                        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Shakes hands on this connection; the error is the status of an answer that is no `101`.
fn try_open(client: Client, path: &str, headers: &[(&str, &str)]) -> Result<WebSocket<Client>, u16> {
    let url = format!("ws://gateway.test{path}").parse().expect("a URL");
    let request = headers
        .iter()
        .fold(ClientRequestBuilder::new(url), |request, (name, value)| request.with_header(*name, *value));
    match tungstenite::client(request, client) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

fn open(gateway: &Gateway, path: &str) -> WebSocket<Client> {
    try_open(gateway.client(), path, &[]).expect("a handshake")
}

#[track_caller]
fn says_back(socket: &mut WebSocket<Client>, text: &str) {
    socket.send(Message::text(text)).expect("it is open");
    assert_eq!(socket.read().expect("an echo"), Message::text(text));
}

/// Closes as the protocol has it, and waits until the other side has closed the connection.
fn close(mut socket: WebSocket<Client>) -> CloseFrame {
    let frame = CloseFrame { code: CloseCode::Normal, reason: "enough".into() };
    socket.close(Some(frame)).expect("it is open");
    let Message::Close(Some(answer)) = socket.read().expect("an answer") else { panic!("it closes") };
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    answer
}

fn has_tunnels(gateway: &Gateway, count: f64) {
    wait_for("tunnels", || (gateway.metric("tollgate_tunnels") == count).then_some(()));
}

#[test]
fn messages_of_every_size_come_back() {
    let echo = Echo::start();
    let gateway = gateway_to(&echo.url(), "");
    let mut socket = open(&gateway, "/chat");
    for size in [0, 1, 125, 126, 65_535, 65_536, 8 << 20] {
        let message = Message::binary((0..size).map(|at: usize| (at % 251) as u8).collect::<Vec<_>>());
        socket.send(message.clone()).expect("it is open");
        assert!(socket.read().expect("an echo") == message, "{size} bytes");
    }
    socket.send(Message::Ping("are you there".into())).expect("it is open");
    assert_eq!(socket.read().expect("an answer"), Message::Pong("are you there".into()));
}

#[test]
fn it_closes_as_its_protocol_has_it_and_is_logged_then() {
    let echo = Echo::start();
    let gateway = gateway_to(&echo.url(), "");
    let mut socket = open(&gateway, "/chat");
    says_back(&mut socket, "hello");
    has_tunnels(&gateway, 1.0);
    assert!(gateway.access_log().is_empty());
    assert_eq!(close(socket).reason.as_str(), "enough");
    let line = gateway.wait_for_access("/chat");
    assert_eq!((&line["status"], &line["completed"]), (&101.into(), &true.into()), "{line}");
    // Frames of a client are masked: 6 bytes more than 5, and 6 more than 8; the server's take 2.
    assert_eq!((&line["requestBytes"], &line["responseBytes"]), (&25.into(), &17.into()), "{line}");
    has_tunnels(&gateway, 0.0);
    assert_eq!(gateway.metric("tollgate_requests_total{route=\"everything\",status=\"101\"}"), 1.0);
}

#[test]
fn without_a_key_there_is_no_tunnel() {
    let echo = Echo::start();
    let config = "[[consumer]]\nname = \"acme\"\ncredentials = [{ key = \"key-of-acme\" }]\n";
    let plugins = "plugins = [\"key-auth\", \"rate-limit\", \"transform\"]\n\
        [[plugin]]\nsource = \"rate-limit\"\nconfig = { limit = 100, window = \"60s\" }\n\
        [[plugin]]\nsource = \"transform\"\nconfig.response.headers.set = { x-served-by = \"gateway\" }\n";
    let gateway = gateway(&format!("{config}{}", everything_to(&echo.url(), plugins)));
    assert_eq!(try_open(gateway.client(), "/chat", &[]).err(), Some(401));
    assert_eq!(try_open(gateway.client(), "/chat", &[("x-api-key", "another")]).err(), Some(401));
    has_tunnels(&gateway, 0.0);
    let mut socket = try_open(gateway.client(), "/known", &[("x-api-key", "key-of-acme")]).expect("a handshake");
    says_back(&mut socket, "hello");
    close(socket);
    let line = gateway.wait_for_access("/known");
    assert_eq!((&line["status"], &line["consumer"]), (&101.into(), &"acme".into()), "{line}");
}

#[test]
fn it_is_spoken_over_tls_too() {
    let (authority, echo) = (Authority::new(), Echo::start());
    let issued = authority.issue(&["gateway.test"]);
    let listener =
        "[[listener]]\naddress = \"127.0.0.1:0\"\ntls = { cert = \"cert.pem\", key = \"key.pem\" }\n".to_owned();
    let gateway = crate::builder(&(listener + &everything_to(&echo.url(), "")))
        .file("cert.pem", &issued.cert)
        .file("key.pem", &issued.key)
        .start();
    let tls = Tls::new(&authority, &["http/1.1"]);
    let client = tls.connect(gateway.address(), "gateway.test");
    let mut socket = try_open(client, "/chat", &[]).expect("a handshake");
    says_back(&mut socket, &"hello".repeat(100_000));
    close(socket);
    assert_eq!(gateway.wait_for_access("/chat")["completed"], true);
}

#[test]
fn tunnels_go_on_over_a_reload() {
    const TUNNELS: usize = 40;
    let echo = Echo::start();
    let gateway = gateway_to(&echo.url(), "");
    let mut sockets: Vec<_> = (0..TUNNELS).map(|at| open(&gateway, &format!("/{at}"))).collect();
    gateway.reload(&everything_to(&echo.url(), "upgrade = false\npreserve-host = false"));
    for (at, socket) in sockets.iter_mut().enumerate() {
        says_back(socket, &format!("still {at}"));
    }
    has_tunnels(&gateway, TUNNELS as f64);
    // Who comes now is served by the new config: the upstream is not asked to switch, and says that it should be.
    assert!(try_open(gateway.client(), "/new", &[]).is_err());
    gateway.reload(&everything_to("internal:echo", ""));
    for (at, mut socket) in sockets.into_iter().enumerate() {
        says_back(&mut socket, "and still");
        close(socket);
        assert_eq!(gateway.wait_for_access(&format!("/{at}"))["completed"], true);
    }
}

#[test]
fn a_stopping_gateway_lets_tunnels_end() {
    let echo = Echo::start();
    let mut gateway = gateway_to(&echo.url(), "");
    let mut socket = open(&gateway, "/chat");
    gateway.signal(Signal::TERM);
    gateway.wait_for_log("stopping");
    says_back(&mut socket, "one more thing");
    close(socket);
    assert_eq!(gateway.wait_exit().code(), Some(0));
    assert_eq!(gateway.wait_for_access("/chat")["completed"], true);
}

#[test]
fn a_tunnel_that_does_not_end_in_time_is_cut() {
    let echo = Echo::start();
    let config = format!("[gateway]\nshutdown-timeout = \"100ms\"\n{}", everything_to(&echo.url(), ""));
    let mut gateway = gateway(&config);
    let mut socket = open(&gateway, "/chat");
    says_back(&mut socket, "hello");
    gateway.signal(Signal::TERM);
    assert!(matches!(socket.read(), Err(Error::Io(_) | Error::Protocol(_))));
    assert_eq!(gateway.wait_exit().code(), Some(0));
    gateway.wait_for_log("1 exchange was cut after 100ms");
    let line = gateway.wait_for_access("/chat");
    assert_eq!(
        (&line["status"], &line["completed"], &line["problem"]),
        (&101.into(), &false.into(), &"shutdown".into())
    );
}
