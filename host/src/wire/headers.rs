//! Which header fields belong to whom.

use http::header::{self, HeaderMap, HeaderName};

/// Fields that one message may come with, from a client or an upstream: what a listener's `limits.headers` is at
/// most.
pub const MOST_RECEIVED: usize = 256;
/// Fields that one message may have after plugins edited it. However many a client sends, plugins have room.
pub const MOST_FIELDS: usize = MOST_RECEIVED + 128;

/// Whether a header concerns one connection only (RFC 9110, section 7.6.1) or frames the message
/// (RFC 9112, section 6). The gateway alone sets these; a plugin that tries has a fault.
pub fn belongs_to_gateway(name: &HeaderName) -> bool {
    is_hop_by_hop(name) || *name == header::CONTENT_LENGTH || *name == header::HOST
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// RFC 9110, section 7.6.1, with `proxy-connection`, which old clients still send.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    // Trailers end here, so nobody is told of them.
    header::TRAILER,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// Removes what concerns one connection only: the listed fields, and those that `Connection` names.
/// `protected` are never removed because a client named them: otherwise `Connection: x-consumer-name`
/// would strip what the gateway or a plugin says.
pub fn strip_hop_by_hop(headers: &mut HeaderMap, protected: impl Fn(&HeaderName) -> bool) {
    let Some(first) = headers.get(header::CONNECTION) else {
        return strip_listed(headers);
    };
    // Nearly always one field that says `keep-alive` or `close`.
    let plain = |value: &http::HeaderValue| {
        let value = value.as_bytes();
        value.eq_ignore_ascii_case(b"keep-alive") || value.eq_ignore_ascii_case(b"close")
    };
    if !plain(first) || headers.get_all(header::CONNECTION).iter().nth(1).is_some() {
        for name in named_by_connection(headers) {
            if !protected(&name) && name != header::HOST && name != header::CONTENT_LENGTH {
                headers.remove(&name);
            }
        }
    }
    strip_listed(headers);
}

fn strip_listed(headers: &mut HeaderMap) {
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
}

fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|token| HeaderName::from_bytes(token.trim_ascii()).ok())
        .collect()
}

/// What the gateway says of an exchange. A client's own copies are deleted elsewhere, after a trusted proxy's
/// were read; their aliases mean nothing to anybody but an upstream that confuses them.
const SAID_BY_GATEWAY: [HeaderName; 10] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-request-id"),
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::FORWARDED,
    header::VIA,
];

/// Whether a client's `Connection` may not name a header away: it tells who the client is.
pub fn is_said_by_gateway(name: &HeaderName) -> bool {
    SAID_BY_GATEWAY.contains(name)
}

/// Whether requests need a header to work: what all of HTTP gives a meaning cannot become one plugin's own, who
/// would take it from every route.
pub fn is_common(name: &HeaderName) -> bool {
    let families = ["accept", "content-", "if-", "sec-", "access-control-"];
    is_said_by_gateway(name) || COMMON.contains(name) || families.iter().any(|start| name.as_str().starts_with(start))
}

/// Request fields of RFC 9110, 9111, 6265 and 7540, and the trace context of the W3C, beside whole families.
const COMMON: [HeaderName; 17] = [
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::COOKIE,
    header::DATE,
    header::EXPECT,
    header::FROM,
    header::MAX_FORWARDS,
    header::ORIGIN,
    header::PRAGMA,
    header::RANGE,
    header::REFERER,
    header::UPGRADE_INSECURE_REQUESTS,
    header::USER_AGENT,
    HeaderName::from_static("baggage"),
    HeaderName::from_static("priority"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// Header names that clients may not say, in any alias: `_` and `.` stand for `-` in the eyes of
/// upstreams that make variables of header names (CGI, RFC 3875 section 4.1.18).
#[derive(Debug, Clone, Default)]
pub struct Owned(Vec<HeaderName>);

impl Owned {
    pub fn new(names: impl IntoIterator<Item = HeaderName>) -> Self {
        let mut names: Vec<HeaderName> = names.into_iter().collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Self(names)
    }

    pub fn contains(&self, name: &HeaderName) -> bool {
        self.0.contains(name)
    }

    /// Removes every copy that a client sent, aliases included.
    pub fn strip(&self, headers: &mut HeaderMap) {
        for name in &self.0 {
            headers.remove(name);
        }
        let aliased = |name: &&HeaderName| name.as_str().bytes().any(|byte| byte == b'_' || byte == b'.');
        let aliases: Vec<HeaderName> =
            headers.keys().filter(aliased).filter(|name| self.has_alias(name)).cloned().collect();
        for alias in aliases {
            headers.remove(alias);
        }
    }

    fn has_alias(&self, name: &HeaderName) -> bool {
        let fold = |byte: u8| if byte == b'_' || byte == b'.' { b'-' } else { byte };
        self.0
            .iter()
            .chain(&SAID_BY_GATEWAY)
            .any(|owned| owned.as_str().bytes().map(fold).eq(name.as_str().bytes().map(fold)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let field = |&(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn every_alias_of_an_owned_header_is_stripped() {
        let owned = Owned::new([HeaderName::from_static("x-consumer-name")]);
        let mut got = headers(&[
            ("X-Consumer-Name", "a"),
            ("x_consumer_name", "b"),
            ("x.consumer-name", "c"),
            ("x_forwarded_for", "d"),
            ("content.length", "e"),
            ("x-forwarded-for", "kept"),
            ("x-consumer", "kept"),
        ]);
        owned.strip(&mut got);
        assert_eq!(got, headers(&[("x-forwarded-for", "kept"), ("x-consumer", "kept")]));
    }

    #[test]
    fn connection_strips_what_it_names_but_nothing_that_is_protected() {
        let mut got =
            headers(&[("connection", "close, x-hop, X-Consumer-Name"), ("x-hop", "1"), ("x-consumer-name", "acme")]);
        strip_hop_by_hop(&mut got, |name| name == "x-consumer-name");
        assert_eq!(got, headers(&[("x-consumer-name", "acme")]));
    }

    #[test]
    fn what_all_of_http_says_cannot_become_a_plugins_own() {
        for name in ["authorization", "cookie", "x-forwarded-for", "accept-encoding", "content-type", "if-none-match"] {
            assert!(is_common(&name.parse().expect("a name")), "{name}");
        }
        assert!(!is_common(&HeaderName::from_static("x-consumer-name")));
    }

    #[test]
    fn plugins_may_not_frame_messages() {
        for name in ["content-length", "transfer-encoding", "connection", "host", "upgrade", "te"] {
            assert!(belongs_to_gateway(&name.parse().expect("a name")), "{name}");
        }
        assert!(!belongs_to_gateway(&HeaderName::from_static("x-fine")));
    }
}
