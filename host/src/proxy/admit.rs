//! From a request as it was read to an exchange on a route, or to a refusal.
//!
//! Parse once, normalise once: the host and path that are routed on here are the ones that plugins
//! see and the upstream gets.

use std::sync::Arc;
use std::time::Instant;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};
use http::{Method, Uri, Version};

use super::came::Came;
use super::error::{ClientError, ProxyError};
use super::forwarded::{self, Connection};
use super::grpc;
use super::request_id::RequestIds;
use super::view::View;
use crate::exchange::{Exchange, Outcome, Progress, RequestHead, RequestId};
use crate::http1::{HeadError, Protocols};
use crate::router::{NoRoute, Target};
use crate::wire::authority::AuthorityError;
use crate::wire::expect::Expects;
use crate::wire::{authority, headers, path};

/// A request that no route takes, with what is known of it for the answer and the log.
pub(super) struct Refused {
    pub(super) error: ClientError,
    pub(super) id: RequestId,
    /// None when there is no head that can be read.
    pub(super) line: Option<(Method, Uri, Version)>,
    /// What it names as its host, valid or not.
    pub(super) host: Option<String>,
    pub(super) came: Came,
    /// A gRPC call, whose caller understands no problem.
    pub(super) is_call: bool,
    pub(super) client: std::net::IpAddr,
    pub(super) started: Instant,
}

/// Finds the route of a request and makes an exchange of it.
pub(super) fn admit(
    view: &View,
    ids: &RequestIds,
    mut head: Parts,
    connection: &Connection,
    started: Instant,
) -> Result<Box<Exchange>, Box<Refused>> {
    join_cookies(&mut head);
    let over_limit = over_limit(&head, connection);
    // Cleaned before anything looks at it: no plugin sees what a client may not say.
    let takes_trailers = headers::strip_hop_by_hop(&mut head.headers, |name| {
        headers::is_said_by_gateway(name) || view.live.owned.contains(name)
    });
    view.live.owned.strip(&mut head.headers);
    let told = forwarded::read(&mut head.headers, connection, &view.live.trusted_proxies);
    let upgrade = head.extensions.remove::<Protocols>();
    let id = match told.request_id {
        Some(id) => id,
        None => ids.next(),
    };
    let found = match over_limit {
        Some(error) => Err(error.into()),
        None => route(view, connection, &mut head, told.scheme),
    };
    match found {
        Ok((route, authority, target)) => Ok(Box::new(Exchange {
            directory: Arc::clone(&view.directory),
            route,
            upstream: view.upstream(route),
            routed: target.clone(),
            request: RequestHead {
                method: head.method,
                version: head.version,
                scheme: told.scheme,
                authority,
                target,
                headers: head.headers,
                takes_trailers,
                upgrade: upgrade.filter(|_| view.route(route).upgrade).map(Box::new),
            },
            response: None,
            piece: None,
            client: told.client,
            certificate: connection.certificate(),
            id,
            consumer: None,
            notes: Vec::new(),
            staged: Vec::new(),
            timings: Vec::with_capacity(2 * view.route(route).chain.links().len()),
            progress: Progress::default(),
            outcome: Outcome::default(),
            started,
            now: started,
        })),
        Err(error) => Err(Box::new(Refused {
            error,
            id,
            host: named(&head, told.scheme),
            came: Came::new(&head.headers, connection),
            is_call: grpc::is_call(head.version, &head.headers),
            line: Some((head.method, head.uri, head.version)),
            client: told.client,
            started,
        })),
    }
}

/// HTTP/2 may split cookies over several fields; for everybody else they are one (RFC 9113, section 8.2.3).
fn join_cookies(head: &mut Parts) {
    let mut cookies = head.headers.get_all(header::COOKIE).iter();
    if head.version != Version::HTTP_2 || cookies.nth(1).is_none() {
        return;
    }
    let cookies: Vec<&[u8]> = head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        head.headers.insert(header::COOKIE, joined);
    }
}

/// The limit that a head is over, or what it expects in vain: the codec of HTTP/1 has looked already. As sent, but for
/// cookies, which HTTP/2 may split.
fn over_limit(head: &Parts, connection: &Connection) -> Option<HeadError> {
    if head.headers.len() > connection.most_fields() {
        return Some(HeadError::TooManyFields(connection.most_fields()));
    }
    if head.version == Version::HTTP_2 && Expects::of(head) == Expects::Other {
        return Some(HeadError::Expectation);
    }
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    (target > connection.most_target()).then(|| HeadError::TargetTooLong(connection.most_target()))
}

