//! Addresses, networks and methods.

use std::net::{IpAddr, SocketAddr};

use http::Method;
use ipnet::IpNet;
use serde_json::{Value as Json, json};

use super::pattern;
use crate::config::node::Node;
use crate::config::read::{Form, Reading, Wrong};

/// Where a listener is.
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

/// A network; an address alone is a network of one.
impl Form for IpNet {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a network, such as \"10.0.0.0/8\"", |text| {
            let alone = || text.parse::<IpAddr>().map(IpNet::from);
            let wrong = |_| Wrong::help("is not a network", "such as `10.0.0.0/8`, `fd00::/8` or `192.0.2.1`");
            text.parse().or_else(|_| alone()).map_err(wrong)
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "examples": ["10.0.0.0/8", "fd00::/8"] })
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
