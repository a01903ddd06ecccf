//! One attempt to have a request answered by the endpoint that was chosen. Whether there is another
//! attempt is not known here: retries join a level above.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::answer_body::UpstreamBody;
use super::connection::Connection;
use super::definition::{Address, Internal};
use super::endpoint::{EndpointState, Lease};
use super::error::{Malformed, UpstreamError};
use super::patience::within;
use super::request_body::{BodyMeter, RequestBody, RequestBodyError};
use super::{check, echo};

pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// Sends the request and waits for the head of the response.
pub(super) async fn run(
    endpoint: &Rc<EndpointState>,
    timeouts: Timeouts,
    request: Request<RequestBody>,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let attempt = Attempt { endpoint, timeouts, meter: Rc::clone(request.body().meter()) };
    attempt.meter.check().map_err(|source| attempt.body_failed(source))?;
    // Counted from here on; an attempt that is dropped while it waits is uncounted with it.
    let in_flight = endpoint.enter();
    let (response, connection) = match &endpoint.address {
        Address::Tcp { host, port, authority, .. } => {
            let (response, connection) = attempt.over_tcp(host, *port, prepare(request, authority)).await?;
            (response.map(UpstreamBody::incoming), Some(connection))
        }
        Address::Internal(Internal::Echo) => (attempt.to_echo(request).await?, None),
    };
    Ok(response.map(|body| body.hold(Lease { in_flight, connection })))
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
        mut request: Request<RequestBody>,
    ) -> Result<(Response<Incoming>, Connection), UpstreamError> {
        let mut idle = self.endpoint.idle.take().await;
        loop {
            let reused = idle.is_some();
            let mut connection = match idle.take() {
                Some(connection) => connection,
                None => self.open(host, port).await?,
            };
            let response = within(self.timeouts.response, &self.meter, connection.send(request));
            match response.await {
                Some(Ok(response)) => return self.accept(response, connection),
                Some(Err(mut error)) => match error.take_message() {
                    // It was closed while it waited, and nothing was written.
                    Some(unsent) if reused => request = unsent,
                    _ => return Err(self.failed(error)),
                },
                None => return Err(self.timed_out()),
            }
        }
    }

    async fn open(&self, host: &str, port: u16) -> Result<Connection, UpstreamError> {
        let after = self.timeouts.connect;
        let endpoint = || Arc::clone(&self.endpoint.text);
        match tokio::time::timeout(after, Connection::open(host, port, &self.endpoint.text)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(source)) => Err(UpstreamError::Connect { endpoint: endpoint(), source }),
            Err(_) => Err(UpstreamError::ConnectTimeout { endpoint: endpoint(), after }),
        }
    }

    fn accept(
        &self,
        mut response: Response<Incoming>,
        mut connection: Connection,
    ) -> Result<(Response<Incoming>, Connection), UpstreamError> {
        check::head(response.status(), response.headers(), response.extensions())
            .map_err(|source| self.malformed(source))?;
        // After an HTTP/1.0 response hyper goes on in HTTP/1.0, which has no chunked requests.
        if response.version() != Version::HTTP_11 {
            connection.retire();
            *response.version_mut() = Version::HTTP_11;
        }
        Ok((response, connection))
    }

    async fn to_echo(&self, request: Request<RequestBody>) -> Result<Response<UpstreamBody>, UpstreamError> {
        within(self.timeouts.response, &self.meter, echo::answer(request))
            .await
            .ok_or_else(|| self.timed_out())?
            .map_err(|source| self.body_failed(source))
    }

    fn failed(&self, error: TrySendError<Request<RequestBody>>) -> UpstreamError {
        let source = error.into_error();
        if source.is_parse() {
            self.malformed(Malformed::Parse(source))
        } else if source.is_user() {
            let over_limit = self.meter.check().err();
            self.body_failed(over_limit.unwrap_or(RequestBodyError::Client(source)))
        } else {
            UpstreamError::Closed { endpoint: Arc::clone(&self.endpoint.text), source }
        }
    }

    fn timed_out(&self) -> UpstreamError {
        let after = self.timeouts.response;
        if self.meter.waiting() {
            return self.body_failed(RequestBodyError::Stalled { after });
        }
        UpstreamError::ResponseTimeout { endpoint: Arc::clone(&self.endpoint.text), after }
    }

    fn malformed(&self, source: Malformed) -> UpstreamError {
        UpstreamError::Malformed { endpoint: Arc::clone(&self.endpoint.text), source }
    }

    fn body_failed(&self, source: RequestBodyError) -> UpstreamError {
        UpstreamError::RequestBody { endpoint: Arc::clone(&self.endpoint.text), source }
    }
}

fn prepare(mut request: Request<RequestBody>, authority: &HeaderValue) -> Request<RequestBody> {
    // hyper panics on versions that HTTP/1 connections do not have.
    *request.version_mut() = Version::HTTP_11;
    if !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, authority.clone());
    }
    // hyper drops a body of unknown length from these methods unless a header says that it is there.
    if matches!(*request.method(), Method::GET | Method::HEAD)
        && !request.body().is_end_stream()
        && request.body().size_hint().exact().is_none()
        && !request.headers().contains_key(CONTENT_LENGTH)
    {
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    request
}