/// The route, and authority and target in their normal forms. The authority is what `Host` says from here on, over
/// HTTP/2 too.
fn route(
    view: &View,
    connection: &Connection,
    head: &mut Parts,
    scheme: &str,
) -> Result<(usize, Box<str>, PathAndQuery), ClientError> {
    if head.version == Version::HTTP_2 && head.headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(ClientError::Lengths);
    }
    if head.version == Version::HTTP_2 && head.headers.values().any(has_outer_whitespace) {
        return Err(ClientError::Whitespace);
    }
    if head.method == Method::CONNECT {
        let is_named = head.version != Version::HTTP_2 || head.uri.authority().is_some();
        return Err(if is_named { ClientError::Method } else { ClientError::ConnectToNobody });
    }
    if head.method == Method::TRACE {
        return Err(ClientError::Method);
    }
    let authority = authority(head, scheme)?;
    let is_said = head.headers.get(header::HOST).is_some_and(|host| host.as_bytes() == authority.as_bytes());
    if !is_said && !authority.is_empty() {
        let host = HeaderValue::from_str(&authority).map_err(|_| AuthorityError)?;
        head.headers.insert(header::HOST, host);
    }
    if head.uri.scheme().is_some_and(|scheme| *scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) {
        return Err(ClientError::Target);
    }
    if head.method == Method::OPTIONS && (head.uri.path() == "*" || goes_no_further(&mut head.headers)?) {
        return Err(ClientError::Options);
    }
    if headers::repeats_single(&head.headers) {
        return Err(ClientError::Repeated);
    }
    let target = target(&head.uri, head.version)?;
    let found = view.directory.router.find(&Target {
        listener: connection.listener(),
        host: authority::host(&authority),
        path: target.path(),
        query: target.query(),
        method: &head.method,
        headers: &head.headers,
    });
    match found {
        Ok(route) => Ok((route, authority, target)),
        Err(NoRoute::NotFound) => Err(ClientError::NoRoute),
        Err(NoRoute::MethodNotAllowed(methods)) => Err(ClientError::MethodNotAllowed(methods)),
    }
}

/// What routes see of a method and a target: the host, and the target in its normal form. For those who ask without a
/// request.
pub fn seen(method: &Method, uri: &Uri) -> Result<(String, PathAndQuery), ProxyError> {
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        return Err(ClientError::Method.into());
    }
    let scheme = uri.scheme_str().unwrap_or("http");
    let normal = uri.authority().map(|authority| authority::normalise(authority, scheme));
    let authority = normal.transpose().map_err(ClientError::from)?;
    Ok((authority.as_deref().map(authority::host).unwrap_or_default().to_owned(), target(uri, Version::HTTP_2)?))
}

/// Counts down `Max-Forwards` (RFC 9110, section 7.6.2), and answers whether the request ends here.
fn goes_no_further(headers: &mut HeaderMap) -> Result<bool, ClientError> {
    let mut said = headers.get_all(header::MAX_FORWARDS).iter();
    let (Some(most), more) = (said.next(), said.next()) else { return Ok(false) };
    let digits = most.to_str().ok().filter(|most| !most.is_empty() && most.bytes().all(|byte| byte.is_ascii_digit()));
    let (Some(digits), None) = (digits, more) else { return Err(ClientError::MaxForwards) };
    // One that is larger than any number here is as good as the largest.
    let most: u64 = digits.parse().unwrap_or(u64::MAX);
    let left = most.checked_sub(1);
    if let Some(left) = left {
        headers.insert(header::MAX_FORWARDS, HeaderValue::from(left));
    }
    Ok(left.is_none())
}

/// The codec of HTTP/1 takes it off, where it belongs to no value.
fn has_outer_whitespace(value: &HeaderValue) -> bool {
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    is_blank(value.as_bytes().first()) || is_blank(value.as_bytes().last())
}

/// The host that a request names, for who reads of its refusal: without the port if it is a valid one, else as it came.
fn named(head: &Parts, scheme: &str) -> Option<String> {
    if let Ok(authority) = authority(head, scheme) {
        return Some(authority::host(&authority).to_owned()).filter(|host| !host.is_empty());
    }
    let host = head.headers.get(header::HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned());
    host.or_else(|| head.uri.authority().map(ToString::to_string))
}

