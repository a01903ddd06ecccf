//! Where a key may stand in a request: read there, and taken out.

use std::fmt::{self, Display};
use tollgate_plugin_sdk::header::SeveralValues;
use tollgate_plugin_sdk::prelude::*;
use tollgate_plugin_sdk::setup::Edit;

/// Where a key may stand.
pub enum Place {
    /// The value of a header, behind a scheme if there is one: `authorization: Bearer <key>`.
    Header { name: String, scheme: Option<String> },
    /// A query parameter.
    Query(String),
    /// A cookie.
    Cookie(String),
}

impl Place {
    /// The key that stands here, unless there are several.
    pub fn key(&self, request: &Request) -> Result<Option<Vec<u8>>, SeveralValues> {
        match self {
            Self::Header { name, scheme } => {
                let key = |value: HeaderValue| match scheme {
                    Some(scheme) => behind(scheme, value.as_bytes()).map(<[u8]>::to_vec),
                    None => Some(value.as_bytes().to_vec()),
                };
                Ok(request.single_header(name)?.and_then(key))
            }
            Self::Query(name) => {
                let params = request.query_params();
                let key = |(other, value): (String, String)| (other == *name).then(|| value.into_bytes());
                single(params.iter().filter_map(key))
            }
            Self::Cookie(name) => {
                let values = request.header_values("cookie");
                let cookies = values.iter().flat_map(cookies);
                single(cookies.filter_map(|cookie| cookie_value(cookie, name)).map(<[u8]>::to_vec))
            }
        }
    }

    /// What takes the key out of every request, where nothing else can stand in its place.
    pub fn removal(&self) -> Option<Edit> {
        match self {
            Self::Header { name, scheme: None } => Some(Edit::remove(name)),
            Self::Header { scheme: Some(_), .. } | Self::Query(_) | Self::Cookie(_) => None,
        }
    }

    /// Takes the keys out of the request, and nothing else.
    pub fn clear(&self, request: &mut Request) {
        match self {
            // Declared: it is taken out of every request.
            Self::Header { scheme: None, .. } => {}
            Self::Header { name, .. } => request.remove_header(name),
            Self::Query(name) => {
                let mut params = request.query_params();
                params.remove(name);
                request.set_query_params(&params);
            }
            Self::Cookie(name) => {
                let values = request.header_values("cookie");
                let others = values.iter().flat_map(cookies).filter(|cookie| cookie_value(cookie, name).is_none());
                match others.collect::<Vec<_>>().join(&b"; "[..]) {
                    none if none.is_empty() => request.remove_header("cookie"),
                    // HTTP/2 clients may send several fields, which stand for this one (RFC 9113, section 8.2.3).
                    others => request.set_header("cookie", others),
                }
            }
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, scheme: None } => write!(f, "the header `{name}`"),
            Self::Header { name, scheme: Some(scheme) } => write!(f, "the header `{name}` behind `{scheme}`"),
            Self::Query(name) => write!(f, "the query parameter `{name}`"),
            Self::Cookie(name) => write!(f, "the cookie `{name}`"),
        }
    }
}

fn single(mut keys: impl Iterator<Item = Vec<u8>>) -> Result<Option<Vec<u8>>, SeveralValues> {
    let key = keys.next();
    if keys.next().is_some() { Err(SeveralValues) } else { Ok(key) }
}

/// What follows a scheme (RFC 9110, section 11.4: in any case, before a space).
fn behind<'v>(scheme: &str, value: &'v [u8]) -> Option<&'v [u8]> {
    let (word, rest) = value.split_at_checked(scheme.len())?;
    let key = rest.strip_prefix(b" ")?.trim_ascii_start();
    word.eq_ignore_ascii_case(scheme.as_bytes()).then_some(key)
}

/// The `name=value` pairs of a `cookie` header (RFC 6265, section 4.2.1).
fn cookies(header: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let pairs = header.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    pairs.filter(|pair| !pair.is_empty())
}

fn cookie_value<'c>(cookie: &'c [u8], name: &str) -> Option<&'c [u8]> {
    cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}
