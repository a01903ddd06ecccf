//! What a client waits for before it sends the body of a request (RFC 9110, section 10.1.1).

use http::header;
use http::{Version, request};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    Nothing,
    Continue,
    /// What nobody here can promise.
    Other,
}

impl Expects {
    pub fn of(head: &request::Parts) -> Self {
        let mut expected = Self::Nothing;
        // HTTP/1.0 has no expectations.
        let values = (head.version >= Version::HTTP_11).then(|| head.headers.get_all(header::EXPECT).iter());
        let members = values.into_iter().flatten().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        for member in members.map(<[u8]>::trim_ascii).filter(|member| !member.is_empty()) {
            if !member.eq_ignore_ascii_case(b"100-continue") {
                return Self::Other;
            }
            expected = Self::Continue;
        }
        expected
    }
}
