//! One attempt to have a request answered by the endpoint that was chosen. Whether there is another
//! attempt is not known here: retries join a level above.

mod http2;

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Response, Version};
use tokio::time::Instant;

use super::answer_body::UpstreamBody;
use super::definition::{Address, Internal, Protocol};
use super::endpoint::{EndpointState, Lease};
use super::error::UpstreamError;
use super::patience::{Alarm, within};
use super::request_body::{BodyMeter, RequestBody, RequestBodyError};
use super::{connection, echo};
use crate::http1::Answer;
use crate::http1::client::{self, SendError};

type Sent = Result<(Response<Answer<RequestBody>>, Alarm), UpstreamError>;

pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// Sends the request and waits for the head of the response. What comes of it goes into the endpoint's record.
pub(super) async fn run(
    endpoint: &Rc<EndpointState>,
    timeouts: Timeouts,
    request: client::Request<'_>,
    body: RequestBody,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let sent = once(endpoint, timeouts, request, body).await;
    endpoint.record.heed(&sent);
    sent
}

async fn once(
    endpoint: &Rc<EndpointState>,
    timeouts: Timeouts,
    request: client::Request<'_>,
    body: RequestBody,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let attempt = Attempt { endpoint, timeouts, meter: Rc::clone(body.meter()) };
    attempt.meter.check().map_err(|source| attempt.body_failed(source))?;
    // Counted from here on; an attempt that is dropped while it waits is uncounted with it.
    let in_flight = endpoint.enter();
    let (response, alarm) = match &endpoint.address {
        Address::Tcp { protocol: Protocol::Http2, host, port, authority, .. } => {
            // Boxed, so that those over HTTP/1 keep no room for it.
            Box::pin(attempt.over_http2(host, *port, request, authority, body)).await?
        }
        Address::Tcp { protocol: Protocol::Http1, host, port, authority, .. } => {
            let (response, alarm) = attempt.over_tcp(host, *port, request, authority, body).await?;
            let status = response.status();
            (response.map(|answer| UpstreamBody::answer(status, answer)), alarm)
        }
        Address::Internal(Internal::Echo) => (attempt.to_echo(request, body).await?, Alarm::default()),
    };
    Ok(response.map(|body| body.hold(Lease { in_flight, alarm })))
}

struct Attempt<'a> {
    endpoint: &'a Rc<EndpointState>,
    timeouts: Timeouts,
    meter: Rc<BodyMeter>,
}

impl Attempt<'_> {
    async fn over_tcp(
        &self,
        host: &str,
        port: u16,
        request: client::Request<'_>,
        authority: &HeaderValue,
        body: RequestBody,
    ) -> Sent {
        let mut body = Some(body);
        let mut now = Instant::now();
        let mut idle = self.endpoint.idle.take(now.into_std()).await;
        loop {
            let reused = idle.is_some();
            let (connection, mut alarm) = match idle.take() {
                Some(connection) => connection,
                None => {
                    let connection = self.open(host, port).await?;
                    now = Instant::now();
                    (connection, Alarm::default())
                }
            };
            let sending = pin!(connection.send(request, authority, &mut body));
            match within(now, self.timeouts.response, &self.meter, &mut alarm, sending).await {
                Some(Ok((mut head, answer))) => {
                    head.version = Version::HTTP_11;
                    return Ok((Response::from_parts(head, answer), alarm));
                }
                // It was closed while it waited, and nothing was written.
                Some(Err(SendError::Unsent(_))) if reused => {}
                Some(Err(error)) => return Err(self.failed(error)),
                None => return Err(self.timed_out()),
            }
        }
    }

    async fn open(&self, host: &str, port: u16) -> Result<client::Connection, UpstreamError> {
        let after = self.timeouts.connect;
        match tokio::time::timeout(after, connection::open(host, port)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) => Err(self.not_connected(source)),
            Err(_) => Err(UpstreamError::ConnectTimeout { endpoint: Arc::clone(&self.endpoint.text), after }),
        }
    }

    fn not_connected(&self, source: io::Error) -> UpstreamError {
        let endpoint = Arc::clone(&self.endpoint.text);
        match is_exhaustion(&source) {
            true => UpstreamError::Exhausted { endpoint, source },
            false => UpstreamError::Connect { endpoint, source },
        }
    }

    async fn to_echo(
        &self,
        request: client::Request<'_>,
        body: RequestBody,
    ) -> Result<Response<UpstreamBody>, UpstreamError> {
        within(
            Instant::now(),
            self.timeouts.response,
            &self.meter,
            &mut Alarm::default(),
            pin!(echo::answer(request, body)),
        )
        .await
        .ok_or_else(|| self.timed_out())?
        .map_err(|source| self.body_failed(source))
    }

    fn failed(&self, error: SendError<RequestBodyError>) -> UpstreamError {
        let endpoint = Arc::clone(&self.endpoint.text);
        match error {
            SendError::Head(source) => UpstreamError::Malformed { endpoint, source },
            SendError::Body(source) => self.body_failed(source),
            // It gave up waiting for what the client did not send.
            SendError::Closed(_) if self.meter.waiting() => {
                let after = self.meter.last().map_or(Duration::ZERO, |last| last.elapsed());
                self.body_failed(RequestBodyError::Stalled { after })
            }
            SendError::Unsent(source) | SendError::Closed(Some(source)) => UpstreamError::Closed { endpoint, source },
            SendError::Closed(None) => UpstreamError::Closed { endpoint, source: io::ErrorKind::UnexpectedEof.into() },
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

/// Whether a connection failed for want of something on this side, which says nothing of the endpoint.
fn is_exhaustion(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let here = [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|errno| here.contains(&errno))
}
