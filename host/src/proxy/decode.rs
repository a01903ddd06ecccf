//! Bodies that plugins see without their content codings: which ones, and what becomes of their heads.
//!
//! How bytes are decoded is not known here (`wire/coding.rs`).

use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, HeaderMap, IF_RANGE, RANGE};
use http_body::Body as _;

use super::error::BodyProblem;
use super::flight::{Flight, has_no_body};
use super::room;
use crate::http1::client::Edit;
use crate::upstream::{RequestBody, UpstreamBody};
use crate::wire::coding::{self, Coding, Decoder, UnknownCoding};
use crate::wire::encoding;

impl Flight {
    /// The request's body as plugins want it, which from now on is how it goes on. `ratio`: how many times as long it may
    /// become.
    pub(super) fn decode_request(&mut self, ratio: u32, body: RequestBody) -> Result<RequestBody, BodyProblem> {
        if body.is_end_stream() {
            return Ok(body);
        }
        let decoder = decoder(&self.run.exchange().request.headers, ratio).map_err(BodyProblem::RequestCoding)?;
        let Some(decoder) = decoder else { return Ok(body) };
        let room = self.room_for(&decoder)?;
        coding::forget(&mut self.run.exchange_mut().request.headers);
        Ok(body.decoded(decoder, Box::new(room)))
    }

    /// The same of the response's body. It may become another response.
    pub(super) fn decode_response(&mut self, ratio: u32, body: UpstreamBody) -> UpstreamBody {
        let Some(response) = &self.run.exchange().response else { return body };
        let (is_part, status) = (is_part(response.status, &response.headers), response.status);
        if self.is_head() || is_part || has_no_body(status) || body.is_switched() || body.is_end_stream() {
            return body;
        }
        let decoder = match decoder(&response.headers, ratio) {
            Ok(None) => return body,
            Ok(Some(decoder)) => decoder,
            Err(unknown) => return self.fail(BodyProblem::ResponseCoding(unknown).into()),
        };
        let room = match self.room_for(&decoder) {
            Ok(room) => room,
            Err(problem) => return self.fail(problem.into()),
        };
        if let Some(response) = &mut self.run.exchange_mut().response {
            coding::forget(&mut response.headers);
        }
        body.decoded(decoder, Box::new(room))
    }

    /// The response to a request that is not decoded.
    pub(super) fn not_decoded(&mut self, problem: BodyProblem) -> UpstreamBody {
        let is_unknown = matches!(problem, BodyProblem::RequestCoding(_));
        let body = self.fail(problem.into());
        if let Some(response) = self.run.exchange_mut().response.as_mut().filter(|_| is_unknown) {
            // RFC 9110, section 12.5.3.
            response.headers.insert(ACCEPT_ENCODING, Coding::ACCEPTED);
        }
        body
    }

    /// What the decoder takes while the body goes by is taken of the room for bodies.
    fn room_for(&self, decoder: &Decoder) -> Result<room::Share, BodyProblem> {
        let mut share = self.share();
        share.grow(decoder.memory()).map_err(|room::Full| BodyProblem::NoRoom)?;
        Ok(share)
    }
}

/// What an upstream is asked for whose response is to be decoded: only codings that can be taken off, and the whole of it,
/// for a part of what is encoded cannot be decoded (RFC 9110, section 14.2, lets a range be ignored).
pub(super) fn edits(headers: &HeaderMap) -> impl Iterator<Item = Edit> {
    let accepted = headers.contains_key(ACCEPT_ENCODING).then(|| (ACCEPT_ENCODING, Some(encoding::decodable(headers))));
    [RANGE, IF_RANGE].map(|name| (name, None)).into_iter().chain(accepted)
}

fn decoder(headers: &HeaderMap, ratio: u32) -> Result<Option<Decoder>, UnknownCoding> {
    let codings = coding::codings(headers)?;
    Ok((!codings.is_empty()).then(|| Decoder::new(&codings, ratio)))
}

/// Nobody has asked for it.
fn is_part(status: StatusCode, headers: &HeaderMap) -> bool {
    status == StatusCode::PARTIAL_CONTENT || headers.contains_key(CONTENT_RANGE)
}
