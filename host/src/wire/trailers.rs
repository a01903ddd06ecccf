//! Which trailers pass the gateway (RFC 9110, section 6.5.1): those that mean nothing until the body is over.
//!
//! They arrive after every plugin has run. So a trailer of a response says nothing that it could have been framed or kept
//! by, and nothing that the gateway or a plugin says, whatever it is called. Those of requests end at the gateway.

use http::HeaderMap;

use super::headers::{Owned, fold, remove_all};

/// Trailers of one message, and the bytes of their names and values.
pub const MOST_TRAILERS: usize = 64;
pub const MOST_TRAILER_BYTES: usize = 16 * 1024;

/// What trailers may not say, by one live config.
#[derive(Debug)]
pub struct Sieve {
    owned: Owned,
}

/// More than fit: who cannot pass all of a message must not make it look whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the trailers are more than {MOST_TRAILERS}, or longer than {MOST_TRAILER_BYTES} bytes")]
pub struct TooMany;

impl Sieve {
    pub fn new(owned: Owned) -> Self {
        Self { owned }
    }

    /// The trailers of a response that may go to a client, if any. Its headers may have any name, too.
    pub fn of_response(&self, mut trailers: HeaderMap) -> Result<Option<HeaderMap>, TooMany> {
        let bytes: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if trailers.len() > MOST_TRAILERS || bytes > MOST_TRAILER_BYTES {
            return Err(TooMany);
        }
        remove_all(&mut trailers, |name| acts_before_the_body(&fold(name)) || self.owned.has_alias(name));
        Ok(Some(trailers).filter(|trailers| !trailers.is_empty()))
    }
}

/// Whether a field has its effect before a body is read, or on the connection: framing, routing, conditions and controls,
/// authentication, how the content is to be read or kept. `name` is in lower case, without `_` and `.`.
fn acts_before_the_body(name: &str) -> bool {
    const FAMILIES: [&str; 6] = ["accept", "access-control-", "if-", "proxy-", "sec-", "x-frame-"];
    FAMILIES.iter().any(|family| name.starts_with(family))
        || matches!(
            name,
            "connection" | "content-length" | "host" | "http2-settings" | "keep-alive" | "te" | "trailer"
                | "transfer-encoding" | "upgrade"
                // Conditions and controls.
                | "age" | "alt-svc" | "cache-control" | "clear-site-data" | "date" | "expect" | "expires" | "etag"
                | "last-modified" | "link" | "location" | "max-forwards" | "pragma" | "range" | "refresh"
                | "retry-after" | "strict-transport-security" | "vary" | "warning"
                // Who is asking.
                | "authentication-info" | "authorization" | "cookie" | "set-cookie" | "set-cookie2"
                | "www-authenticate"
                // How the content is to be read.
                | "content-disposition" | "content-encoding" | "content-language" | "content-location"
                | "content-range" | "content-security-policy" | "content-type" | "x-content-type-options"
        )
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::wire::headers::Aliases;

    fn trailers(names: &[&str]) -> HeaderMap {
        let field = |name: &&str| (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_static("1"));
        names.iter().map(field).collect()
    }

    fn sieve(aliases: Aliases) -> Sieve {
        Sieve::new(Owned::new([HeaderName::from_static("x-consumer-name")], aliases))
    }

    #[test]
    fn what_only_ends_a_message_passes() {
        let names =
            ["grpc-status", "grpc-message", "grpc-status-details-bin", "server-timing", "x-sum", "content-digest"];
        for aliases in [Aliases::Drop, Aliases::Keep] {
            let (sieve, all) = (sieve(aliases), trailers(&names));
            assert_eq!(sieve.of_response(all.clone()), Ok(Some(all)));
        }
    }

    #[test]
    fn what_frames_routes_or_says_who_is_asking_does_not_pass_by_any_name() {
        let names = [
            "content-length",
            "Transfer-Encoding",
            "host",
            "te",
            "trailer",
            "connection",
            "upgrade",
            "keep-alive",
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "if-match",
            "content-type",
            "content-encoding",
            "cache-control",
            "x-forwarded-for",
            "forwarded",
            "x-request-id",
            "via",
            "x-real-ip",
            "x-original-url",
            "proxy",
            "x-consumer-name",
        ];
        for name in names {
            for alias in [name.to_owned(), name.to_uppercase(), name.replace('-', "_"), name.replace('-', ".")] {
                for aliases in [Aliases::Drop, Aliases::Keep] {
                    let sieve = sieve(aliases);
                    assert_eq!(sieve.of_response(trailers(&[&alias])), Ok(None), "{alias}");
                }
            }
        }
    }

    #[test]
    fn trailers_have_bounds() {
        let many = |count: usize| {
            let names: Vec<String> = (0..count).map(|number| format!("x-{number}")).collect();
            trailers(&names.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let sieve = sieve(Aliases::Drop);
        assert!(sieve.of_response(many(MOST_TRAILERS)).is_ok());
        assert_eq!(sieve.of_response(many(MOST_TRAILERS + 1)), Err(TooMany));
        let mut long = HeaderMap::new();
        long.insert("x", HeaderValue::try_from("y".repeat(MOST_TRAILER_BYTES)).expect("a value"));
        assert_eq!(sieve.of_response(long), Err(TooMany));
    }
}
