//! How listeners and upstreams speak TLS: the files that say it. That they hold what they should is for who loads them.

use std::path::PathBuf;

use crate::config::Place;

/// The certificates of a listener, and what it wants of its clients.
#[derive(Clone, Debug)]
pub struct Tls {
    /// At least one; the first is for clients that name no host, or one that no certificate is for.
    pub certificates: Vec<Certificate>,
    /// `None`: clients are not asked for a certificate.
    pub client: Option<ClientCertificates>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub cert: NamedFile,
    pub key: NamedFile,
}

/// Which certificates of clients are accepted.
#[derive(Clone, Debug)]
pub struct ClientCertificates {
    /// Whether a client without one is refused.
    pub required: bool,
    pub ca: NamedFile,
    pub crls: Vec<NamedFile>,
}

/// How the endpoints of an upstream are spoken to. Nothing said: they must show a certificate that the system trusts.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTls {
    /// Who issues the endpoints' certificates; `None`: those whom the system trusts.
    pub ca: Option<NamedFile>,
    pub crls: Vec<NamedFile>,
    /// Shown to endpoints that ask for one.
    pub certificate: Option<Certificate>,
    /// Where it is written that no certificate is looked at.
    pub unverified: Option<Place>,
}

/// A file that the config names.
#[derive(Clone, Debug)]
pub struct NamedFile {
    pub path: PathBuf,
    /// The path as a message shows it: without what interpolations put in.
    pub shown: String,
    /// Where it is named.
    pub place: Place,
}

impl Tls {
    /// Every file that it is made of.
    pub fn files(&self) -> impl Iterator<Item = &NamedFile> {
        let certificates = self.certificates.iter().flat_map(|certificate| [&certificate.cert, &certificate.key]);
        certificates.chain(self.client.iter().flat_map(|client| [&client.ca].into_iter().chain(&client.crls)))
    }
}

impl UpstreamTls {
    /// Every file that it is made of, but the system's.
    pub fn files(&self) -> impl Iterator<Item = &NamedFile> {
        let certificate = self.certificate.iter().flat_map(|certificate| [&certificate.cert, &certificate.key]);
        self.ca.iter().chain(&self.crls).chain(certificate)
    }
}
