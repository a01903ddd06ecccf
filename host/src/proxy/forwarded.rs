//! Who the client is, and what the upstream is told about it.
//!
//! A proxy that the configuration trusts is believed what it says in `Forwarded` (RFC 7239) or
//! `X-Forwarded-*`; addresses are counted from the right, past every trusted one. What anybody else
//! sends in these headers is deleted.

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use http::Version;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::exchange::{ClientCertificate, RequestHead, RequestId};
use crate::http1::client::Edit;
use crate::wire::headers;
use crate::wire::peer::{Peer, Peers};
use crate::wire::proxy_protocol::Ends;

/// A client's connection, with what is needed of it per request made once.
#[derive(Debug)]
pub struct Connection {
    peer: Peer,
    /// As `X-Forwarded-For` says it.
    peer_text: HeaderValue,
    listener: Option<Arc<str>>,
    most_fields: usize,
    most_target: usize,
    scheme: &'static str,
    certificate: Option<Arc<ClientCertificate>>,
    /// Where it comes from and where it was accepted, if an upstream is told.
    ends: Option<Ends>,
    /// Its responses that are being compressed.
    compressed: Rc<Cell<usize>>,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Who has no address (RFC 7239, section 6.2).
const UNKNOWN: HeaderValue = HeaderValue::from_static("unknown");

/// RFC 9110, section 7.6.3: the version in which the request was received.
fn via(received: Version) -> HeaderValue {
    HeaderValue::from_static(match received {
        Version::HTTP_2 => "2 tollgate",
        Version::HTTP_10 => "1.0 tollgate",
        _ => "1.1 tollgate",
    })
}

impl Connection {
    /// `most_fields`: header fields that one request may have; `scheme`: `https` over TLS, or `http`.
    pub fn new(peer: Peer, most_fields: usize, scheme: &'static str) -> Self {
        let peer_text = match peer {
            Peer::Ip(address) => HeaderValue::from_str(&address.to_string()).expect("addresses are ASCII"),
            Peer::Unix => UNKNOWN,
        };
        let most_target = usize::MAX;
        Self {
            peer,
            peer_text,
            listener: None,
            most_fields,
            most_target,
            scheme,
            certificate: None,
            ends: None,
            compressed: Rc::default(),
        }
    }

    /// It came through the listener of this name.
    pub fn through(self, listener: Option<Arc<str>>) -> Self {
        Self { listener, ..self }
    }

    /// Bytes that the target of one request may have.
    pub fn with_most_target(self, most_target: usize) -> Self {
        Self { most_target, ..self }
    }

    /// The client showed this certificate, and it was good.
    pub fn verified(self, certificate: Option<Arc<ClientCertificate>>) -> Self {
        Self { certificate, ..self }
    }

    /// It comes from here, and was accepted there.
    pub fn between(self, ends: Option<Ends>) -> Self {
        Self { ends, ..self }
    }

    /// As endpoints are told of it: from the client, whose port is known if nobody stands between.
    pub(super) fn ends(&self, client: IpAddr) -> Option<Ends> {
        let ends = self.ends?;
        let is_peer = ends.source.ip().to_canonical() == client;
        Some(Ends { source: if is_peer { ends.source } else { SocketAddr::new(client, 0) }, ..ends })
    }

    /// The name of the listener that it came through.
    pub(super) fn listener(&self) -> Option<&str> {
        self.listener.as_deref()
    }

    /// The same, kept.
    pub(super) fn shared_listener(&self) -> Option<Arc<str>> {
        self.listener.clone()
    }

    pub(super) fn most_target(&self) -> usize {
        self.most_target
    }

    pub(super) fn most_fields(&self) -> usize {
        self.most_fields
    }

    pub(super) fn certificate(&self) -> Option<Arc<ClientCertificate>> {
        self.certificate.clone()
    }

    /// How many of its responses are being compressed.
    pub(super) fn compressed(&self) -> &Rc<Cell<usize>> {
        &self.compressed
    }

