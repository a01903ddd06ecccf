//! Which header fields belong to whom.

use http::header::{self, HeaderMap, HeaderName};

/// Fields that one message may come with, from a client or an upstream: what a listener's `limits.headers` is at
/// most.
pub const MOST_RECEIVED: usize = 256;
/// Bytes of the head of a response from an upstream.
pub const MOST_RECEIVED_BYTES: u32 = 64 * 1024;
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
    // Not all of them may pass, and nobody has to be told.
    header::TRAILER,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
];

/// Removes what concerns one connection only: the listed fields, and those that `Connection` names.
/// `protected` are never removed because a client named them: otherwise `Connection: x-consumer-name`
/// would strip what the gateway or a plugin says. Answers whether the sender takes trailers (RFC 9110, section 10.1.4).
pub fn strip_hop_by_hop(headers: &mut HeaderMap, protected: impl Fn(&HeaderName) -> bool) -> bool {
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
            // It has to be named there, and goes below.
            let is_te = name == header::TE;
            if !protected(&name) && !is_te && name != header::HOST && name != header::CONTENT_LENGTH {
                headers.remove(&name);
            }
        }
    }
    strip_listed(headers)
}

fn strip_listed(headers: &mut HeaderMap) -> bool {
    // One pass over the names that came costs less than a look-up for each that could have.
    let is_listed = |name: &&HeaderName| HOP_BY_HOP.iter().any(|listed| listed == *name);
    let found: Vec<HeaderName> = headers.keys().filter(is_listed).cloned().collect();
    let takes_trailers = found.contains(&header::TE) && takes_trailers(headers);
    for name in found {
        headers.remove(name);
    }
    takes_trailers
}

fn takes_trailers(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TE).iter().flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    codings.any(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"trailers"))
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
    SAID_BY_GATEWAY.contains(name) || tells_of_client(name.as_str())
}

/// Families of headers that tell of a client, those that begin with `x-`.
const FAMILIES: [&str; 8] = [
    "x-forward",
    "x-original-forwarded",
    "x-ssl",
    "x-client-cert",
    "x-client-verify",
    "x-amzn-mtls",
    "x-arr-clientcert",
    "x-envoy-",
];

/// Whether a header tells who asked for what, and how: what only a trusted proxy may say. `name` is in lower case.
///
/// Whole families, because upstreams read more of them than any RFC names: `x-forwarded-prefix` makes links,
/// `x-forwarded-ssl` and `front-end-https` make a connection secure, `client-cert` (RFC 9440) and what other servers call
/// it make a certificate, `wl-proxy-` all of that for WebLogic, `x-envoy-` makes Envoy retry, and believe that a request is
/// internal; the last ones name a host, the others make addresses.
pub fn tells_of_client(name: &str) -> bool {
    let starts_with_one_of = |families: &[&str]| families.iter().any(|start| name.starts_with(start));
    let family = match name.as_bytes() {
        [b'x', b'-', ..] => starts_with_one_of(&FAMILIES),
        [b'c', ..] => starts_with_one_of(&["client-cert", "cf-connecting-ip", "cloudfront-"]),
        [b'f', ..] => starts_with_one_of(&["forwarded"]),
        [b's', ..] => starts_with_one_of(&["ssl-client"]),
        [b'w', ..] => starts_with_one_of(&["wl-proxy-"]),
        _ => false,
    };
    family
        || matches!(
            name,
            "x-request-id"
                | "x-real-ip"
                | "x-client-ip"
                | "x-cluster-client-ip"
                | "x-originating-ip"
                | "x-remote-ip"
                | "x-remote-addr"
                | "client-ip"
                | "x-true-client-ip"
                | "x-proxyuser-ip"
                | "x-appengine-user-ip"
                | "x-azure-clientip"
                | "x-azure-socketip"
                | "true-client-ip"
                | "proxy-client-ip"
                | "cf-pseudo-ipv4"
                | "cf-visitor"
                | "fastly-client-ip"
                | "fastly-ssl"
                | "fly-client-ip"
                | "front-end-https"
                | "x-arr-ssl"
                | "x-scheme"
                | "x-url-scheme"
                | "x-host"
                | "x-original-host"
                | "x-http-host-override"
        )
}

/// Whether a header makes some upstreams do something else than the request says, which nobody authorised:
/// frameworks route on the first three instead of the path; `proxy` becomes the variable `HTTP_PROXY` of CGI
/// (CVE-2016-5385). Nobody may say it, a trusted proxy neither.
pub fn misleads_upstreams(name: &str) -> bool {
    matches!(name, "x-original-url" | "x-original-uri" | "x-rewrite-url" | "proxy")
}

/// Fields that have one value (RFC 9110, section 5.3), and by which somebody is let in or a body is understood.
const SINGLE: [HeaderName; 3] = [header::AUTHORIZATION, header::CONTENT_TYPE, header::ORIGIN];

