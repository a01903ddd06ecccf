//! What a request's head says of its connection, besides the framing.

use http::header::{self, HeaderMap};

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
