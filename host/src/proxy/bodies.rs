//! Bodies that plugins want whole: they are kept, with their heads held back, until all have seen them.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap};
use http_body::Body as _;

use super::error::{BodyProblem, ClientError, ProxyError};
use super::flight::{Flight, has_no_body};
use super::keep::{KeepError, Kept, keep};
use super::{grpc, room};
use crate::chain::{Bodies, Chain, Keeping};
use crate::exchange::Origin;
use crate::live::Route;
use crate::upstream::{RequestBody, UpstreamBody};

/// How long a piece of a response's body is waited for on a route without a `timeout`: as upstreams have it if nothing is
/// said.
const SILENCE: Duration = Duration::from_secs(15);

impl Flight {
    /// The request's hooks have run: its body meets those that want it whole. Boxed, so that other exchanges keep no room
    /// for it.
    pub(super) async fn meet_request(&mut self, route: &Route, body: RequestBody) -> Result<RequestBody, UpstreamBody> {
        let body = match route.chain.decoding().request {
            None => body,
            Some(ratio) => self.decode_request(ratio, body).map_err(|problem| self.not_decoded(problem))?,
        };
        let body = match route.chain.bodies() {
            None => body,
            Some(bodies) => Box::pin(self.see_request(&route.chain, bodies, body)).await?,
        };
        Ok(self.upload(body))
    }

    /// The response's hooks have run: its body meets those that want it whole.
    pub(super) async fn meet_response(&mut self, route: &Route, body: UpstreamBody) -> UpstreamBody {
        let body = match route.chain.decoding().response {
            None => body,
            Some(ratio) => self.decode_response(ratio, body),
        };
        match route.chain.bodies().and_then(|bodies| bodies.response) {
            None => body,
            Some(keeping) => Box::pin(self.see_response(&route.chain, keeping, body, route.timeout.response)).await,
        }
    }

    /// Has the plugins see the request's body. Answers the body that goes on, or else the response.
    async fn see_request(
        &mut self,
        chain: &Chain,
        bodies: &Bodies,
        mut body: RequestBody,
    ) -> Result<RequestBody, UpstreamBody> {
        let request = &self.run.exchange().request;
        let is_call = grpc::is_call(request.version, &request.headers);
        if is_call && bodies.reject_streams() {
            return Err(self.fail(BodyProblem::RequestStream.into()));
        }
        let Some(keeping) = bodies.request.filter(|_| !is_call && !body.is_end_stream()) else { return Ok(body) };
        let share = self.share();
        let kept = match keep(&mut body, keeping, share, None).await {
            Ok(Kept::Whole(kept)) => kept,
            Ok(Kept::Beginning(kept)) => return Ok(body.after(kept)),
            Err(error) => {
                let error = match error {
                    KeepError::TooLarge(_) => ClientError::BodyTooLarge.into(),
                    KeepError::NoRoom => BodyProblem::NoRoom.into(),
                    KeepError::Silent(after) => BodyProblem::Silent(after).into(),
                    KeepError::Body(error) => BodyProblem::Request(error).into(),
                };
                return Err(self.fail(error));
            }
        };
        let mut seen = kept.clone();
        match self.run.on_request_body(chain, &mut seen).await {
            Some(halt) => Err(self.halt(halt)),
            None => match self.hold(seen, kept) {
                Ok(seen) => Ok(body.replaced(seen)),
                Err(error) => Err(self.fail(error)),
            },
        }
    }

    /// Has the plugins see the response's body. Answers the body that goes on.
    async fn see_response(
        &mut self,
        chain: &Chain,
        keeping: Keeping,
        mut body: UpstreamBody,
        silence: Option<Duration>,
    ) -> UpstreamBody {
        // A response that is made here because the last one could not be kept is kept without more ado.
        let mut failed = false;
        loop {
            let Some(response) = &self.run.exchange().response else { return body };
            if self.is_head() || body.is_switched() || has_no_body(response.status) {
                return body;
            }
            // What the gateway itself says is no secret of the upstream's, and is not refused for its length.
            let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
            let is_own = matches!(response.origin, Origin::Gateway(_));
            if is_own && length.zip(keeping.reject).is_some_and(|(length, most)| length > most) {
                return body;
            }
            let kept = match (is_stream(&response.headers), keeping.reject) {
                (true, None) => return body,
                (true, Some(_)) => Err(BodyProblem::ResponseStream),
                (false, _) => {
                    let share = self.share();
                    match keep(&mut body, keeping, share, Some(silence.unwrap_or(SILENCE))).await {
                        Ok(Kept::Whole(kept)) => Ok(kept),
                        Ok(Kept::Beginning(kept)) => return body.after(kept),
                        Err(KeepError::TooLarge(most)) => Err(BodyProblem::ResponseTooLarge(most)),
                        Err(KeepError::NoRoom) => Err(BodyProblem::NoRoom),
                        Err(KeepError::Silent(after)) => Err(BodyProblem::Silent(after)),
                        Err(KeepError::Body(error)) => Err(BodyProblem::Response(error)),
                    }
                }
            };
            let kept = match kept {
                Ok(kept) => kept,
                Err(_) if failed => return body,
                Err(problem) => {
                    failed = true;
                    body = self.fail(problem.into());
                    continue;
                }
            };
            let mut seen = kept.clone();
            body = match self.run.on_response_body(chain, &mut seen).await {
                Some(halt) => {
                    let body = self.halt(halt);
                    match chain.decoding().response {
                        None => body,
                        Some(ratio) => self.decode_response(ratio, body),
                    }
                }
                None => match self.hold(seen, kept) {
                    Ok(seen) => return UpstreamBody::full(seen),
                    Err(error) => return self.fail(error),
                },
            };
        }
    }

    /// A share of nothing yet.
    pub(super) fn share(&self) -> room::Share {
        let (room, most) = self.room();
        room.share(most)
    }

    /// What plugins have put in the place of a body takes room as the body did.
    fn hold(&self, seen: Bytes, kept: Bytes) -> Result<Bytes, ProxyError> {
        if seen.as_ptr() == kept.as_ptr() && seen.len() == kept.len() {
            return Ok(seen);
        }
        drop(kept);
        let mut share = self.share();
        share.grow(seen.len()).map_err(|room::Full| BodyProblem::NoRoom)?;
        Ok(share.hold(seen))
    }
}

/// Whether a response may go on without end, by its media type.
fn is_stream(headers: &HeaderMap) -> bool {
    const STREAMS: [&[u8]; 2] = [b"text/event-stream", b"application/grpc"];
    let Some(media_type) = headers.get(CONTENT_TYPE) else { return false };
    let essence = media_type.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let essence = essence.split(|byte| *byte == b'+').next().unwrap_or_default();
    STREAMS.iter().any(|stream| essence.eq_ignore_ascii_case(stream))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn streams_are_told_by_their_media_type() {
        let is = |media_type| is_stream(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]));
        for stream in
            ["text/event-stream", "Text/Event-Stream; charset=utf-8", "application/grpc", "application/grpc+proto"]
        {
            assert!(is(stream), "{stream}");
        }
        for other in ["text/plain", "application/grpc-web", "application/json", "", "text/event-streams"] {
            assert!(!is(other), "{other}");
        }
        assert!(!is_stream(&HeaderMap::new()));
    }
}
