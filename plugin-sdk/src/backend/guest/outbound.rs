//! Requests of plugins and their answers, to and from the contract's.

use super::contract::{http, outbound};
use super::fields;
use crate::outbound::{Request, Response, SendError, Target};
use http::Field;

pub(crate) fn send(request: Request) -> Result<Response, SendError> {
    answer(outbound::send(&self::request(request)))
}

pub(crate) fn send_all(requests: Vec<Request>) -> Vec<Result<Response, SendError>> {
    let requests: Vec<outbound::Request> = requests.into_iter().map(request).collect();
    outbound::send_all(&requests).into_iter().map(answer).collect()
}

fn request(request: Request) -> outbound::Request {
    outbound::Request {
        target: match request.target {
            Target::Upstream(name, target) => outbound::Target::Upstream((name, target)),
            Target::Url(url) => outbound::Target::Url(url),
        },
        method: request.method.as_str().to_owned(),
        headers: request.headers.into_iter().map(|(name, value)| Field { name, value }).collect(),
        body: request.body,
        timeout: request.timeout,
        redirects: request.redirects,
    }
}

fn answer(answer: Result<outbound::Response, outbound::SendError>) -> Result<Response, SendError> {
    let response = answer.map_err(|error| match error {
        outbound::SendError::Unavailable => SendError::Unavailable,
        outbound::SendError::NotGranted => SendError::NotGranted,
        outbound::SendError::Invalid(why) => SendError::Invalid(why),
        outbound::SendError::NoEndpoint => SendError::NoEndpoint,
        outbound::SendError::Connect => SendError::Connect,
        outbound::SendError::Timeout => SendError::Timeout,
        outbound::SendError::Broken => SendError::Broken,
        outbound::SendError::TooLarge => SendError::TooLarge,
        outbound::SendError::Busy => SendError::Busy,
        outbound::SendError::Redirect(why) => SendError::Redirect(why),
        outbound::SendError::Other(why) => SendError::Other(why),
    })?;
    let status = crate::StatusCode::from_u16(response.status).map_err(|_| SendError::Broken)?;
    Ok(Response { status, headers: fields(response.headers), body: response.body })
}