/// The one authority of a request (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
fn authority(head: &Parts, scheme: &str) -> Result<Box<str>, ClientError> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let (host, more) = (hosts.next(), hosts.next());
    if more.is_some() {
        return Err(ClientError::HostCount);
    }
    let named = match (host, head.uri.authority()) {
        (None, None) if head.version == Version::HTTP_10 => return Ok("".into()),
        (None, None) => return Err(ClientError::HostCount),
        (Some(host), None) => authority::of_host(host.as_bytes(), scheme)?,
        // HTTP/1.1 says it in a header, whatever the target says (RFC 9112, section 3.2).
        (None, Some(_)) if head.version == Version::HTTP_11 => return Err(ClientError::HostCount),
        (None, Some(target)) => authority::normalise(target, scheme)?,
        (Some(host), Some(target)) => {
            let named = authority::normalise(target, scheme)?;
            if authority::of_host(host.as_bytes(), scheme)? != named {
                return Err(ClientError::HostMismatch);
            }
            named
        }
    };
    Ok(named)
}

/// The target in its normal form. Nearly always the one that came, without a copy.
fn target(uri: &Uri, version: Version) -> Result<PathAndQuery, ClientError> {
    let target = uri.path_and_query().ok_or(ClientError::Target)?;
    // The codec has refused it in HTTP/1.
    let is_printable = |query: &str| query.bytes().all(|byte| byte.is_ascii_graphic());
    if version == Version::HTTP_2 && !target.query().is_none_or(is_printable) {
        return Err(ClientError::Target);
    }
    match path::normalise(target.path())? {
        // An empty path may come without its slash, if there is a query (RFC 9112, section 3.2.1).
        std::borrow::Cow::Borrowed(_) if target.as_str().starts_with('/') => Ok(target.clone()),
        std::borrow::Cow::Borrowed(path) => {
            PathAndQuery::try_from(format!("{path}?{}", target.query().unwrap_or_default()))
                .map_err(|_| ClientError::Target)
        }
        std::borrow::Cow::Owned(path) => {
            let text = match target.query() {
                Some(query) => format!("{path}?{query}"),
                None => path,
            };
            PathAndQuery::try_from(text).map_err(|_| ClientError::Target)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority_of(uri: &str, hosts: &[&str]) -> Result<Box<str>, ClientError> {
        let mut request = http::Request::builder().uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        authority(&request.body(()).expect("a request").into_parts().0, "http")
    }

    #[test]
    fn a_path_has_its_slash_whatever_the_target_says() {
        for (uri, expected) in [("http://x?q", "/?q"), ("http://x/?q", "/?q"), ("http://x", "/"), ("/a?", "/a?")] {
            let uri = uri.parse().expect("a URI");
            for version in [Version::HTTP_11, Version::HTTP_2] {
                assert_eq!(target(&uri, version).expect("valid").as_str(), expected);
            }
        }
    }

    #[test]
    fn a_request_names_one_valid_host() {
        assert_eq!(&*authority_of("/", &["Api.Example:8080"]).expect("valid"), "api.example:8080");
        assert_eq!(&*authority_of("/", &["[::1]:80"]).expect("valid"), "[::1]");
        assert_eq!(&*authority_of("http://a.example/", &["A.example"]).expect("valid"), "a.example");
        assert!(matches!(authority_of("/", &[]), Err(ClientError::HostCount)));
        assert!(matches!(authority_of("/", &["a", "a"]), Err(ClientError::HostCount)));
        assert!(matches!(authority_of("http://a/", &["b"]), Err(ClientError::HostMismatch)));
        assert!(matches!(authority_of("http://a/", &[]), Err(ClientError::HostCount)));
        assert!(matches!(authority_of("/", &["[0:0::1]"]).as_deref(), Ok("[::1]")));
        assert!(matches!(authority_of("/", &["a.example.:"]).as_deref(), Ok("a.example")));
        for bad in [
            "",
            "user@host",
            "a/b",
            "a,b",
            "a b",
            "a:99999",
            "a:x",
            "a:+1",
            "a?b",
            "[zz]",
            "[]",
            "[::1",
            "[::1]x",
            ".",
            "a..",
            "a..b",
            ".a",
            ":80",
            "a%2eb",
            "::1",
        ] {
            assert!(matches!(authority_of("/", &[bad]), Err(ClientError::HostInvalid(_))), "{bad}");
        }
    }
}
