//! What is asked for and who asks: paths, hosts, other protocols, what proxies say of clients, and what clients'
//! certificates say.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::exchange::ClientCertificate;
use crate::http1::Protocols;
use crate::proxy::forwarded::{self, Connection};
use crate::router::PathPattern;
use crate::wire::peer::{Peer, Peers};
use crate::wire::{authority, headers, location, origin, path};

/// A path is in its normal form once and for all, and nothing in it can be read in two ways.
pub(super) fn path(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    // Patterns of routes are written by operators.
    let _ = PathPattern::parse(text);
    let Ok(normal) = path::normalise(text) else { return };
    assert_eq!(path::normalise(&normal).as_deref(), Ok(&*normal), "{text:?}");
    assert!(normal.starts_with('/') && !normal.contains("//"), "{normal:?}");
    assert!(!normal.split('/').any(|segment| segment == "." || segment == ".."), "{normal:?}");
    let mut rest = normal.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            assert!(path::is_plain(*byte) || *byte == b'/', "{normal:?}");
            continue;
        }
        let digits = str::from_utf8(&after[..2]).expect("ASCII");
        let meant = u8::from_str_radix(digits, 16).expect("two digits");
        assert_eq!(digits, format!("{meant:02X}"), "{normal:?}");
        assert!(!path::is_plain(meant) && !b"/\\\0".contains(&meant), "{normal:?} holds what is decoded or refused");
        rest = &after[2..];
    }
    // As many characters as were written, but for those that dots and slashes took away.
    if !text.contains("//") && !text.contains('.') && !text.to_ascii_lowercase().contains("%2e") {
        assert_eq!(decoded(&normal), decoded(text), "{text:?}");
    }
}

