//! Origins: the scheme, host and port of a URL (RFC 9110, section 4.3.1), read strictly.
//!
//! Who checks a URL and who dials it must mean the same, so there is one reader, and it takes one form of everything: no
//! user information, no backslash, no host that some parsers take for an address and others for a name.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::uri::PathAndQuery;
use thiserror::Error;

/// Where a URL leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether it is `https`.
    pub secure: bool,
    pub host: Host,
    pub port: u16,
}

/// Whom a URL names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// In lower case.
    Name(Box<str>),
    Address(IpAddr),
}

/// Why a text is not a URL, or not an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UrlError {
    #[error("it does not begin with `http://` or `https://`")]
    Scheme,
    #[error("it has a user name or password in it")]
    UserInfo,
    #[error("its host is neither a DNS name nor an IP address in its plain form")]
    Host,
    #[error("its port is not a number from 1 to 65535")]
    Port,
    #[error("it has a path, a query or a fragment: an origin is a scheme, a host and a port")]
    NotAlone,
    #[error("it has a fragment")]
    Fragment,
    #[error("its path or query has a byte that may not stand there, or is too long")]
    Target,
}

/// Bytes of a path with its query; `http` takes no longer one.
const MOST_TARGET: usize = 65_534;
/// Bytes of a name and of a part of it (RFC 1035, section 2.3.4).
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

impl Origin {
    /// An origin alone: `https://api.example.com`, `http://[2001:db8::7]:8080`.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let (secure, rest) = scheme(text)?;
        if rest.contains(['/', '?', '#']) {
            return Err(UrlError::NotAlone);
        }
        Self::of(secure, rest)
    }

    /// `host:port`, as `Host` says it: without the scheme's usual port.
    pub fn authority(&self) -> String {
        match self.port == usual_port(self.secure) {
            true => self.host.to_string(),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    fn of(secure: bool, authority: &str) -> Result<Self, UrlError> {
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
            Some(Some((address, port))) => {
                let address: Ipv6Addr = address.parse().map_err(|_| UrlError::Host)?;
                (Host::Address(address.into()), port)
            }
            Some(None) => return Err(UrlError::Host),
            None => {
                let end = authority.find(':').unwrap_or(authority.len());
                (Host::parse(&authority[..end])?, &authority[end..])
            }
        };
        let port = match port.strip_prefix(':') {
            Some(port) => self::port(port)?,
            None if port.is_empty() => usual_port(secure),
            None => return Err(UrlError::Host),
        };
        Ok(Self { secure, host, port })
    }
}

impl Host {
    /// What stands before the port, but for IPv6 addresses.
    fn parse(text: &str) -> Result<Self, UrlError> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        let name = text.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_label = |label: &str| (1..=LONGEST_LABEL).contains(&label.len()) && label.bytes().all(plain);
        if name.len() > LONGEST_NAME || !name.split('.').all(is_label) {
            return Err(UrlError::Host);
        }
        // `2130706433`, `127.1` and `0x7f.0.0.1` are 127.0.0.1 to the C library, and so to some resolvers.
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_number { Err(UrlError::Host) } else { Ok(Self::Name(name.into())) }
    }
}

/// A URL as the origin that it leads to, and the path with its query that is asked for there.
pub fn url(text: &str) -> Result<(Origin, PathAndQuery), UrlError> {
    let (secure, rest) = scheme(text)?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let origin = Origin::of(secure, &rest[..end])?;
    let target = match &rest[end..] {
        target if target.contains('#') => return Err(UrlError::Fragment),
        "" => "/".to_owned(),
        query if query.starts_with('?') => format!("/{query}"),
        target => target.to_owned(),
    };
    Ok((origin, self::target(&target)?))
}

/// A path with its query, as it is sent.
pub fn target(text: &str) -> Result<PathAndQuery, UrlError> {
    let fits = text.starts_with('/')
        && text.len() <= MOST_TARGET
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\');
    if !fits {
        return Err(UrlError::Target);
    }
    PathAndQuery::try_from(text).map_err(|_| UrlError::Target)
}

