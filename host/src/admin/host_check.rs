//! Whether a request was meant for this listener.
//!
//! A web page may point its own name at 127.0.0.1 (DNS rebinding) and have a visitor's browser read what only the
//! machine should; the browser then sends the page's name. Names are therefore refused unless known: loopback names,
//! the address that the connection came in on, and names that the config lists. The port is not compared: a forwarded
//! one differs, and a rebound name is wrong with any.

use std::net::IpAddr;

use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, Uri};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// None, several, or not a host at all: 400 (RFC 9112, section 3.2).
    Malformed,
    /// A host that is not this listener: 421.
    Misdirected,
}

/// Checks `Host`, and the target's authority when the request line has one.
pub(super) fn check(uri: &Uri, headers: &HeaderMap, bound: IpAddr, names: &[String]) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Refusal::Malformed) };
    let host: Authority = host.as_bytes().try_into().map_err(|_| Refusal::Malformed)?;
    for authority in [Some(&host), uri.authority()].into_iter().flatten() {
        if authority.as_str().contains('@') {
            return Err(Refusal::Malformed);
        }
        if !is_ours(authority.host(), bound, names) {
            return Err(Refusal::Misdirected);
        }
    }
    Ok(())
}

fn is_ours(host: &str, bound: IpAddr, names: &[String]) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(ip) = bare.parse::<IpAddr>() {
        let ip = ip.to_canonical();
        return ip.is_loopback() || ip == bound;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name.eq_ignore_ascii_case("localhost") || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn checked(target: &str, hosts: &[&str]) -> Result<(), Refusal> {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(HOST, HeaderValue::from_str(host).expect("a header value"));
        }
        let uri = target.parse().expect("a target");
        check(&uri, &headers, IpAddr::from([10, 0, 0, 5]), &["gateway.internal".to_owned()])
    }

    #[test]
    fn loopback_the_bound_address_and_listed_names_are_ours() {
        for host in [
            "localhost",
            "LocalHost.:9901",
            "127.0.0.1:9901",
            "127.9.9.9",
            "[::1]:9901",
            "[::ffff:127.0.0.1]",
            "10.0.0.5:80",
            "Gateway.Internal:9901",
        ] {
            assert_eq!(checked("/metrics", &[host]), Ok(()), "{host}");
        }
    }

    #[test]
    fn every_other_name_and_address_is_misdirected() {
        for host in ["evil.example", "localhost.evil.example", "10.0.0.6", "127.0.0.1.nip.io", "[::2]", "0.0.0.0"] {
            assert_eq!(checked("/metrics", &[host]), Err(Refusal::Misdirected), "{host}");
        }
        assert_eq!(checked("http://evil.example/metrics", &["localhost"]), Err(Refusal::Misdirected));
        assert_eq!(checked("http://localhost/metrics", &["evil.example"]), Err(Refusal::Misdirected));
    }

    #[test]
    fn a_missing_doubled_or_broken_host_is_malformed() {
        for hosts in [&[][..], &["localhost", "localhost"], &[""], &["a b"], &["evil@localhost"], &["a/b"]] {
            assert_eq!(checked("/metrics", hosts), Err(Refusal::Malformed), "{hosts:?}");
        }
    }
}
