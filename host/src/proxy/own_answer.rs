//! Answers that a route gives by itself: where else to ask, or always the same.

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, LOCATION};

use super::error::{ClientError, ProxyError};
use super::flight::Flight;
use super::forward::{MOST_TARGET, part_of, rendered};
use crate::config::{Origin, QueryPart, Redirect, Respond};
use crate::exchange::{self, Exchange, ResponseHead};
use crate::upstream::UpstreamBody;
use crate::wire::authority;

impl Flight {
    /// The route sends the client elsewhere.
    pub(super) fn redirect(&mut self, redirect: &Redirect) -> UpstreamBody {
        match location(redirect, self.run.exchange()) {
            Ok(location) => {
                let headers = HeaderMap::from_iter([(LOCATION, location)]);
                let origin = exchange::Origin::Gateway("redirect");
                self.respond(ResponseHead { status: redirect.status, headers, origin }, UpstreamBody::empty())
            }
            Err(error) => self.fail(error),
        }
    }

    /// The route has one response for everybody.
    pub(super) fn respond_with(&mut self, respond: &Respond) -> UpstreamBody {
        let mut headers = respond.headers.clone();
        // For HEAD, whose answer has no body to count.
        if !respond.body.is_empty() {
            headers.insert(CONTENT_LENGTH, respond.body.len().into());
        }
        let origin = exchange::Origin::Gateway("respond");
        let head = ResponseHead { status: respond.status, headers, origin };
        self.respond(head, UpstreamBody::full(respond.body.clone()))
    }
}

/// Where the client is sent. It stays where the configuration says, whatever the request has in it: the path is one in
/// normal form and begins with a single slash, so it cannot pass for a host, and neither it nor the query has bytes that
/// end a header.
fn location(redirect: &Redirect, exchange: &Exchange) -> Result<HeaderValue, ProxyError> {
    let mut location = match &redirect.origin {
        None => String::new(),
        Some(Origin::Fixed(origin)) => origin.clone(),
        Some(Origin::OfRequest { scheme, port }) => {
            let host = authority::host(&exchange.request.authority);
            if host.is_empty() {
                return Err(ClientError::HostCount.into());
            }
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            format!("{scheme}://{host}{port}")
        }
    };
    location.push_str(&rendered(&redirect.path, exchange)?);
    let own = exchange.request.target.query();
    match &redirect.query {
        None => own.into_iter().for_each(|query| location.extend(["?", query])),
        Some(parts) => {
            location.push('?');
            parts.iter().for_each(|part| push(part, exchange, &mut location));
        }
    }
    match HeaderValue::from_str(&location) {
        Ok(location) if location.len() <= MOST_TARGET => Ok(location),
        Ok(_) => Err(ProxyError::RewriteTooLong(MOST_TARGET)),
        Err(_) => Err(ProxyError::Rewrite(String::new())),
    }
}

fn push(part: &QueryPart, exchange: &Exchange, location: &mut String) {
    match part {
        QueryPart::Literal(literal) => location.push_str(literal),
        QueryPart::Query => location.push_str(exchange.request.target.query().unwrap_or_default()),
        // A path's own `%` is encoded too: who reads the value gets the path as it was.
        QueryPart::Value(part) => {
            for byte in part_of(part, exchange).bytes() {
                match byte {
                    b'/' | b'-' | b'.' | b'_' | b'~' => location.push(char::from(byte)),
                    byte if byte.is_ascii_alphanumeric() => location.push(char::from(byte)),
                    byte => crate::wire::path::encode(byte, location),
                }
            }
        }
    }
}
