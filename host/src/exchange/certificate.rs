//! The certificate that a client showed, as plugins ask about it.
//!
//! It is read in the handshake: one that cannot be read is refused there, and not in the middle of a chain, where
//! `on-error` would decide. It must not decide whether a certificate is good.

mod name;

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

/// What a certificate says of its holder.
#[derive(Debug)]
pub struct ClientCertificate {
    /// As it was sent.
    pub der: Bytes,
    /// SHA-256 of `der`: 64 hex digits in lower case.
    pub fingerprint: String,
    /// As in RFC 4514.
    pub subject: String,
    pub issuer: String,
    /// Hex digits in lower case, two for each byte, without leading zeros.
    pub serial: String,
    /// Seconds since 1970 in UTC.
    pub not_after: u64,
    pub names: AlternativeNames,
}

/// The names of RFC 5280, section 4.2.1.6, by their kind, each in the order of the certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AlternativeNames {
    /// In lower case.
    pub dns: Vec<String>,
    pub emails: Vec<String>,
    pub uris: Vec<String>,
    pub addresses: Vec<IpAddr>,
}

impl ClientCertificate {
    /// None if it cannot be read.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let serial = certificate.raw_serial();
        let zeros = serial.iter().take(serial.len().saturating_sub(1)).take_while(|byte| **byte == 0).count();
        Some(Self {
            der: Bytes::copy_from_slice(der),
            fingerprint: hex(&Sha256::digest(der)),
            subject: name::text(certificate.subject()),
            issuer: name::text(certificate.issuer()),
            serial: hex(&serial[zeros..]),
            not_after: u64::try_from(certificate.validity().not_after.timestamp()).unwrap_or_default(),
            names: names(&certificate)?,
        })
    }
}

/// None if there is a name that is none: who asks for the others would not know.
fn names(certificate: &X509Certificate<'_>) -> Option<AlternativeNames> {
    let mut names = AlternativeNames::default();
    let extension = certificate.subject_alternative_name().ok()?;
    for name in extension.iter().flat_map(|extension| &extension.value.general_names) {
        match name {
            GeneralName::DNSName(name) => names.dns.push(name.to_ascii_lowercase()),
            GeneralName::RFC822Name(address) => names.emails.push((*address).to_owned()),
            GeneralName::URI(uri) => names.uris.push((*uri).to_owned()),
            GeneralName::IPAddress(bytes) => names.addresses.push(address(bytes)?),
            GeneralName::Invalid(..) => return None,
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::DirectoryName(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_) => {}
        }
    }
    Some(names)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
