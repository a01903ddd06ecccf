//! What a request's head says of its connection and of its body's time, besides the framing.

use http::header::{self, HeaderMap};
use http::{Version, request};

/// What `Connection` says (RFC 9110, section 7.6.1).
#[derive(Default)]
pub(super) struct Said {
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
}

impl Said {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut said = Self::default();
        let values = headers.get_all(header::CONNECTION).iter();
        for token in values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
            said.close |= token.eq_ignore_ascii_case(b"close");
            said.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
            said.upgrade |= token.eq_ignore_ascii_case(b"upgrade");
        }
        said
    }
}

/// What a client waits for before it sends the body of a request (RFC 9110, section 10.1.1).
#[derive(PartialEq, Eq)]
pub(super) enum Expects {
    Nothing,
    Continue,
    /// What nobody here can promise.
    Other,
}

pub(super) fn expects(head: &request::Parts) -> Expects {
    let mut expected = Expects::Nothing;
    // HTTP/1.0 has no expectations.
    let values = (head.version == Version::HTTP_11).then(|| head.headers.get_all(header::EXPECT).iter());
    let members = values.into_iter().flatten().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for member in members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()) {
        if !member.eq_ignore_ascii_case(b"100-continue") {
            return Expects::Other;
        }
        expected = Expects::Continue;
    }
    expected
}