fn decoded(path: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let [byte, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        match (byte, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(meant)) => {
                bytes.push(meant);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    bytes
}

/// What an upstream is asked to switch to is a list in its one form once and for all, and carries no HTTP. It may answer
/// with what it was asked for, and with nothing else. Each line of the bytes is a field.
pub(super) fn upgrade(bytes: &[u8]) {
    let fields = |bytes: &[u8]| -> HeaderMap {
        let values = bytes.split(|byte| *byte == b'\n').filter_map(|value| HeaderValue::from_bytes(value).ok());
        values.map(|value| (header::UPGRADE, value)).collect()
    };
    let Some(asked) = Protocols::asked(&fields(bytes)) else { return };
    let text = asked.value().to_str().expect("tokens are ASCII");
    assert_eq!(Protocols::asked(&fields(text.as_bytes())).as_ref(), Some(&asked), "{text:?}");
    for protocol in text.split(", ") {
        let name = protocol.split('/').next().unwrap_or_default().to_ascii_lowercase();
        assert!(!["h2c", "h2", "http", "tls"].contains(&&*name), "{text:?}");
        assert!(!protocol.is_empty() && !protocol.contains([' ', '\t', ',', ';', '"']), "{text:?}");
        assert!(asked.include(&fields(protocol.to_ascii_uppercase().as_bytes())), "{protocol:?} of {text:?}");
    }
    assert!(asked.include(&fields(text.as_bytes())));
    assert!(!asked.include(&fields(format!("{text}, h2c").as_bytes())) && !asked.include(&HeaderMap::new()));
}

/// Where a URL leads to has one form once and for all, and another reader of URLs takes it to lead there too.
pub(super) fn url(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    redirect(text);
    let Ok((origin, target)) = origin::url(text) else { return };
    // The other one takes no longer text.
    if text.len() > 65_000 {
        return;
    }
    let whole = format!("{origin}{target}");
    assert_eq!(origin::url(&whole), Ok((origin.clone(), target.clone())), "{text:?}");
    assert_eq!(origin::Origin::parse(&origin.to_string()), Ok(origin.clone()), "{text:?}");
    assert!(target.path().starts_with('/') && !whole.contains(['\\', '#']) && whole.is_ascii(), "{whole:?}");
    for text in [text, &whole] {
        let other: Uri = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let host = other.host().unwrap_or_default().to_ascii_lowercase();
        let is_same = match &origin.host {
            origin::Host::Name(name) => *host == **name,
            origin::Host::Address(address) => host.trim_matches(['[', ']']).parse() == Ok(*address),
        };
        assert!(is_same, "{text:?}: {host:?}");
        let usual = if origin.secure { 443 } else { 80 };
        assert_eq!(other.port_u16().unwrap_or(usual), origin.port, "{text:?}");
        assert_eq!(other.scheme_str(), Some(if origin.secure { "https" } else { "http" }), "{text:?}");
        let asked = other.path_and_query().map_or("/", |target| target.as_str());
        // What is asked for by a query alone is the query of `/`.
        let slash = if asked.starts_with('?') { "/" } else { "" };
        assert_eq!(format!("{slash}{asked}"), target.as_str(), "{text:?}");
    }
}

/// A redirect stays with its origin unless its location names one, and what it leads to is a URL that leads there too.
fn redirect(text: &str) {
    let base = PathAndQuery::from_static("/folder/x?q");
    let Ok((origin, target)) = location::resolve(text, true, &base) else { return };
    let path = target.path();
    assert!(path.starts_with('/') && target.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{text:?}");
    assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{text:?}: {target}");
    let Some(origin) = origin else {
        assert!(!text.starts_with("//") && !text.starts_with("http:"), "{text:?}");
        return;
    };
    let whole = format!("{origin}{target}");
    assert_eq!(origin::url(&whole), Ok((origin.clone(), target.clone())), "{text:?}");
    assert_eq!(location::resolve(&whole, false, &base), Ok((Some(origin), target)), "{text:?}");
}

/// A host is in its one form once and for all.
pub(super) fn authority(bytes: &[u8]) {
    let Ok(normal) = authority::of_host(bytes, "http") else { return };
    assert_eq!(authority::of_host(normal.as_bytes(), "http").as_deref(), Ok(&*normal), "{:?}", bytes.escape_ascii());
    assert!(normal.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()), "{normal:?}");
    assert!(!normal.contains(['@', '/', '?', '#', ',', '%', '\\']), "{normal:?}");
    let host = authority::host(&normal);
    assert!(!host.is_empty() && normal.starts_with(host), "{normal:?}");
    let port = &normal[host.len()..];
    assert!(port.is_empty() || port[1..].parse::<u16>().is_ok_and(|port| port != 80), "{normal:?}");
    assert!(!host.ends_with('.'), "{normal:?}");
}

/// Lines of `name: value`. Whoever is not trusted leaves nothing that tells of a client; who is trusted names a client, or
/// is it.
pub(super) fn forwarded(bytes: &[u8]) {
    let mut fields = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    let trusted = Peers { networks: vec!["10.0.0.0/8".parse().expect("a network")], unix: false };
    let peer = |address: &str| Connection::new(Peer::Ip(address.parse().expect("an address")), 100, "http");
    let said = format!("{fields:?}");
    let told = forwarded::read(&mut fields.clone(), &peer("10.0.0.1"), &trusted);
    let named = |address: std::net::IpAddr| address.to_canonical() == address;
    assert!(named(told.client), "{said}");
    let told = forwarded::read(&mut fields, &peer("192.0.2.1"), &trusted);
    assert_eq!((told.client.to_string().as_str(), told.scheme), ("192.0.2.1", "http"));
    assert!(told.request_id.is_none() && !fields.keys().any(|name| headers::tells_of_client(name.as_str())), "{said}");
}

/// What is told of a certificate are lines, from which the certificate can be told.
pub(super) fn certificate(bytes: &[u8]) {
    let Some(read) = ClientCertificate::read(bytes) else { return };
    assert!(read.der == bytes && is_hex(&read.fingerprint) && read.fingerprint.len() == 64);
    assert!(is_hex(&read.serial) && !read.serial.is_empty(), "{:?}", read.serial);
    for name in [&read.subject, &read.issuer] {
        assert!(!name.contains(char::is_control), "{name:?}");
        assert!(name.is_empty() || name.contains('='), "{name:?}");
    }
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}