    pub(super) fn peer(&self) -> Peer {
        self.peer
    }
}

/// What is known of the client after the trusted-proxy rules.
pub struct Told {
    pub client: IpAddr,
    pub scheme: &'static str,
    /// The id that a trusted proxy gave.
    pub request_id: Option<RequestId>,
}

/// Reads what a trusted peer says about the client; deletes what anybody else says.
pub fn read(fields: &mut HeaderMap, connection: &Connection, trusted: &Peers) -> Told {
    if !trusted.contain(connection.peer) {
        headers::remove_all(fields, |name| headers::tells_of_client(name) || headers::misleads_upstreams(name));
        return Told { client: connection.peer.address(), scheme: connection.scheme, request_id: None };
    }
    headers::remove_all(fields, headers::misleads_upstreams);
    // A proxy that writes `X-Forwarded-For` mostly passes on what a client sent as `Forwarded`.
    if fields.contains_key(X_FORWARDED_FOR) {
        fields.remove(header::FORWARDED);
    }
    let (hops, proto) = if fields.contains_key(header::FORWARDED) {
        let (hops, proto) = forwarded(fields);
        // Upstreams that know one of the two know this one, and are told no less by it.
        fields.insert(X_FORWARDED_FOR, listed(&hops));
        (hops, proto)
    } else {
        (x_forwarded_for(fields), None)
    };
    // From the right: the peer is trusted, so the hop it names is real; on past further trusted ones.
    let mut client = connection.peer.address();
    for hop in hops.into_iter().rev() {
        let Some(address) = hop else { break };
        client = address;
        if !trusted.has_address(address) {
            break;
        }
    }
    let scheme = match fields.get(X_FORWARDED_PROTO) {
        Some(proto) if proto.as_bytes().eq_ignore_ascii_case(b"https") => "https",
        Some(_) => "http",
        None => proto.unwrap_or(connection.scheme),
    };
    let request_id = fields.get(X_REQUEST_ID).and_then(RequestId::given);
    Told { client, scheme, request_id }
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    // What is no text is a hop that nobody knows, and ends the count.
    let values = headers.get_all(X_FORWARDED_FOR).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    values.map(|node| node_address(str::from_utf8(node).ok()?)).collect()
}

/// The `for` of each element of `Forwarded`, and the `proto` of the last one, which the peer said itself.
fn forwarded(headers: &HeaderMap) -> (Vec<Option<IpAddr>>, Option<&'static str>) {
    let values = headers.get_all(header::FORWARDED).iter().map(|value| value.to_str().unwrap_or_default());
    let parameter = |element: &str, wanted: &str| {
        element.split(';').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let elements: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
    let hops = elements.iter().map(|element| node_address(&parameter(element, "for")?)).collect();
    let proto = elements.last().and_then(|element| parameter(element, "proto"));
    (hops, proto.map(|proto| if proto.eq_ignore_ascii_case("https") { "https" } else { "http" }))
}

/// As `X-Forwarded-For` says them.
fn listed(hops: &[Option<IpAddr>]) -> HeaderValue {
    let hops = hops.iter().map(|hop| hop.map_or_else(|| "unknown".to_owned(), |address| address.to_string()));
    HeaderValue::try_from(hops.collect::<Vec<_>>().join(", ")).unwrap_or(UNKNOWN)
}

/// An address, also with a port or in brackets; none for `unknown` and names that hide one.
fn node_address(node: &str) -> Option<IpAddr> {
    let node = node.trim();
    let address = node.parse::<IpAddr>().ok();
    let address = address.or_else(|| node.parse::<SocketAddr>().ok().map(|address| address.ip()));
    let address = address.or_else(|| node.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
    address.map(|address| address.to_canonical())
}

/// What the upstream is told of who asked for what, by which way.
pub(super) fn edits(request: &RequestHead, connection: &Connection, id: &RequestId) -> Vec<Edit> {
    let headers = &request.headers;
    let mut edits = Vec::with_capacity(8);
    let mut say = |name, value| edits.push((name, value));
    say(X_FORWARDED_FOR, appended(headers, &X_FORWARDED_FOR, &connection.peer_text));
    if headers.contains_key(header::FORWARDED) {
        let peer = match connection.peer {
            Peer::Ip(IpAddr::V4(address)) => format!("for={address}"),
            Peer::Ip(IpAddr::V6(address)) => format!("for=\"[{address}]\""),
            Peer::Unix => "for=unknown".to_owned(),
        };
        let peer = HeaderValue::from_str(&peer).expect("addresses are ASCII");
        say(header::FORWARDED, appended(headers, &header::FORWARDED, &peer));
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        say(X_FORWARDED_PROTO, Some(HeaderValue::from_static(request.scheme)));
    }
    // A client of HTTP/1.0 need not name one.
    if !headers.contains_key(X_FORWARDED_HOST) && !request.authority.is_empty() {
        let host = headers.get(header::HOST).cloned();
        say(X_FORWARDED_HOST, host.or_else(|| HeaderValue::from_str(&request.authority).ok()));
    }
    say(header::VIA, appended(headers, &header::VIA, &via(request.version)));
    say(X_REQUEST_ID, Some(id.value().clone()));
    edits
}

/// A list header with one more element at its end.
fn appended(headers: &HeaderMap, name: &HeaderName, more: &HeaderValue) -> Option<HeaderValue> {
    if !headers.contains_key(name) {
        return Some(more.clone());
    }
    let values = headers.get_all(name).iter().chain([more]).map(HeaderValue::as_bytes);
    HeaderValue::from_bytes(&values.collect::<Vec<_>>().join(&b", "[..])).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(peer: &str, fields: &[(&'static str, &str)]) -> (Told, HeaderMap) {
        let field =
            |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), value.parse().expect("a value"));
        let mut headers: HeaderMap = fields.iter().map(field).collect();
        let peer = match peer {
            "unix" => Peer::Unix,
            address => Peer::Ip(address.parse().expect("an address")),
        };
        let connection = Connection::new(peer, 100, "http");
        let trusted = Peers { networks: vec!["10.0.0.0/8".parse().expect("a network")], unix: true };
        (read(&mut headers, &connection, &trusted), headers)
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_it_says() {
        let (told, headers) =
            told("192.0.2.1", &[("x-forwarded-for", "1.1.1.1"), ("x-real-ip", "1.1.1.1"), ("x-request-id", "x")]);
        assert_eq!(told.client.to_string(), "192.0.2.1");
        assert!(headers.is_empty() && told.request_id.is_none());
    }

    #[test]
    fn hops_are_counted_from_the_right_past_trusted_ones() {
        let (told, _) =
            told("10.0.0.1", &[("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.0.0.2"), ("x-forwarded-proto", "https")]);
        assert_eq!(told.client.to_string(), "192.0.2.7");
        assert_eq!(told.scheme, "https");
    }

    #[test]
    fn a_trusted_peer_without_an_address_names_the_hop_before_it() {
        let (told, _) = told("unix", &[("x-forwarded-for", "6.6.6.6, 192.0.2.7")]);
        assert_eq!(told.client.to_string(), "192.0.2.7");
    }

    #[test]
    fn forwarded_is_read_with_its_quotes_and_brackets() {
        let (told, _) = told("10.0.0.1", &[("forwarded", "for=1.2.3.4, For=\"[2001:db8::7]:4711\";proto=http")]);
        assert_eq!(told.client.to_string(), "2001:db8::7");
    }

    #[test]
    fn what_forwarded_says_x_forwarded_for_says_too() {
        for (said, hops, scheme) in [
            ("for=1.2.3.4;proto=https, for=_hidden", "1.2.3.4, unknown", "http"),
            ("for=unknown, for=\"[2001:DB8::7]\";Proto=\"HTTPS\"", "unknown, 2001:db8::7", "https"),
            ("proto=https", "unknown", "https"),
            ("for=\"1.2.3.4, for=10.0.0.2", "1.2.3.4, 10.0.0.2", "http"),
            ("", "unknown", "http"),
        ] {
            let (told, headers) = told("10.0.0.1", &[("forwarded", said)]);
            assert_eq!(headers["x-forwarded-for"], hops, "{said}");
            assert_eq!(told.scheme, scheme, "{said}");
            assert!(headers.contains_key("forwarded"));
        }
    }

    #[test]
    fn a_hop_that_hides_itself_ends_the_count() {
        let (told, _) = told("10.0.0.1", &[("x-forwarded-for", "192.0.2.7, unknown, 10.0.0.3")]);
        assert_eq!(told.client.to_string(), "10.0.0.3");
    }
}
