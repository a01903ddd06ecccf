//! Which certificate a client gets: by the name that it asks for (RFC 6066, section 3).

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::pki_types::CertificateDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::certificate::Validity;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

use super::pem::Reader;
use crate::config::NamedFile;

/// The certificates of one listener.
#[derive(Debug)]
pub(super) struct ByName {
    /// By name in lower case; `*.example.com` is `.example.com`. Those of one name differ in the kind of their keys, or
    /// all but the first are of no use.
    names: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// For clients that name no host, or one that no certificate is for.
    default: Arc<CertifiedKey>,
}

impl ByName {
    pub(super) fn new(default: Arc<CertifiedKey>, names: Vec<String>) -> Self {
        let mut this = Self { names: HashMap::new(), default: Arc::clone(&default) };
        this.add(&default, names);
        this
    }

    pub(super) fn add(&mut self, key: &Arc<CertifiedKey>, names: Vec<String>) {
        for name in names {
            let name = name.strip_prefix('*').unwrap_or(&name).to_owned();
            self.names.entry(name).or_default().push(Arc::clone(key));
        }
    }

    /// Whether no client gets this certificate, because those before it are for each of its names already, and sign by
    /// whatever it can sign by.
    pub(super) fn hide(&self, key: &CertifiedKey, names: &[String]) -> bool {
        let covered = |scheme, known: &[Arc<CertifiedKey>]| known.iter().any(|known| signs(known, scheme));
        names.iter().all(|name| {
            let known = self.names.get(name.strip_prefix('*').unwrap_or(name)).map_or(&[][..], Vec::as_slice);
            SCHEMES.iter().filter(|scheme| signs(key, **scheme)).all(|scheme| covered(*scheme, known))
        })
    }

    /// The certificates for a name in lower case: exact ones before wildcards, which stand for one label (RFC 6125,
    /// section 6.4.3).
    fn find(&self, name: &str) -> Option<&[Arc<CertifiedKey>]> {
        let wildcard = || self.names.get(&name[name.find('.')?..]);
        self.names.get(name).or_else(wildcard).map(Vec::as_slice)
    }
}

/// What keys sign by in handshakes.
const SCHEMES: [SignatureScheme; 6] = [
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
];

fn signs(key: &CertifiedKey, scheme: SignatureScheme) -> bool {
    key.key.choose_scheme(&[scheme]).is_some()
}

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| self.find(name)).unwrap_or_default();
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        Some(Arc::clone(named.iter().find(fits).or(named.first()).unwrap_or(&self.default)))
    }
}

/// What a certificate says.
pub(in crate::gateway) struct Facts {
    /// DNS names.
    pub(in crate::gateway) names: Vec<String>,
    pub(in crate::gateway) validity: Validity,
}

/// A time as a date.
pub(in crate::gateway) fn day(time: ASN1Time) -> String {
    time.to_datetime().date().to_string()
}

/// What a certificate says that is valid by now, or was.
pub(super) fn of(certificate: &CertificateDer<'_>, file: &NamedFile, reader: &mut Reader<'_>) -> Option<Facts> {
    let parsed = x509_parser::parse_x509_certificate(certificate).ok();
    if let Some((_, parsed)) = &parsed
        && parsed.version() != X509Version::V3
    {
        let number = parsed.version().0.saturating_add(1);
        let message = format!("the certificate in {} is of version {number} of X.509, which nobody takes", file.shown);
        reader.note(file, message, Some("one of version 3, which has the names that it is for"));
        return None;
    }
    let facts =
        parsed.and_then(|(_, parsed)| Some(Facts { validity: parsed.validity().clone(), names: names(&parsed)? }));
    let Some(facts) = facts else {
        reader.note(file, format!("the certificate in {} cannot be read", file.shown), None);
        return None;
    };
    let from = facts.validity.not_before;
    if from > ASN1Time::now() {
        let message = format!("the certificate in {} is not valid before {}", file.shown, day(from));
        reader.note(file, message, Some("put a valid one in its place"));
        return None;
    }
    Some(facts)
}

/// None if they cannot be read.
fn names(certificate: &x509_parser::certificate::X509Certificate<'_>) -> Option<Vec<String>> {
    let extension = certificate.subject_alternative_name().ok()?;
    let general = extension.iter().flat_map(|extension| &extension.value.general_names);
    let dns = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    Some(general.filter_map(dns).collect())
}
