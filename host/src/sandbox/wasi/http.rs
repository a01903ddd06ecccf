//! `wasi:http`: requests of plugins by the standard's interfaces, which existing crates speak. They are looked at, granted and
//! sent as those of `outbound` are; nothing here knows a connection.
//!
//! The library has the resources (requests, headers, bodies) and asks the [`Hooks`] for a response. A task reads the
//! request's body, which the guest writes meanwhile, and puts the request into the mailbox of the instance.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderName, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime_wasi_http::p2::bindings::LinkOptions;
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks};

use crate::exchange::Exchange;
use crate::sandbox::bindings::outbound::Target;
use crate::sandbox::host::{Host, Identity};
use crate::sandbox::outbound::{Answer, Asked, Incoming, MOST_AT_ONCE, Mailbox, Outgoing, Said, SendError};
use crate::wire::headers;

/// Interfaces of the package that a plugin may import; it is no server.
pub(in crate::sandbox) const PROVIDED: [&str; 2] = ["wasi:http/types", "wasi:http/outgoing-handler"];

pub(super) fn link(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    outgoing_handler::add_to_linker::<Host, WasiHttp>(linker, Host::http)?;
    types::add_to_linker::<Host, WasiHttp>(linker, &LinkOptions::default().into(), Host::http)
}

/// What an instance keeps whose component imports `wasi:http`.
pub(in crate::sandbox) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

struct Hooks {
    plugin: Arc<Identity>,
    mailbox: Mailbox,
    worker: usize,
    /// Of the current call; none where it cannot wait.
    said: Option<Said>,
    /// Requests that are under way.
    room: Arc<Semaphore>,
}

impl Http {
    pub(in crate::sandbox) fn new(plugin: Arc<Identity>, mailbox: Mailbox) -> Self {
        let room = Arc::new(Semaphore::new(MOST_AT_ONCE));
        Self { context: WasiHttpCtx::new(), hooks: Hooks { plugin, mailbox, worker: 0, said: None, room } }
    }

    /// A call begins, of an exchange if it may wait.
    pub(in crate::sandbox) fn begin(&mut self, worker: usize, exchange: Option<&Exchange>) {
        self.hooks.worker = worker;
        self.hooks.said = exchange.map(Said::of);
    }
}

impl Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let http = self.http.as_mut().expect("an instance whose component imports it has one");
        WasiHttpCtxView { hooks: &mut http.hooks, table: &mut self.wasi.table, ctx: &mut http.context }
    }
}

type Responding = Box<dyn Future<Output = Result<(Response<WasiBody>, Ending), Error>> + Send>;
type Ending = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> wasmtime_wasi_http::ForbiddenHeaderFilter {
        Arc::new(is_forbidden)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Responding {
        let (head, body) = request.into_parts();
        let outgoing = self.outgoing(&head, options);
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| SendError::Busy);
        let (plugin, mailbox, worker) = (Arc::clone(&self.plugin), self.mailbox.clone(), self.worker);
        Box::new(async move {
            let answer = match (outgoing, room) {
                (Ok(outgoing), Ok(_room)) => send(outgoing, body, &mailbox).await,
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
            plugin.metrics.record_sent(worker, (&answer).into());
            answer.map(response).map_err(error)
        })
    }
}

impl Hooks {
    fn outgoing(&self, head: &http::request::Parts, options: Option<RequestOptions>) -> Result<Outgoing, SendError> {
        let said = self.said.as_ref().ok_or(SendError::Unavailable)?;
        let policy = self.plugin.outbound.as_ref().ok_or(SendError::NotGranted)?;
        // How long the body was is known when it was read, and its length is the gateway's to say.
        let fields = head.headers.iter().filter(|(name, _)| **name != CONTENT_LENGTH);
        let asked = Asked {
            target: Target::Url(head.uri.to_string()),
            method: head.method.as_str(),
            fields: fields.map(|(name, value)| (name.as_str(), value.as_bytes())),
            body: Bytes::new(),
            timeout: options.and_then(timeout),
            // Crates that speak it follow by themselves, and ask again.
            redirects: 0,
        };
        asked.check(policy, said, policy.timeout)
    }
}

/// The first byte of a response comes with the last here.
fn timeout(options: RequestOptions) -> Option<Duration> {
    let connect = options.connect_timeout.unwrap_or_default();
    options.first_byte_timeout.map(|first_byte| connect.saturating_add(first_byte))
}

fn is_forbidden(name: &HeaderName) -> bool {
    headers::belongs_to_gateway(name) && *name != CONTENT_LENGTH
}

async fn send(mut outgoing: Outgoing, mut body: WasiBody, mailbox: &Mailbox) -> Answer {
    let mut read = BytesMut::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| SendError::Invalid("its body was not written to its end".into()))?;
        // Trailers end here.
        let Ok(piece) = frame.into_data() else { continue };
        if read.len() + piece.len() > outgoing.max_body {
            return Err(SendError::Invalid(format!("its body has more than {} bytes", outgoing.max_body)));
        }
        read.extend_from_slice(&piece);
    }
    outgoing.body = read.freeze();
    mailbox.ask(outgoing).await.unwrap_or(Err(SendError::Timeout))
}

/// Its body is there: nothing is still to be done.
fn response(incoming: Incoming) -> (Response<WasiBody>, Ending) {
    let body = Full::new(incoming.body).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = incoming.status;
    *response.headers_mut() = incoming.headers;
    (response, Box::new(async { Ok(()) }))
}

fn error(error: SendError) -> Error {
    match error {
        SendError::Unavailable | SendError::NotGranted => Error::HttpRequestDenied,
        SendError::Invalid(why) | SendError::Redirect(why) => Error::InternalError(Some(why)),
        SendError::NoEndpoint => Error::DestinationUnavailable,
        SendError::Connect => Error::ConnectionRefused,
        SendError::Timeout => Error::HttpResponseTimeout,
        SendError::Broken => Error::HttpResponseIncomplete,
        SendError::TooLarge => Error::HttpResponseBodySize(None),
        SendError::Busy => Error::ConnectionLimitReached,
    }
}
