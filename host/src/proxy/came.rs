//! What the access log tells of how a request came, kept beside its exchange: plugins may change what is in that, and the
//! headers may be gone before the end.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue, USER_AGENT};

use super::forwarded::Connection;

/// Bytes of a `User-Agent` that are kept. Those of browsers have 80 to 200.
const MOST: usize = 256;

pub(super) struct Came {
    /// The name of its listener, if that has one.
    listener: Option<Arc<str>>,
    user_agent: Option<HeaderValue>,
}

impl Came {
    /// Copies nothing, but for an agent that is too long: it would keep more than it says.
    pub(super) fn new(headers: &HeaderMap, connection: &Connection) -> Self {
        let user_agent = headers.get(USER_AGENT).and_then(|agent| match agent.as_bytes() {
            agent if agent.len() > MOST => HeaderValue::from_bytes(&agent[..MOST]).ok(),
            _ => Some(agent.clone()),
        });
        Self { listener: connection.shared_listener(), user_agent }
    }

    pub(super) fn listener(&self) -> Option<&str> {
        self.listener.as_deref()
    }

    /// As text, whatever was sent.
    pub(super) fn user_agent(&self) -> Option<Cow<'_, str>> {
        self.user_agent.as_ref().map(|agent| String::from_utf8_lossy(agent.as_bytes()))
    }
}
