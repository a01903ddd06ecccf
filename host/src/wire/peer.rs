//! Who is at the other end of a connection, and lists of such.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// IPv4 in its own form, also where it came through an IPv6 socket.
    Ip(IpAddr),
    /// A process of this machine, through a Unix socket: it has no address.
    Unix,
}

impl Peer {
    /// The address that stands for it where there has to be one: who has none is 0.0.0.0.
    pub fn address(self) -> IpAddr {
        match self {
            Self::Ip(address) => address,
            Self::Unix => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address.ip().to_canonical())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("a Unix socket"),
        }
    }
}

/// Peers that something is true of: everybody in some networks, and perhaps those behind Unix sockets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peers {
    pub networks: Vec<IpNet>,
    pub unix: bool,
}

impl Peers {
    pub fn contain(&self, peer: Peer) -> bool {
        match peer {
            Peer::Ip(address) => self.has_address(address),
            Peer::Unix => self.unix,
        }
    }

    /// As [`contain`](Self::contain), of an address in its canonical form.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_in_a_list_by_its_network_or_by_having_no_address() {
        let networks = vec!["10.0.0.0/8".parse().expect("a network"), "fd00::/8".parse().expect("a network")];
        let peers = Peers { networks, unix: false };
        let of = |text: &str| Peer::from(text.parse::<SocketAddr>().expect("an address"));
        for (peer, is_in) in [
            ("10.1.2.3:1", true),
            ("[::ffff:10.1.2.3]:1", true),
            ("[fd12::1]:1", true),
            ("11.0.0.1:1", false),
            ("[2001:db8::1]:1", false),
        ] {
            assert_eq!(peers.contain(of(peer)), is_in, "{peer}");
        }
        assert!(!peers.contain(Peer::Unix));
        let unix = Peers { networks: Vec::new(), unix: true };
        assert!(unix.contain(Peer::Unix) && !unix.contain(Peer::Ip(Peer::Unix.address())));
    }
}
