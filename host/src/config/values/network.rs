//! Addresses, permissions, networks and methods.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use http::Method;
use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::pattern;
use crate::config::node::Node;
use crate::config::read::{Form, Reading, Wrong};

/// An IP address with a port.
impl Form for SocketAddr {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with an address, such as \"127.0.0.1:8080\"", socket_address)
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["0.0.0.0:8080", "[::1]:8080"] })
    }
}

fn socket_address(text: &str) -> Result<SocketAddr, Wrong> {
    let what = "is not an IP address with a port";
    text.parse().map_err(|_| match text.strip_prefix(':').and_then(|port| port.parse::<u16>().ok()) {
        Some(port) => Wrong::help(what, format!("write `0.0.0.0:{port}` for every IPv4 address")),
        None => Wrong::help(what, "such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`"),
    })
}

/// Where a listener is.
#[derive(Clone, Debug)]
pub(in crate::config) enum Where {
    Tcp(SocketAddr),
    /// A Unix socket's path, as it is written.
    Unix(PathBuf),
}

impl Form for Where {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with an address, such as \"127.0.0.1:8080\"", |text| {
            let unix = "a Unix socket is written `unix:/run/tollgate.sock`";
            match text.strip_prefix("unix:") {
                Some("") => Err(Wrong::help("names no file", unix)),
                Some(path) if path.contains('\0') => Err(Wrong::new("is no path: it has a NUL in it")),
                Some(path) => Ok(Self::Unix(path.into())),
                None if text.starts_with(['/', '.']) => Err(Wrong::help("is not an IP address with a port", unix)),
                None => socket_address(text).map(Self::Tcp),
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["0.0.0.0:8080", "[::1]:8080", "unix:/run/tollgate.sock"] })
    }
}

/// A name server, with its port.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct NameServer(pub(in crate::config) SocketAddr);

impl Form for NameServer {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with an address, such as \"10.0.0.53\"", |text| {
            let usual = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
            let wrong = |_| Wrong::help("is not a name server's address", "such as `10.0.0.53` or `10.0.0.53:5353`");
            usual.or_else(|_| text.parse()).map(Self).map_err(wrong)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.53", "10.0.0.53:5353", "[fd00::53]:53"] })
    }
}

/// Permissions of a file, as `chmod` takes them.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct FileMode(pub(in crate::config) u32);

impl Form for FileMode {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with permissions, such as \"0660\"", |text| {
            let wrong = || Wrong::help("is not a file's permissions", "three octal digits, such as `660`, or `0660`");
            let digits = text.strip_prefix('0').filter(|rest| rest.len() == 3).unwrap_or(text);
            let is_octal = digits.len() == 3 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
            is_octal.then(|| u32::from_str_radix(digits, 8).ok().map(Self)).flatten().ok_or_else(wrong)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": pattern("0?[0-7]{3}"), "examples": ["0660", "0600"] })
    }
}

/// Peers: a network, of which an address alone is one, or those that Unix sockets connect.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) enum Network {
    Ip(IpNet),
    Unix,
}

impl Form for Network {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a network, such as \"10.0.0.0/8\"", |text| {
            if text == "unix" {
                return Ok(Self::Unix);
            }
            let wrong =
                |()| Wrong::help("is not a network", "such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`, or `unix`");
            network(text).map(Self::Ip).map_err(wrong)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.0/8", "fd00::/8", "unix"] })
    }
}

fn network(text: &str) -> Result<IpNet, ()> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| alone()).map_err(|_| ())
}

/// A network, of which an address alone is one.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct IpNetwork(pub(in crate::config) IpNet);

impl Form for IpNetwork {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a network, such as \"10.0.0.0/8\"", |text| {
            let wrong = |()| Wrong::help("is not a network", "such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`");
            network(text).map(Self).map_err(wrong)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.0/8", "fd00::/8", "127.0.0.1"] })
    }
}

/// A request method, in upper case.
impl Form for Method {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a method, such as \"GET\"", |text| {
            let upper = text.to_ascii_uppercase();
            match Self::from_bytes(text.as_bytes()) {
                Ok(method) if text == upper => Ok(method),
                Ok(_) => Err(Wrong::help("is not a method: methods are in upper case", "write it as `GET`, `POST`")),
                Err(_) => Err(Wrong::new("is not a method")),
            }
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": pattern("[A-Z][A-Z-]*"), "examples": ["GET", "POST"] })
    }
}
