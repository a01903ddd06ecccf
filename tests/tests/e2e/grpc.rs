//! gRPC by tonic on both sides: all kinds of calls, statuses, deadlines, cancellation, large messages, many calls.

mod service;

use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use tests::tls::{Authority, Tls};
use tests::{Gateway, Signal, wait_for};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, channel};
use tonic::client::Grpc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::{BoxFuture, Service, tokio_stream};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use crate::tls::secured;
use crate::{everything_to, gateway};
use service::{Calls, Raw};

/// The config of a gateway in front of a gRPC server; `more` is of its one route.
fn to(calls: &Calls, more: &str) -> String {
    everything_to(&calls.url(), more).replace("endpoints =", "protocol = \"http2\"\nendpoints =")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let limited = async { tokio::time::timeout(tests::PATIENCE, future).await };
    runtime.block_on(limited).expect("it ends in time")
}

/// A client with a connection of its own.
async fn client(address: SocketAddr) -> Client {
    let channel = Endpoint::from_shared(format!("http://{address}")).expect("a URL").connect().await;
    Client(Grpc::new(channel.expect("it is accepted")))
}

#[derive(Clone)]
struct Client(Grpc<Channel>);

type Said = Result<tonic::Response<Bytes>, Status>;

impl Client {
    async fn unary(&mut self, method: &str, message: impl Into<Bytes>) -> Said {
        self.ask(method, Request::new(message.into())).await
    }

    async fn ask(&mut self, method: &str, request: Request<Bytes>) -> Said {
        self.0.ready().await.expect("a connection");
        self.0.unary(request, path(method), Raw).await
    }

    async fn client_streaming(&mut self, method: &str, messages: Vec<Bytes>) -> Said {
        self.0.ready().await.expect("a connection");
        self.0.client_streaming(Request::new(tokio_stream::iter(messages)), path(method), Raw).await
    }

    async fn server_streaming(&mut self, method: &str, message: impl Into<Bytes>) -> Result<Streaming<Bytes>, Status> {
        self.0.ready().await.expect("a connection");
        let answer = self.0.server_streaming(Request::new(message.into()), path(method), Raw).await;
        answer.map(tonic::Response::into_inner)
    }

    /// A call in which both sides speak when they want to.
    async fn talk(&mut self, method: &str) -> (Sender<Bytes>, Streaming<Bytes>) {
        self.0.ready().await.expect("a connection");
        let (send, receive) = channel(1);
        let answer = self.0.streaming(Request::new(ReceiverStream::new(receive)), path(method), Raw).await;
        (send, answer.expect("an answer").into_inner())
    }
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.Calls/{method}").parse().expect("a path")
}

/// Says one word, and hears it.
async fn repeats(send: &Sender<Bytes>, heard: &mut Streaming<Bytes>, word: &'static str) {
    send.send(Bytes::from(word)).await.expect("it is open");
    assert_eq!(heard.message().await.expect("no error").expect("a message"), word);
}

/// All four kinds of calls, with long messages too.
async fn every_kind_of_call_works(client: &mut Client) {
    for length in [0, 1, 3_000_000] {
        let answer = client.unary("Echo", vec![b'x'; length]).await.expect("a good call");
        assert_eq!(answer.into_inner().len(), length);
    }
    let messages = vec![Bytes::from(vec![b'x'; 100_000]); 20];
    let sum = client.client_streaming("Sum", messages).await.expect("a good call").into_inner();
    assert_eq!(sum, "2000000");

    let mut counted = client.server_streaming("Count", vec![b'x'; 1_000]).await.expect("a good call");
    for number in 0..1_000 {
        assert_eq!(counted.message().await.expect("no error").expect("a message"), number.to_string());
    }
    assert!(counted.message().await.expect("a good end").is_none());

    let (send, mut heard) = client.talk("Echo").await;
    for word in ["one", "two", "three"] {
        repeats(&send, &mut heard, word).await;
    }
    drop(send);
    assert!(heard.message().await.expect("a good end").is_none());
}

#[test]
fn every_kind_of_call_goes_through_with_prior_knowledge() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    block_on(async { every_kind_of_call_works(&mut client(gateway.address()).await).await });
}

#[test]
fn every_kind_of_call_goes_through_tls() {
    let (authority, calls) = (Authority::new(), Calls::start());
    let gateway = secured(&authority.issue(&["gateway.test"]), "", &to(&calls, ""));
    block_on(async {
        let connector = Secure { tls: Tls::new(&authority, &["h2"]), address: gateway.address() };
        let endpoint = Endpoint::from_static("https://gateway.test");
        let channel = endpoint.connect_with_connector(connector).await.expect("a handshake");
        every_kind_of_call_works(&mut Client(Grpc::with_origin(channel, Uri::from_static("https://gateway.test"))))
            .await;
    });
}

/// Connects over TLS, and to one address whatever is asked for.
struct Secure {
    tls: Tls,
    address: SocketAddr,
}

