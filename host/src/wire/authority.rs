//! One form of authorities: who is asked, as routes know it, plugins see it and upstreams are told.

use std::net::Ipv6Addr;

use http::uri::Authority;
use thiserror::Error;

/// It is no host: user information, other characters than those of names, a port that is none.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the host is not a valid one")]
pub struct AuthorityError;

/// A name or address, and perhaps a port, in lower case and with an address in its shortest form (RFC 3986, section
/// 3.2.2).
pub fn normalise(authority: &Authority) -> Result<Box<str>, AuthorityError> {
    let mut text = authority.as_str().to_ascii_lowercase();
    let end = if let Some((address, port)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| AuthorityError)?;
        let after = port.len();
        text = format!("[{address}]{port}");
        text.len() - after
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let name = text[..end].strip_suffix('.').unwrap_or(&text[..end]);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        if !name.split('.').all(|label| !label.is_empty() && label.bytes().all(plain)) {
            return Err(AuthorityError);
        }
        end
    };
    let port = &text[end..];
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    let valid = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.is_empty() || is_port(port));
    if valid { Ok(text.into_boxed_str()) } else { Err(AuthorityError) }
}

/// As [`normalise`], of the value of a `Host` field.
pub fn of_host(value: &[u8]) -> Result<Box<str>, AuthorityError> {
    normalise(&Authority::try_from(value).map_err(|_| AuthorityError)?)
}

/// The host without its port and final dot, as routes know it.
pub fn host(authority: &str) -> &str {
    let host = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_see_hosts_without_port_and_final_dot() {
        for (authority, expected) in [
            ("a.example", "a.example"),
            ("a.example:80", "a.example"),
            ("a.example.:80", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host(authority), expected);
        }
    }
}
