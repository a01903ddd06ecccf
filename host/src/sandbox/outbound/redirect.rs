//! What becomes of a request whose response says to go elsewhere (RFC 9110, section 15.4), if its plugin asked for that to be
//! followed: another request, looked at and granted as the first one was.
//!
//! It sends nothing: who sent the request hands in the head of the response, and sends what is left in its place.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, COOKIE, LAST_MODIFIED, LOCATION,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use super::asked::of_upstream;
use super::{OutboundPolicy, Outgoing, SendError};
use crate::wire::location;
use crate::wire::origin::{Origin, UrlError};

/// How many redirects are still followed, and where they may lead.
#[derive(Debug)]
pub struct Redirects {
    left: u8,
    asked: u8,
    policy: Arc<OutboundPolicy>,
}

/// The upstream that a request went to by its name, as far as it tells where a redirect leads.
pub trait Named {
    /// Whether a URL of this origin means one of its endpoints.
    fn stands_for(&self, origin: &Origin) -> bool;
    /// Whether requests to it are encrypted.
    fn is_secure(&self) -> bool;
}

/// What is said of a body (RFC 9110, section 15.4), and goes with it.
const OF_BODY: [HeaderName; 8] = [
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_TYPE,
    LAST_MODIFIED,
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// What is meant for one origin. `proxy-authorization` no plugin can write.
const CREDENTIALS: [HeaderName; 2] = [AUTHORIZATION, COOKIE];

impl Redirects {
    pub(super) fn new(asked: u8, policy: &Arc<OutboundPolicy>) -> Self {
        Self { left: asked, asked, policy: Arc::clone(policy) }
    }
}

impl Outgoing {
    /// Becomes the request that its response leads to; false if nothing follows on that response.
    pub fn redirect(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        upstream: &dyn Named,
    ) -> Result<bool, SendError> {
        let mut locations = headers.get_all(LOCATION).iter();
        let location = match locations.next() {
            Some(location) if self.redirects.asked > 0 && is_redirect(status) => location,
            _ => return Ok(false),
        };
        if locations.next().is_some() {
            return Err(refused("it has more than one location"));
        }
        let Some(left) = self.redirects.left.checked_sub(1) else {
            return Err(refused(format_args!("it is one more than {}", self.redirects.asked)));
        };
        let secure = self.origin.as_ref().map_or_else(|| upstream.is_secure(), |origin| origin.secure);
        let resolved = location
            .to_str()
            .map_err(|_| UrlError::Target)
            .and_then(|location| location::resolve(location, secure, &self.target));
        let (origin, target) =
            resolved.map_err(|error| refused(format_args!("its location leads nowhere: {error}")))?;
        match origin.filter(|origin| !self.is_at(origin, upstream)) {
            None if self.origin.is_some() => self.target = target,
            None => self.target = of_upstream(target.as_str()).map_err(refused)?,
            Some(origin) if secure && !origin.secure => {
                return Err(refused(format_args!("it leads from https to `{origin}`")));
            }
            Some(origin) => {
                let granted = self.redirects.policy.upstream_of(&origin);
                self.upstream =
                    granted.ok_or_else(|| refused(format_args!("it leads to `{origin}`, which is not granted")))?;
                (self.origin, self.target) = (Some(origin), target);
                remove(&mut self.headers, &CREDENTIALS);
            }
        }
        if becomes_get(status, &self.method) {
            self.method = Method::GET;
            self.body = Bytes::new();
            remove(&mut self.headers, &OF_BODY);
        }
        self.redirects.left = left;
        Ok(true)
    }

    /// Whether the origin is the one that this request went to.
    fn is_at(&self, origin: &Origin, upstream: &dyn Named) -> bool {
        self.origin.as_ref().map_or_else(|| upstream.stands_for(origin), |own| own == origin)
    }
}

/// Those that a client follows by itself.
fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// What 303 asks for, and what all clients have made of a `POST` that met 301 or 302.
fn becomes_get(status: StatusCode, method: &Method) -> bool {
    match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::HEAD,
        _ => false,
    }
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

fn refused(why: impl fmt::Display) -> SendError {
    SendError::Redirect(why.to_string())
}

#[cfg(test)]
mod tests;
