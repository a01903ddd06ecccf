//! An attempt over HTTP/2. It begins again, once, when the endpoint did nothing with the request.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, Response, Version};
use tokio::time::{Instant, timeout};

use super::{Attempt, NOT_SENT};
use crate::http1::client;
use crate::upstream::answer_body::UpstreamBody;
use crate::upstream::error::UpstreamError;
use crate::upstream::http2::{self, Connection, OpenError, SendError, Slot, Upload};
use crate::upstream::patience::{Alarm, within};
use crate::upstream::request_body::RequestBody;

impl Attempt<'_> {
    pub(super) async fn over_http2(
        &self,
        host: &str,
        port: u16,
        request: client::Request<'_>,
        authority: &HeaderValue,
        body: &mut Option<RequestBody>,
    ) -> Result<(Response<UpstreamBody>, Alarm), UpstreamError> {
        let mut slot = self.slot(host, port, None).await?;
        let (mut upload, mut alarm) = (Upload::new(body.take().expect(NOT_SENT)), Alarm::default());
        let head = http2::head(&request, authority, upload.length());
        let mut refused: Option<Rc<Connection>> = None;
        loop {
            let connection = Rc::clone(slot.connection());
            let sent = {
                let sending = pin!(http2::send(slot, head.clone(), &mut upload));
                within(Instant::now(), self.timeouts.response, self.meter, &mut alarm, sending).await
            };
            match sent {
                Some(Ok((mut head, answer))) => {
                    head.version = Version::HTTP_11;
                    return Ok((Response::from_parts(head, UpstreamBody::stream(answer)), alarm));
                }
                Some(Err(SendError::Undone(_))) if refused.is_none() && upload.rewind() => {
                    slot = self.slot(host, port, Some(&connection)).await?;
                    refused = Some(connection);
                }
                Some(Err(error)) => return Err(self.failed_over_http2(error)),
                None => {
                    if !self.meter.waiting() {
                        connection.doubt();
                    }
                    return Err(self.timed_out());
                }
            }
        }
    }

    /// Room for a stream.
    async fn slot(&self, host: &str, port: u16, refused: Option<&Rc<Connection>>) -> Result<Slot, UpstreamError> {
        let (after, connections) = (self.timeouts.connect, &self.endpoint.http2);
        let endpoint = || Arc::clone(&self.endpoint.text);
        match timeout(after, connections.take(host, port, refused)).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(OpenError::Io(source))) => Err(self.not_connected(source)),
            Ok(Err(OpenError::Protocol(source))) => Err(UpstreamError::NoHttp2 { endpoint: endpoint(), source }),
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
