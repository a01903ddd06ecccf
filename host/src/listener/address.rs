//! Where listeners are.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Where a listener is. As the configuration says it, where port 0 stays 0, it names the listener too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(Arc<Path>),
}

/// Bytes of the longest path of a Unix socket that the system takes.
pub const LONGEST_PATH: usize = 107;

impl Address {
    /// Whether whoever listens here gets the connections to the other address too.
    pub fn takes_in(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(wide), Self::Tcp(narrow)) => {
                let (all, one) = (wide.ip().to_canonical(), narrow.ip().to_canonical());
                // `[::]` serves IPv4 as well, see `socket`.
                wide.port() == narrow.port() && (all == one || all.is_unspecified() && (all.is_ipv6() || one.is_ipv4()))
            }
            (Self::Unix(_), Self::Unix(_)) => self == other,
            (Self::Tcp(_), Self::Unix(_)) | (Self::Unix(_), Self::Tcp(_)) => false,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// As the configuration writes it.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes_in(wide: &str, narrow: &str) -> bool {
        let address = |text: &str| match text.strip_prefix("unix:") {
            Some(path) => Address::Unix(Path::new(path).into()),
            None => Address::Tcp(text.parse().expect("an address")),
        };
        address(wide).takes_in(&address(narrow))
    }

    #[test]
    fn an_unspecified_address_takes_in_the_others_of_its_port() {
        for narrow in ["127.0.0.1:80", "0.0.0.0:80", "[::ffff:10.0.0.1]:80"] {
            assert!(takes_in("0.0.0.0:80", narrow) && takes_in("[::]:80", narrow), "{narrow}");
        }
        assert!(takes_in("[::]:80", "[::1]:80") && takes_in("127.0.0.1:80", "[::ffff:127.0.0.1]:80"));
        for (wide, narrow) in [
            ("0.0.0.0:80", "127.0.0.1:81"),
            ("0.0.0.0:80", "[::1]:80"),
            ("0.0.0.0:80", "[::]:80"),
            ("127.0.0.1:80", "0.0.0.0:80"),
            ("127.0.0.1:80", "127.0.0.2:80"),
        ] {
            assert!(!takes_in(wide, narrow), "{wide} {narrow}");
        }
    }

    #[test]
    fn a_path_takes_in_itself_however_it_is_written() {
        assert!(takes_in("unix:/run/a.sock", "unix:/run//./a.sock"));
        assert!(!takes_in("unix:/run/a.sock", "unix:/run/b.sock") && !takes_in("0.0.0.0:80", "unix:/run/b.sock"));
    }
}
