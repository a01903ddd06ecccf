//! Which other protocols a client asks to switch to, and which an answer may name (RFC 9110, section 7.8).

use http::header::{self, HeaderMap, HeaderValue};

/// What a client asks for, as an endpoint is asked: valid, not empty, and nothing that carries HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocols(HeaderValue);

/// They go on to carry HTTP, and its requests would come past every route and plugin. `h2c` is obsolete besides
/// (RFC 9113, section 3.1); `tls` is RFC 2817's.
const CARRY_HTTP: [&str; 4] = ["h2c", "h2", "http", "tls"];

impl Protocols {
    /// What `Upgrade` says. None if nothing of it can be passed on, or if it is not well-formed: then the request is
    /// one like any other.
    pub fn asked(headers: &HeaderMap) -> Option<Self> {
        let asked = listed(headers)?;
        let passed: Vec<&str> = asked.iter().copied().filter(|protocol| !carries_http(protocol)).collect();
        if passed.is_empty() {
            return None;
        }
        HeaderValue::from_str(&passed.join(", ")).ok().map(Self)
    }

    pub fn value(&self) -> &HeaderValue {
        &self.0
    }

    /// Whether an answer names, in one field, protocols that were asked for, and only such (RFC 9110, section 15.2.2).
    pub fn include(&self, answered: &HeaderMap) -> bool {
        let asked = self.0.to_str().unwrap_or_default();
        let is_asked = |named: &&str| asked.split(", ").any(|asked| asked.eq_ignore_ascii_case(named));
        let is_one = answered.get_all(header::UPGRADE).iter().nth(1).is_none();
        is_one && listed(answered).is_some_and(|named| named.iter().all(is_asked))
    }
}

/// The protocols of every `Upgrade`, at least one. None if there is none, or if one is malformed.
fn listed(headers: &HeaderMap) -> Option<Vec<&str>> {
    let mut protocols = Vec::new();
    for value in headers.get_all(header::UPGRADE) {
        let elements = value.to_str().ok()?.split(',').map(|element| element.trim_matches([' ', '\t']));
        // RFC 9110, section 5.6.1.2: an empty element is none.
        for protocol in elements.filter(|element| !element.is_empty()) {
            let (name, version) = protocol.split_once('/').unwrap_or((protocol, "0"));
            if !is_token(name) || !is_token(version) {
                return None;
            }
            protocols.push(protocol);
        }
    }
    Some(protocols).filter(|protocols| !protocols.is_empty())
}

fn carries_http(protocol: &str) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    CARRY_HTTP.iter().any(|carrier| carrier.eq_ignore_ascii_case(name))
}

/// RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let field = |value: &&str| (header::UPGRADE, HeaderValue::from_str(value).expect("a value"));
        values.iter().map(field).collect()
    }

    fn asked(values: &[&str]) -> Option<String> {
        Protocols::asked(&headers(values)).map(|asked| asked.value().to_str().expect("text").to_owned())
    }

    #[test]
    fn what_is_asked_for_is_passed_on_in_its_order() {
        assert_eq!(asked(&["websocket"]).as_deref(), Some("websocket"));
        assert_eq!(asked(&["websocket,", ""]).as_deref(), Some("websocket"));
        assert_eq!(asked(&["WebSocket ,\tfoo/2.1", "bar"]).as_deref(), Some("WebSocket, foo/2.1, bar"));
    }

    #[test]
    fn what_carries_http_is_never_asked_for() {
        for only in ["h2c", "H2C", "h2", "HTTP/2.0", "http/1.1", "TLS/1.0", "tls/1.2, h2c"] {
            assert_eq!(asked(&[only]), None, "{only}");
        }
        assert_eq!(asked(&["h2c, websocket, TLS/1.0"]).as_deref(), Some("websocket"));
    }

    #[test]
    fn a_malformed_list_asks_for_nothing() {
        for malformed in ["", ",", "web socket", "websocket/", "/1", "a/b/c", "websocket;q=1", "\u{e9}"] {
            assert_eq!(asked(&[malformed]), None, "{malformed:?}");
        }
        assert_eq!(asked(&["websocket", "a b"]), None);
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn an_answer_names_only_what_was_asked_for() {
        let asked = Protocols::asked(&headers(&["websocket, foo/2"])).expect("well-formed");
        for good in [&["websocket"][..], &["WebSocket"], &["foo/2"], &["foo/2,websocket"]] {
            assert!(asked.include(&headers(good)), "{good:?}");
        }
        for bad in [&[][..], &[""], &["foo"], &["foo/1"], &["websocket, bar"], &["websocket", "foo/2"], &["web"]] {
            assert!(!asked.include(&headers(bad)), "{bad:?}");
        }
    }
}
