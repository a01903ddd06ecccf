//! One attempt to have a request answered by the endpoint that was chosen. Whether there is another
//! attempt is not known here (`tries.rs`).

mod http2;

use std::io;
use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{Response, Version};
use tokio::time::Instant;

use super::answer_body::UpstreamBody;
use super::connection::{ConnectError, Connector};
use super::definition::Protocol;
use super::echo;
use super::endpoint::{EndpointState, Lease};
use super::error::UpstreamError;
use super::http2::is_long;
use super::patience::{Alarm, within};
use super::request_body::{BodyMeter, RequestBody, RequestBodyError};
use super::retry::Retry;
use crate::http1::client::{self, SendError};
use crate::wire::proxy_protocol::Ends;

#[derive(Clone, Copy)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

impl Timeouts {
    pub(super) fn of_one_try(self, retry: &Retry) -> Self {
        Self { response: retry.per_try.map_or(self.response, |per_try| per_try.min(self.response)), ..self }
    }
}

/// Sends the request and waits for the head of the response. As long as the endpoint did not get the whole head of the
/// request, `body` stays where it is. What comes of it goes into the endpoint's record.
pub(super) async fn run(
    endpoint: &Rc<EndpointState>,
    timeouts: Timeouts,
    request: client::Request<'_>,
    client: Option<&Ends>,
    body: &mut Option<RequestBody>,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let meter = Rc::clone(body.as_ref().expect(NOT_SENT).meter());
    let attempt = Attempt { endpoint, timeouts, client, meter: &meter };
    // Counted from here on; an attempt that is dropped while it waits is uncounted with it.
    let in_flight = endpoint.enter();
    let sent = attempt.send(request, body).await;
    match &sent {
        // It has limits of its own, or the client could have endpoints ejected.
        Err(UpstreamError::Refused { .. } | UpstreamError::Reset { .. }) if is_long(&request) => {
            endpoint.record.tried();
        }
        sent => endpoint.record.heed(sent.as_ref().map(|(response, _)| response.status())),
    }
    let (response, alarm) = sent?;
    Ok(response.map(|body| body.hold(Lease { in_flight, alarm, silence: None, permit: None })))
}

/// A response, and the alarm of the connection that it comes on.
type Sent = Result<(Response<UpstreamBody>, Alarm), UpstreamError>;

struct Attempt<'a> {
    endpoint: &'a Rc<EndpointState>,
    timeouts: Timeouts,
    /// Whose request it is, where endpoints are told.
    client: Option<&'a Ends>,
    meter: &'a Rc<BodyMeter>,
}

