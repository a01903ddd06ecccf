//! From an endpoint's URL to where it is.

use std::path::Path;
use std::sync::Arc;

use http::uri::Authority;
use rustls::pki_types::ServerName;

use crate::config::Address;
use crate::config::node::Text;
use crate::config::problem::{Problem, quote};
use crate::config::read::Wrong;
use crate::listener::LONGEST_PATH;

const FORM: &str = "an endpoint is written `http://host:port`, `https://host:port`, `unix:path` or `internal:echo`";

/// `server_name` is the name in its certificate, if it is another than the URL's.
pub(super) fn address(
    url: &Text,
    server_name: Option<&ServerName<'static>>,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<Address> {
    let read = match url.value.split_once(':') {
        Some(("internal", name)) => internal(name),
        Some(("unix", path)) => unix(path, url),
        _ => network(&url.value, server_name),
    };
    read.map_err(|Wrong { what, help }| {
        let message = format!("{} {what}{about}", shown(url));
        problems.push(Problem { place: url.place.clone(), message, help });
    })
    .ok()
}

/// A URL may have a password in it.
fn shown(url: &Text) -> String {
    if url.written().contains('@') { "the URL".to_owned() } else { quote(url.written()) }
}

fn internal(name: &str) -> Result<Address, Wrong> {
    match name {
        "echo" => Ok(Address::Echo),
        _ => Err(Wrong::help("is not an internal endpoint", "there is `internal:echo`")),
    }
}

/// A path is seen from the file that says it.
fn unix(path: &str, url: &Text) -> Result<Address, Wrong> {
    // As a URL, which has no host here.
    let path = path.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(path);
    if path.is_empty() || path.starts_with("//") {
        return Err(Wrong::help("names no file", "a Unix socket is written `unix:/run/users.sock`"));
    }
    if path.contains('\0') {
        return Err(Wrong::new("is no path: it has a NUL in it"));
    }
    let path: Arc<Path> = url.place.file.parent().unwrap_or(Path::new("")).join(path).into();
    if path.as_os_str().len() > LONGEST_PATH {
        let what = format!("is longer than the {LONGEST_PATH} bytes that the path of a Unix socket has at most");
        return Err(Wrong { what, help: None });
    }
    Ok(Address::Unix(path))
}

fn network(url: &str, server_name: Option<&ServerName<'static>>) -> Result<Address, Wrong> {
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(Wrong::help("is not a URL", FORM));
    };
    let usual_port = match scheme {
        "http" => 80,
        "https" => 443,
        "h2c" | "grpc" => {
            let help = "HTTP/2 with prior knowledge is `http://host:port`, with `protocol = \"http2\"` in the upstream";
            return Err(Wrong::help("has an unknown scheme", help));
        }
        "grpcs" => {
            let help = "HTTP/2 over TLS is `https://host:port`, with `protocol = \"http2\"` in the upstream";
            return Err(Wrong::help("has an unknown scheme", help));
        }
        _ => return Err(Wrong::help("has an unknown scheme", FORM)),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#']) {
        let help = "`rewrite` and `strip-prefix` of a route change the path that the upstream sees";
        return Err(Wrong::help("has a path or a query: an endpoint is a host and a port", help));
    }
    if rest.contains('@') {
        return Err(Wrong::help("has a user name or password in it", FORM));
    }
    let authority: Authority = rest.parse().map_err(|_| Wrong::help("is not a URL", FORM))?;
    let host = authority.host();
    // What follows the host is `:` and a port, or nothing.
    let port = match rest.strip_prefix(host) {
        Some("") => Some(usual_port),
        _ => authority.port_u16().filter(|port| *port != 0),
    };
    let port = port.ok_or_else(|| Wrong::new("has no port from 1 to 65535"))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(Wrong::help("has no host", FORM));
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '_' | '-');
    let neither = "has a host that is neither a DNS name nor an IP address";
    if host.parse::<std::net::IpAddr>().is_err() && !(host.len() <= 253 && host.chars().all(plain)) {
        return Err(Wrong::help(neither, FORM));
    }
    let tls = match (scheme, server_name) {
        ("https", Some(name)) => Some(name.clone()),
        ("https", None) => {
            let name = ServerName::try_from(host.to_owned());
            Some(name.map_err(|_| Wrong::help(neither, "`tls.server-name` says whose certificate it has"))?)
        }
        _ => None,
    };
    Ok(Address::Http { tls, host: host.to_owned(), port, authority })
}
