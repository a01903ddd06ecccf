//! Host patterns: `api.example.com` and `*.example.com`.

use std::fmt;
use std::net::Ipv6Addr;

/// Which hosts a rule wants. In lower case, without port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostPattern {
    /// This host: a name, an IPv4 address, or an IPv6 address in brackets.
    Exact(Box<str>),
    /// Every name, of any depth, below this one; not the name itself. Written `*.` and the name.
    Suffix(Box<str>),
}

/// What is wrong with a host pattern, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    #[error("a host is empty; leave `host` out to match every host")]
    Empty,
    #[error("`*` is not a host pattern; leave `host` out to match every host")]
    Any,
    #[error("`{0}`: `*` stands for whole labels at the start, as in `*.example.com`")]
    Wildcard(String),
    #[error("`{0}` is a URL; name the host alone, as in `api.example.com`")]
    Url(String),
    #[error("`{host}` names a port; routes match the host alone: `{without}`")]
    Port { host: String, without: String },
    #[error("`{0}` ends with a dot; write it without")]
    FinalDot(String),
    #[error("`{host}`: {wrong:?} cannot be in a host name (names outside ASCII are written in their `xn--` form)")]
    Character { host: String, wrong: char },
    #[error("`{0}` is no IPv6 address in brackets, as in `[::1]`")]
    Address(String),
    #[error("`{0}`: a label is empty or longer than 63 bytes, or the name longer than 253")]
    Length(String),
}

impl HostPattern {
    /// `text` is a host name or address, or `*.` and a name. Case does not matter.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        match text {
            "" => return Err(HostError::Empty),
            "*" => return Err(HostError::Any),
            _ => {}
        }
        if text.contains('/') {
            return Err(HostError::Url(text.to_owned()));
        }
        let host = text.to_ascii_lowercase();
        if host.starts_with('[') {
            return ipv6(&host);
        }
        if let Some((without, _)) = host.split_once(':') {
            return Err(HostError::Port { host: text.to_owned(), without: without.to_owned() });
        }
        match host.strip_prefix("*.") {
            Some(suffix) => Ok(Self::Suffix(name(text, suffix)?)),
            None => Ok(Self::Exact(name(text, &host)?)),
        }
    }

    /// `host` is in lower case and has no port.
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => host == &**exact,
            Self::Suffix(suffix) => {
                host.strip_suffix(&**suffix).and_then(|below| below.strip_suffix('.')).is_some_and(|it| !it.is_empty())
            }
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Suffix(suffix) => write!(f, "*.{suffix}"),
        }
    }
}

/// `whole` is what the operator wrote, for the error.
fn name(whole: &str, name: &str) -> Result<Box<str>, HostError> {
    if name.is_empty() || name.contains('*') {
        return Err(HostError::Wildcard(whole.to_owned()));
    }
    // `_` is not for host names, yet service discovery uses it.
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if let Some(wrong) = name.chars().find(|&c| !allowed(c)) {
        return Err(HostError::Character { host: whole.to_owned(), wrong });
    }
    if name.len() > 1 && name.ends_with('.') {
        return Err(HostError::FinalDot(whole.to_owned()));
    }
    if name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(HostError::Length(whole.to_owned()));
    }
    Ok(name.into())
}

fn ipv6(host: &str) -> Result<HostPattern, HostError> {
    let wrong = || HostError::Address(host.to_owned());
    let (address, after) = host[1..].split_once(']').ok_or_else(wrong)?;
    let without = format!("[{}]", address.parse::<Ipv6Addr>().map_err(|_| wrong())?);
    match after {
        "" => Ok(HostPattern::Exact(without.into())),
        _ => Err(HostError::Port { host: host.to_owned(), without }),
    }
}

#[cfg(test)]
mod tests {
    use super::HostPattern;

    #[test]
    fn a_suffix_matches_names_below_it_of_any_depth_and_not_itself() {
        let pattern = HostPattern::parse("*.Example.com").expect("a good pattern");
        assert_eq!(pattern.to_string(), "*.example.com");
        assert!(pattern.matches("a.example.com"));
        assert!(pattern.matches("a.b.example.com"));
        for other in ["example.com", ".example.com", "badexample.com", "example.com.evil", ""] {
            assert!(!pattern.matches(other), "{other}");
        }
    }

    #[test]
    fn addresses_are_hosts() {
        for (text, host) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "[::1]"), ("[0:0::1]", "[::1]")] {
            assert_eq!(HostPattern::parse(text), Ok(HostPattern::Exact(host.into())));
        }
    }

    #[test]
    fn an_error_says_what_would_be_right() {
        let wrong = [
            "",
            "*",
            "*.",
            "*example.com",
            "a.*.com",
            "https://a.com/x",
            "a.com:8080",
            "[::1]:80",
            "[::1",
            "[nonsense]",
            "a.com.",
            "b\u{fc}cher.de",
            "a b.com",
            "a..com",
            "*.*.com",
        ];
        let errors = wrong.map(|text| HostPattern::parse(text).expect_err(text).to_string()).join("\n");
        insta::assert_snapshot!(errors, @r"
            a host is empty; leave `host` out to match every host
            `*` is not a host pattern; leave `host` out to match every host
            `*.`: `*` stands for whole labels at the start, as in `*.example.com`
            `*example.com`: `*` stands for whole labels at the start, as in `*.example.com`
            `a.*.com`: `*` stands for whole labels at the start, as in `*.example.com`
            `https://a.com/x` is a URL; name the host alone, as in `api.example.com`
            `a.com:8080` names a port; routes match the host alone: `a.com`
            `[::1]:80` names a port; routes match the host alone: `[::1]`
            `[::1` is no IPv6 address in brackets, as in `[::1]`
            `[nonsense]` is no IPv6 address in brackets, as in `[::1]`
            `a.com.` ends with a dot; write it without
            `bücher.de`: 'ü' cannot be in a host name (names outside ASCII are written in their `xn--` form)
            `a b.com`: ' ' cannot be in a host name (names outside ASCII are written in their `xn--` form)
            `a..com`: a label is empty or longer than 63 bytes, or the name longer than 253
            `*.*.com`: `*` stands for whole labels at the start, as in `*.example.com`
        ");
    }
}