impl Attempt<'_> {
    async fn send(&self, request: client::Request<'_>, body: &mut Option<RequestBody>) -> Sent {
        self.meter.check().map_err(|source| self.body_failed(source))?;
        let Some(connector) = &self.endpoint.connector else {
            return Ok((self.to_echo(request, body).await?, Alarm::default()));
        };
        let fresh = match connector.remote.protocol {
            Protocol::Http1 => None,
            // Boxed, so that those over HTTP/1 keep no room for it.
            _ => match Box::pin(self.over_http2(connector, request, body)).await? {
                ControlFlow::Break(sent) => return Ok(sent),
                ControlFlow::Continue(fresh) => fresh,
            },
        };
        self.over_http1(connector, fresh, request, body).await
    }

    /// `fresh` is a connection on which nothing was said yet.
    async fn over_http1(
        &self,
        connector: &Connector,
        mut fresh: Option<client::Connection>,
        request: client::Request<'_>,
        body: &mut Option<RequestBody>,
    ) -> Sent {
        let mut now = Instant::now();
        let mut idle = if fresh.is_some() { None } else { self.endpoint.idle.take(now.into_std()).await };
        loop {
            let reused = idle.is_some();
            let (connection, mut alarm) = match idle.take() {
                Some(connection) => connection,
                None => {
                    let connection = match fresh.take() {
                        Some(connection) => connection,
                        // Boxed, so that requests on connections that are kept keep no room for it.
                        None => Box::pin(self.open(connector)).await?,
                    };
                    now = Instant::now();
                    (connection, Alarm::default())
                }
            };
            let sending = pin!(connection.send(request, &connector.remote.authority, body));
            match within(now, self.timeouts.response, self.meter, &mut alarm, sending).await {
                Some(Ok((mut head, answer))) => {
                    head.version = Version::HTTP_11;
                    let body = UpstreamBody::answer(head.status, answer);
                    return Ok((Response::from_parts(head, body), alarm));
                }
                // It was closed while it waited, and nothing was written.
                Some(Err(SendError::Unsent(_))) if reused => {}
                Some(Err(error)) => return Err(self.failed(error, reused)),
                None => return Err(self.timed_out()),
            }
        }
    }

    async fn open(&self, connector: &Connector) -> Result<client::Connection, UpstreamError> {
        let after = self.timeouts.connect;
        match tokio::time::timeout(after, connector.open(true, self.client)).await {
            Ok(Ok(opened)) => Ok(client::Connection::new(opened.socket)),
            Ok(Err(error)) => Err(self.not_connected(error)),
            Err(_) => Err(UpstreamError::ConnectTimeout { endpoint: Arc::clone(&self.endpoint.text), after }),
        }
    }

    fn not_connected(&self, error: ConnectError) -> UpstreamError {
        let endpoint = Arc::clone(&self.endpoint.text);
        match error {
            ConnectError::Io(source) if is_exhaustion(&source) => UpstreamError::Exhausted { endpoint, source },
            ConnectError::Io(source) => UpstreamError::Connect { endpoint, source },
            ConnectError::Certificate(source) => UpstreamError::Certificate { endpoint, source },
            ConnectError::Tls(source) => UpstreamError::Tls { endpoint, source },
            ConnectError::NoHttp2 => UpstreamError::NoHttp2 { endpoint, source: None },
            ConnectError::Late(after) => UpstreamError::ConnectTimeout { endpoint, after },
        }
    }

    async fn to_echo(
        &self,
        request: client::Request<'_>,
        body: &mut Option<RequestBody>,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        let body = body.take().expect(NOT_SENT);
        within(
            Instant::now(),
            self.timeouts.response,
            self.meter,
            &mut Alarm::default(),
            pin!(echo::answer(request, body)),
        )
        .await
        .ok_or_else(|| self.timed_out())?
        .map_err(|source| self.body_failed(source))
    }

    fn failed(&self, error: SendError<RequestBodyError>, reused: bool) -> UpstreamError {
        let endpoint = Arc::clone(&self.endpoint.text);
        match error {
            SendError::Head(source) => UpstreamError::Malformed { endpoint, source },
            SendError::Body(source) => self.body_failed(source),
            // It gave up waiting for what the client did not send.
            SendError::Closed(_) if self.meter.waiting() => {
                let after = self.meter.last().map_or(Duration::ZERO, |last| last.elapsed());
                self.body_failed(RequestBodyError::Stalled { after })
            }
            SendError::Unsent(source) => UpstreamError::Closed { endpoint, source },
            SendError::Closed(source) => {
                let source = source.unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into());
                match reused {
                    true => UpstreamError::Stale { endpoint, source },
                    false => UpstreamError::Closed { endpoint, source },
                }
            }
        }
    }

    fn timed_out(&self) -> UpstreamError {
        let after = self.timeouts.response;
        if self.meter.waiting() {
            return self.body_failed(RequestBodyError::Stalled { after });
        }
        UpstreamError::ResponseTimeout { endpoint: Arc::clone(&self.endpoint.text), after }
    }

    fn body_failed(&self, source: RequestBodyError) -> UpstreamError {
        UpstreamError::RequestBody { endpoint: Arc::clone(&self.endpoint.text), source }
    }
}

/// Why there is a body to be taken.
const NOT_SENT: &str = "a request that was sent is sent again with a body of its own";

/// Whether a connection failed for want of something on this side, which says nothing of the endpoint.
fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let here = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| here.contains(&errno))
}