impl Service<Uri> for Secure {
    type Response = TokioIo<tokio_rustls::client::TlsStream<TcpStream>>;
    type Error = std::io::Error;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (tls, address) = (self.tls.clone(), self.address);
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            Ok(TokioIo::new(tls.secure(stream, "gateway.test").await?))
        })
    }
}

#[test]
fn metadata_goes_both_ways_and_what_says_who_is_asking_does_not() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    block_on(async {
        let mut request = Request::new(Bytes::new());
        for (name, value) in [("x-said", "hello"), ("x-forwarded-for", "6.6.6.6"), ("x-forwarded-user", "root")] {
            request.metadata_mut().insert(name, value.parse().expect("a value"));
        }
        let answer = client(gateway.address()).await.ask("Echo", request).await.expect("a good call");
        assert_eq!(answer.metadata().get("x-heard").expect("it is said"), "hello");
    });
    let metadata = calls.metadata().remove(0);
    assert_eq!(metadata.get("x-forwarded-for").expect("the gateway says it"), "127.0.0.1");
    assert!(metadata.get("x-forwarded-user").is_none());
    assert_eq!(metadata.get("te").expect("gRPC servers want it"), "trailers");
}

#[test]
fn a_status_with_its_metadata_comes_in_trailers_and_in_trailers_alone() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    let is_failure = |status: &Status, message: &str| {
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, message));
        assert_eq!(status.metadata().get("x-reason").expect("it is said"), "because");
        let detail = status.metadata().get_bin("x-detail-bin").expect("it is said").to_bytes();
        assert_eq!(detail.expect("base64").as_ref(), [0, 1, 255]);
    };
    block_on(async {
        let mut client = client(gateway.address()).await;
        is_failure(&client.unary("Refuse", "").await.expect_err("a status"), "no such thing");
        let mut half = client.server_streaming("Fail", "half").await.expect("a good beginning");
        assert_eq!(half.message().await.expect("no error yet").expect("a message"), "half");
        is_failure(&half.message().await.expect_err("a status"), "it went wrong");
    });
}

#[test]
fn a_deadline_reaches_the_server_and_ends_the_call() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    block_on(async {
        let mut request = Request::new(Bytes::new());
        request.set_timeout(Duration::from_millis(300));
        let status = client(gateway.address()).await.ask("Hang", request).await.expect_err("nobody answers");
        assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
    });
    wait_for("the call to be given up", || (calls.dropped() == 1).then_some(()));
    assert!(calls.metadata()[0].get("grpc-timeout").is_some());
}

#[test]
fn who_gives_a_call_up_cancels_it_at_the_server() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    block_on(async {
        let mut client = client(gateway.address()).await;
        // Before there is an answer, in the middle of one, and in the middle of both with all of the connection.
        let mut other = client.clone();
        let waiting = tokio::spawn(async move { other.unary("Hang", "").await });
        until(|| calls.running() == 1).await;
        waiting.abort();
        until(|| calls.dropped() == 1).await;

        let mut endless = client.server_streaming("Count", vec![b'x'; 3_000_000]).await.expect("a good call");
        endless.message().await.expect("no error").expect("a message");
        drop(endless);
        until(|| calls.dropped() == 2).await;

        let (send, mut heard) = client.talk("Echo").await;
        repeats(&send, &mut heard, "one").await;
    });
    wait_for("the last call to be given up", || (calls.running() == 0).then_some(()));
    // To the server, which is hyper's as well, it may look as if the client had said all.
    assert_eq!(gateway.wait_for_access("/test.Calls/Echo")["completed"], false);
}

#[test]
fn a_conversation_that_says_more_than_a_body_may_have_is_cut_and_the_log_says_why() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, "max-body = \"1KiB\""));
    block_on(async {
        let mut client = client(gateway.address()).await;
        let (send, mut heard) = client.talk("Echo").await;
        repeats(&send, &mut heard, "one").await;
        send.send(Bytes::from(vec![b'x'; 2_000])).await.expect("it is open");
        heard.message().await.expect_err("it is cut");
    });
    let line = gateway.wait_for_access("/test.Calls/Echo");
    let wanted = (&200.into(), &false.into(), &"body-too-large".into());
    assert_eq!((&line["status"], &line["completed"], &line["problem"]), wanted, "{line}");
}

/// Waits while connections go on.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[test]
fn many_calls_run_at_once() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    block_on(async {
        let client = client(gateway.address()).await;
        let mut talks = Vec::new();
        for _ in 0..90 {
            let mut client = client.clone();
            talks.push(client.talk("Echo").await);
        }
        for (send, heard) in &mut talks {
            repeats(send, heard, "hello").await;
        }
        assert_eq!(calls.running(), 90);
    });
}

const KEY_AUTH: &str = r#"
plugins = ["key-auth"]

[[consumer]]
name = "acme"
credentials = [{ key = "the-key-of-acme" }]
"#;

