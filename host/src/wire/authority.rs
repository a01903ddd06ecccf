//! One form of authorities: who is asked, as routes know it, plugins see it and upstreams are told.

use std::net::Ipv6Addr;

use http::uri::Authority;
use thiserror::Error;

/// It is no host: user information, other characters than those of names, a port that is none.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the host is not a valid one")]
pub struct AuthorityError;

/// A name in lower case and without a final dot, or an address in its shortest form, and a port, unless that is the one
/// of the scheme, `http` or `https` (RFC 3986, sections 3.2.2 and 6.2.3).
pub fn normalise(authority: &Authority, scheme: &str) -> Result<Box<str>, AuthorityError> {
    let text = authority.as_str();
    let mut normal = String::with_capacity(text.len());
    let after = if let Some((address, after)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let address: Ipv6Addr = address.parse().map_err(|_| AuthorityError)?;
        normal.push_str(&format!("[{address}]"));
        after
    } else {
        let (name, after) = text.split_at(text.find(':').unwrap_or(text.len()));
        let name = name.strip_suffix('.').unwrap_or(name);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        if !name.split('.').all(|label| !label.is_empty() && label.bytes().all(plain)) {
            return Err(AuthorityError);
        }
        normal.push_str(name);
        normal.make_ascii_lowercase();
        after
    };
    if let Some(port) = port(after)?
        && port != if scheme == "https" { "443" } else { "80" }
    {
        normal.push(':');
        normal.push_str(port);
    }
    Ok(normal.into_boxed_str())
}

/// What is behind a host: nothing, a colon, or a colon and a number, of which the zeros before it are not kept.
fn port(after: &str) -> Result<Option<&str>, AuthorityError> {
    match after.strip_prefix(':') {
        None if after.is_empty() => Ok(None),
        Some("") => Ok(None),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok() => {
            let zeros = port.bytes().take_while(|byte| *byte == b'0').count();
            Ok(Some(&port[zeros.min(port.len() - 1)..]))
        }
        _ => Err(AuthorityError),
    }
}

/// As [`normalise`], of the value of a `Host` field.
pub fn of_host(value: &[u8], scheme: &str) -> Result<Box<str>, AuthorityError> {
    normalise(&Authority::try_from(value).map_err(|_| AuthorityError)?, scheme)
}

/// The host of an authority in its normal form without its port, as routes know it.
pub fn host(authority: &str) -> &str {
    match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_see_hosts_without_port() {
        for (authority, expected) in
            [("a.example", "a.example"), ("a.example:81", "a.example"), ("[::1]:81", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(host(authority), expected);
        }
    }

    #[test]
    fn a_host_has_one_form_however_it_is_written() {
        for (written, http, https) in [
            ("A.Example", "a.example", "a.example"),
            ("a.example.", "a.example", "a.example"),
            ("a.example.:", "a.example", "a.example"),
            ("a.example:80", "a.example", "a.example:80"),
            ("a.example.:0443", "a.example:443", "a.example"),
            ("a.example:8080", "a.example:8080", "a.example:8080"),
            ("a.example:00", "a.example:0", "a.example:0"),
            ("127.0.0.1:80", "127.0.0.1", "127.0.0.1:80"),
            ("[0:0::1]:443", "[::1]:443", "[::1]"),
            ("[2001:DB8::0:1]", "[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(of_host(written.as_bytes(), "http").as_deref(), Ok(http), "{written}");
            assert_eq!(of_host(written.as_bytes(), "https").as_deref(), Ok(https), "{written}");
        }
    }
}