fn scheme(text: &str) -> Result<(bool, &str), UrlError> {
    let secure = text.strip_prefix("https://").map(|rest| (true, rest));
    secure.or_else(|| text.strip_prefix("http://").map(|rest| (false, rest))).ok_or(UrlError::Scheme)
}

fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

/// Without a sign and without zeros before it.
fn port(text: &str) -> Result<u16, UrlError> {
    let digits = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().map_err(|_| UrlError::Port) } else { Err(UrlError::Port) }
}

/// In its one form: a host in lower case, an address in its shortest form, no usual port.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority())
    }
}

/// As in a URL.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String), UrlError> {
        url(text).map(|(origin, target)| (origin.to_string(), target.to_string()))
    }

    #[test]
    fn a_url_has_one_origin_however_it_is_written() {
        for (text, origin, target) in [
            ("https://api.example.com", "https://api.example.com", "/"),
            ("https://API.Example.com:443/v1?a=b", "https://api.example.com", "/v1?a=b"),
            ("http://a.test:8080?q", "http://a.test:8080", "/?q"),
            ("http://192.0.2.1:80/", "http://192.0.2.1", "/"),
            ("https://[2001:DB8:0::7]:8443/x", "https://[2001:db8::7]:8443", "/x"),
            ("http://a_b.test/%2F//..", "http://a_b.test", "/%2F//.."),
        ] {
            assert_eq!(read(text), Ok((origin.into(), target.into())), "{text}");
        }
    }

    #[test]
    fn what_two_readers_could_take_for_two_hosts_is_no_url() {
        for (text, error) in [
            ("api.example.com", UrlError::Scheme),
            ("//api.example.com", UrlError::Scheme),
            ("HTTP://api.example.com", UrlError::Scheme),
            (" http://api.example.com", UrlError::Scheme),
            ("ftp://api.example.com", UrlError::Scheme),
            ("http:/api.example.com", UrlError::Scheme),
            ("http://user@api.example.com", UrlError::UserInfo),
            ("http://api.example.com:80@127.0.0.1", UrlError::UserInfo),
            ("http://api.example.com\\@127.0.0.1/", UrlError::Target),
            ("http://api.example.com#@127.0.0.1/", UrlError::Fragment),
            ("http://", UrlError::Host),
            ("http:///x", UrlError::Host),
            ("http://api.example.com./", UrlError::Host),
            ("http://api..example.com", UrlError::Host),
            ("http://api.example.com%00.evil.test", UrlError::Host),
            ("http://api.example.com\t", UrlError::Host),
            ("http://\u{2460}27.0.0.1", UrlError::Host),
            ("http://127\u{3002}0\u{3002}0\u{3002}1", UrlError::Host),
            ("http://2130706433", UrlError::Host),
            ("http://127.1", UrlError::Host),
            ("http://0177.0.0.1", UrlError::Host),
            ("http://127.0.0.01", UrlError::Host),
            ("http://0x7f000001", UrlError::Host),
            ("http://0x7f.0.0.0x1", UrlError::Host),
            ("http://[::1", UrlError::Host),
            ("http://[::1]evil.test", UrlError::Host),
            ("http://[fe80::1%25eth0]", UrlError::Host),
            ("http://[127.0.0.1]", UrlError::Host),
            ("http://a.test:", UrlError::Port),
            ("http://a.test:0", UrlError::Port),
            ("http://a.test:080", UrlError::Port),
            ("http://a.test:+80", UrlError::Port),
            ("http://a.test:65536", UrlError::Port),
            ("http://a.test:80:80", UrlError::Port),
            ("http://a.test/a b", UrlError::Target),
            ("http://a.test/\r\nx-evil: 1", UrlError::Target),
        ] {
            assert_eq!(read(text), Err(error), "{text:?}");
        }
        assert_eq!(Origin::parse("https://a.test/"), Err(UrlError::NotAlone));
        assert_eq!(Origin::parse("https://a.test"), url("https://a.test/").map(|(origin, _)| origin));
    }
}
