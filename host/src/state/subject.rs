//! Whose an entry is: part of its name, so that two subjects of one plugin never meet.

use std::fmt::Write;
use std::net::IpAddr;

use super::Misuse;

/// Whose an entry of the store or the limiter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The plugin's own.
    Plugin,
    Route(&'a str),
    Upstream(&'a str),
    Consumer(&'a str),
    /// So many first bits of an IPv6 address; an address of IPv4 whole.
    Client(IpAddr, u8),
}

impl Subject<'_> {
    /// Writes the name of an entry in place of what `name` holds.
    pub fn name_entry(self, key: &str, name: &mut String) -> Result<(), Misuse> {
        Misuse::check_key(key)?;
        name.clear();
        let (kind, whose) = match self {
            Self::Plugin => ("p", ""),
            Self::Route(route) => ("r", route),
            Self::Upstream(upstream) => ("u", upstream),
            Self::Consumer(consumer) => ("c", consumer),
            Self::Client(IpAddr::V4(address), _) => {
                // Infallible: the name is a string.
                let _ = write!(name, "4{:x}", address.to_bits());
                ("", "")
            }
            Self::Client(IpAddr::V6(address), bits) => {
                let bits = u32::from(bits.min(128));
                let network = address.to_bits().checked_shr(128 - bits).unwrap_or(0);
                let _ = write!(name, "6{network:x}/{bits}");
                ("", "")
            }
        };
        name.reserve(kind.len() + whose.len() + 1 + key.len());
        name.push_str(kind);
        name.push_str(whose);
        // Stands in no name of the configuration and in no address.
        name.push('\0');
        name.push_str(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(subject: Subject<'_>, key: &str) -> String {
        let mut name = String::from("of the last call");
        subject.name_entry(key, &mut name).expect("the key is short");
        name
    }

    #[test]
    fn no_two_subjects_share_a_name() {
        let address = |text: &str| text.parse().expect("an address");
        let names = [
            name(Subject::Plugin, "a"),
            name(Subject::Route("a"), ""),
            name(Subject::Upstream("a"), ""),
            name(Subject::Consumer("a"), ""),
            name(Subject::Client(address("10.0.0.1"), 64), ""),
            name(Subject::Client(address("10.0.0.2"), 64), ""),
            name(Subject::Client(address("2001:db8::1"), 64), ""),
            name(Subject::Client(address("2001:db8::1"), 128), ""),
        ];
        let unlike: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(unlike.len(), names.len(), "{names:?}");
    }

    #[test]
    fn one_network_is_one_client() {
        let of = |text: &str, bits| name(Subject::Client(text.parse().expect("an address"), bits), "k");
        assert_eq!(of("2001:db8::1", 64), of("2001:db8::ffff:1", 64));
        assert_ne!(of("2001:db8::1", 64), of("2001:db8:0:1::1", 64));
        assert_eq!(of("2001:db8::1", 0), of("::1", 0));
    }
}
