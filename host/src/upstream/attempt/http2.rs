//! An attempt over HTTP/2. It begins again when the endpoint did nothing with the request.

use std::ops::ControlFlow;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use h2::Reason;
use http::{Response, Version};
use tokio::time::{Instant, timeout};

use super::{Attempt, NOT_SENT};
use crate::http1::client;
use crate::upstream::answer_body::UpstreamBody;
use crate::upstream::connection::Connector;
use crate::upstream::error::UpstreamError;
use crate::upstream::http2::{self, Connection, Connections, OpenError, SendError, Taken, Upload};
use crate::upstream::patience::{Alarm, within};
use crate::upstream::request_body::RequestBody;

/// It breaks off with a response over HTTP/2; it goes on over HTTP/1, where nothing was sent yet, perhaps on a
/// connection that was opened.
pub(super) type Chosen = ControlFlow<(Response<UpstreamBody>, Alarm), Option<client::Connection>>;

/// Connections that may say goodbye before they come to one request. Servers do when a connection is old, or has had its
/// number of requests, and many that are left out at once are again more than the next connection takes.
const MOST_LEFT_OUT: u32 = 4;

/// How often a request may still begin again.
struct Chances {
    refused: u32,
    left_out: u32,
}

impl Chances {
    fn take(&mut self, error: &h2::Error) -> bool {
        let chances = match error.reason() {
            None | Some(Reason::NO_ERROR) => &mut self.left_out,
            // It has too much to do, or something is wrong.
            Some(_) => &mut self.refused,
        };
        let left = chances.checked_sub(1);
        *chances = left.unwrap_or(0);
        left.is_some()
    }
}

impl Attempt<'_> {
    /// Unless the endpoint chooses HTTP/1.
    pub(super) async fn over_http2(
        &self,
        connector: &Connector,
        request: client::Request<'_>,
        body: &mut Option<RequestBody>,
    ) -> Result<Chosen, UpstreamError> {
        let connections = match http2::is_long(&request) {
            true => &self.endpoint.http2_long,
            false => &self.endpoint.http2,
        };
        let mut slot = match self.take(connections, connector, None).await? {
            Taken::Stream(slot) => slot,
            Taken::Http1(socket) => {
                let fresh = socket.map(client::Connection::new);
                return Ok(ControlFlow::Continue(fresh));
            }
        };
        let (mut upload, mut alarm) = (Upload::new(body.take().expect(NOT_SENT)), Alarm::default());
        let head = http2::head(&request, &connector.remote, upload.length());
        let mut chances = Chances { refused: 1, left_out: MOST_LEFT_OUT };
        loop {
            let connection = Rc::clone(slot.connection());
            let sent = {
                let sending = pin!(http2::send(slot, head.clone(), &mut upload));
                within(Instant::now(), self.timeouts.response, self.meter, &mut alarm, sending).await
            };
            match sent {
                Some(Ok((mut head, answer))) => {
                    head.version = Version::HTTP_11;
                    let response = Response::from_parts(head, UpstreamBody::stream(answer));
                    return Ok(ControlFlow::Break((response, alarm)));
                }
                Some(Err(SendError::Undone(error))) if chances.take(&error) && upload.rewind() => {
                    match self.take(connections, connector, Some(&connection)).await? {
                        Taken::Stream(other) => slot = other,
                        Taken::Http1(_) => return Err(self.failed_over_http2(SendError::Undone(error))),
                    }
                }
                Some(Err(error)) => {
                    if error.is_malformed() {
                        connection.retire();
                    }
                    return Err(self.failed_over_http2(error));
                }
                None => {
                    if !self.meter.waiting() {
                        connection.doubt();
                    }
                    return Err(self.timed_out());
                }
            }
        }
    }

    async fn take(
        &self,
        connections: &Connections,
        connector: &Connector,
        refused: Option<&Rc<Connection>>,
    ) -> Result<Taken, UpstreamError> {
        let after = self.timeouts.connect;
        let endpoint = || Arc::clone(&self.endpoint.text);
        match timeout(after, connections.take(connector, refused)).await {
            Ok(Ok(taken)) => Ok(taken),
            Ok(Err(OpenError::Connect(error))) => Err(self.not_connected(error)),
            Ok(Err(OpenError::Protocol(source))) => {
                Err(UpstreamError::NoHttp2 { endpoint: endpoint(), source: Some(source) })
            }
            Err(_) if connections.is_full() => Err(UpstreamError::Full { endpoint: endpoint(), after }),
            Err(_) => Err(UpstreamError::ConnectTimeout { endpoint: endpoint(), after }),
        }
    }

    fn failed_over_http2(&self, error: SendError) -> UpstreamError {
        let endpoint = Arc::clone(&self.endpoint.text);
        match error {
            SendError::Undone(source) => UpstreamError::Refused { endpoint, source },
            SendError::Broken(source) if source.is_library() => UpstreamError::Broken { endpoint, source },
            SendError::Broken(source) => UpstreamError::Reset { endpoint, source },
            SendError::Head(source) => UpstreamError::Malformed { endpoint, source },
            SendError::Body(source) => self.body_failed(source),
        }
    }
}