#[test]
fn a_call_without_a_key_is_refused_and_one_with_a_key_goes_through() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, KEY_AUTH));
    block_on(async {
        let mut client = client(gateway.address()).await;
        let status = client.unary("Echo", "hello").await.expect_err("a status");
        // A plugin's reply is HTTP's; which code it is, clients choose, and not all alike.
        assert!(status.message().contains("401 Unauthorized"), "{status:?}");
        let mut request = Request::new(Bytes::from("hello"));
        request.metadata_mut().insert("x-api-key", "the-key-of-acme".parse().expect("a value"));
        assert_eq!(client.ask("Echo", request).await.expect("a good call").into_inner(), "hello");
    });
    let metadata = calls.metadata();
    assert_eq!(metadata.len(), 1, "the refused call reached nobody");
    assert_eq!(metadata[0].get("x-consumer-name").expect("the plugin says it"), "acme");
}

#[test]
fn a_problem_of_the_gateway_is_a_status_to_who_calls() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it is bound");
    let config = everything_to(&format!("http://{nobody}"), "match = { path = \"/test.Calls/**\" }");
    let gateway = gateway(&config.replace("endpoints =", "protocol = \"http2\"\nendpoints ="));
    block_on(async {
        let mut client = client(gateway.address()).await;
        let status = client.unary("Echo", "").await.expect_err("a status");
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "The upstream cannot be reached"));
        assert!(status.metadata().get("x-request-id").is_some());
        client.0.ready().await.expect("a connection");
        let nowhere = PathAndQuery::from_static("/test.Nothing/Echo");
        let status = client.0.unary(Request::new(Bytes::new()), nowhere, Raw).await.expect_err("a status");
        assert_eq!((status.code(), status.message()), (Code::Unimplemented, "No route takes this request"));
    });
    // To the operator it is what it is to everybody.
    let line = gateway.wait_for_access("/test.Calls/Echo");
    assert_eq!((&line["status"], &line["problem"]), (&502.into(), &"upstream-connect".into()));
}

#[test]
fn a_server_that_goes_away_in_the_middle_is_a_status_to_who_calls() {
    let calls = Calls::start();
    let gateway = gateway(&to(&calls, ""));
    let mut front = self::gateway(&to_gateway(&gateway));
    block_on(async {
        let (send, mut heard) = client(front.address()).await.talk("Echo").await;
        repeats(&send, &mut heard, "one").await;
        gateway.signal(Signal::KILL);
        let status = heard.message().await.expect_err("it was cut");
        assert_ne!(status.code(), Code::Ok);
    });
    front.signal(Signal::TERM);
    assert_eq!(front.wait_exit().code(), Some(0));
}

/// The config of a gateway in front of another one.
fn to_gateway(gateway: &Gateway) -> String {
    let config = everything_to(&format!("http://{}", gateway.address()), "");
    config.replace("endpoints =", "protocol = \"http2\"\nendpoints =")
}

#[test]
fn a_call_outlives_a_reload_and_is_finished_by_a_gateway_that_stops() {
    let calls = Calls::start();
    let mut gateway = gateway(&to(&calls, ""));
    block_on(async {
        let mut client = client(gateway.address()).await;
        let (send, mut heard) = client.talk("Echo").await;
        repeats(&send, &mut heard, "before").await;
        gateway.reload(&to(&calls, "timeout = \"7s\""));
        repeats(&send, &mut heard, "reloaded").await;
        gateway.signal(Signal::TERM);
        gateway.wait_for_log("stopping");
        repeats(&send, &mut heard, "stopping").await;
        // The connection was told goodbye, and the port is closed.
        wait_for("the port to close", || std::net::TcpStream::connect(gateway.address()).is_err().then_some(()));
        repeats(&send, &mut heard, "closed").await;
        let refused = client.unary("Echo", "").await.expect_err("no new calls");
        assert!(matches!(refused.code(), Code::Unavailable | Code::Cancelled), "{refused:?}");
        drop(send);
        assert!(heard.message().await.expect("a good end").is_none());
    });
    assert_eq!(gateway.wait_exit().code(), Some(0));
    let lines = gateway.access_log();
    assert!(lines.iter().all(|line| line["completed"] == true), "{lines:?}");
}

#[test]
fn the_example_of_the_readme_serves_every_kind_of_call() {
    let calls = Calls::start();
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split_once("```"));
    let (example, _) = blocks.into_iter().find(|(block, _)| block.contains("shop.Orders")).expect("there is one");
    let mut config = example.to_owned();
    for (from, to) in [
        ("127.0.0.1:8080", "127.0.0.1:0"),
        ("http://127.0.0.1:50051", calls.url().as_str()),
        ("/shop.Orders/", "/test.Calls/"),
    ] {
        assert!(config.contains(from), "{from}");
        config = config.replace(from, to);
    }
    let gateway = gateway(&config);
    block_on(async { every_kind_of_call_works(&mut client(gateway.address()).await).await });
}