/// Whether one of those came twice: a plugin would go by the first of its values, and an upstream perhaps by the last.
pub fn repeats_single(headers: &HeaderMap) -> bool {
    // A name that came twice counts once among the keys. Nearly always none did, and nothing is looked up.
    headers.len() != headers.keys_len() && SINGLE.iter().any(|name| headers.get_all(name).iter().nth(1).is_some())
}

/// Removes every header whose name is one of these. One pass over names; an allocation only when there are some.
pub fn remove_all(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let found: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for name in found {
        headers.remove(name);
    }
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

/// What becomes of headers with `_` or `.` in their names, which stand for `-` in the eyes of upstreams that make
/// variables of header names (CGI, RFC 3875 section 4.1.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aliases {
    /// A client has none, so whatever a plugin sets or removes, no alias says otherwise.
    Drop,
    /// Only those of headers that the gateway says or a plugin owns are dropped.
    Keep,
}

/// Header names that clients may not say, in any alias.
#[derive(Debug, Clone)]
pub struct Owned {
    names: Vec<HeaderName>,
    aliases: Aliases,
}

impl Owned {
    pub fn new(names: impl IntoIterator<Item = HeaderName>, aliases: Aliases) -> Self {
        let mut names: Vec<HeaderName> = names.into_iter().collect();
        names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Self { names, aliases }
    }

    pub fn contains(&self, name: &HeaderName) -> bool {
        self.names.contains(name)
    }

    /// Removes every copy that a client sent, aliases included.
    pub fn strip(&self, headers: &mut HeaderMap) {
        let is_owned = |name: &str| self.names.iter().any(|owned| owned.as_str() == name);
        let is_alias = |name: &str| name.bytes().any(|byte| byte == b'_' || byte == b'.');
        remove_all(headers, |name| {
            is_owned(name) || is_alias(name) && (self.aliases == Aliases::Drop || self.has_alias(name))
        });
    }

    /// Whether it is what the gateway says or a plugin owns, in any alias.
    pub(super) fn has_alias(&self, name: &str) -> bool {
        let name = fold(name);
        let is_same = |other: &HeaderName| fold(other.as_str()) == name;
        tells_of_client(&name) || misleads_upstreams(&name) || self.names.iter().chain(&SAID_BY_GATEWAY).any(is_same)
    }
}

/// A name in the eyes of who makes variables of names.
pub(super) fn fold(name: &str) -> String {
    name.replace(['_', '.'], "-")
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
        let owned = Owned::new([HeaderName::from_static("x-consumer-name")], Aliases::Keep);
        let mut got = headers(&[
            ("X-Consumer-Name", "a"),
            ("x_consumer_name", "b"),
            ("x.consumer-name", "c"),
            ("x_forwarded_for", "d"),
            ("content.length", "e"),
            ("x_forwarded_ssl", "f"),
            ("x.original_url", "g"),
            ("x-forwarded-for", "kept"),
            ("x-consumer", "kept"),
            ("x_other", "kept"),
        ]);
        owned.strip(&mut got);
        assert_eq!(got, headers(&[("x-forwarded-for", "kept"), ("x-consumer", "kept"), ("x_other", "kept")]));
    }

    #[test]
    fn nothing_that_could_be_an_alias_comes_through_unless_it_is_asked_for() {
        let mut got = headers(&[("x_client", "a"), ("x.role", "b"), ("x-client", "kept")]);
        Owned::new([], Aliases::Drop).strip(&mut got);
        assert_eq!(got, headers(&[("x-client", "kept")]));
    }

    #[test]
    fn connection_strips_what_it_names_but_nothing_that_is_protected() {
        let mut got =
            headers(&[("connection", "close, x-hop, X-Consumer-Name"), ("x-hop", "1"), ("x-consumer-name", "acme")]);
        strip_hop_by_hop(&mut got, |name| name == "x-consumer-name");
        assert_eq!(got, headers(&[("x-consumer-name", "acme")]));
    }

    #[test]
    fn who_takes_trailers_says_so() {
        let takes = |fields| strip_hop_by_hop(&mut headers(fields), |_| false);
        assert!(takes(&[("te", "trailers")]));
        assert!(takes(&[("connection", "TE, close"), ("te", "gzip;q=0.5, Trailers")]));
        assert!(!takes(&[("te", "gzip")]) && !takes(&[("trailer", "trailers")]) && !takes(&[]));
    }

    #[test]
    fn what_has_one_value_is_said_once() {
        assert!(repeats_single(&headers(&[("authorization", "a"), ("x", "1"), ("authorization", "a")])));
        assert!(!repeats_single(&headers(&[("authorization", "a"), ("accept", "a"), ("accept", "b")])));
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
