//! TLS as a client sees it, and certificates that are made on the spot.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned, SupportedProtocolVersion};

use tokio::net::TcpStream as TokioStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::Client;

/// Who issues certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as files hold them.
#[derive(Clone)]
pub struct Issued {
    pub cert: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        Self::named("a test authority")
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("the system has randomness");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority signs itself"))
    }

    /// A certificate for these names, with a key of its own.
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_until(names, 4000)
    }

    /// One that is valid up to the first day of a year.
    pub fn issue_until(&self, names: &[&str], year: i32) -> Issued {
        self.make(names, year, 1)
    }

    /// One that ends at this time, to the second.
    pub fn issue_until_time(&self, names: &[&str], end: SystemTime) -> Issued {
        let since = end.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.issue_as(|params| {
            *params = CertificateParams::new(names).expect("valid names");
            params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(since);
        })
    }

    /// One with this serial number.
    pub fn issue_numbered(&self, names: &[&str], serial: u64) -> Issued {
        self.make(names, 4000, serial)
    }

    fn make(&self, names: &[&str], year: i32, serial: u64) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.issue_as(|params| {
            *params = CertificateParams::new(names).expect("valid names");
            params.not_after = date_time_ymd(year, 1, 1);
            params.serial_number = Some(SerialNumber::from(serial));
        })
    }

    /// A certificate that says what is put into it.
    pub fn issue_as(&self, say: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are valid names");
        say(&mut params);
        let key = KeyPair::generate().expect("the system has randomness");
        let cert = params.signed_by(&key, &self.0).expect("an authority may sign");
        Issued { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A list that revokes this serial number.
    pub fn revoke(&self, serial: u64) -> String {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from(serial),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).expect("an authority may revoke").pem().expect("it has a text")
    }
}

/// Which certificates a server wants of its clients.
pub enum Wants<'a> {
    Nothing,
    /// One that this authority issued.
    CertificateOf(&'a Authority),
}

impl Issued {
    /// One that vouches for itself.
    pub fn self_signed(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().expect("the system has randomness");
        let cert = CertificateParams::new(names).expect("valid names").self_signed(&key).expect("it may sign");
        Self { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// A server that shows this certificate, and agrees to these protocols.
    pub fn server(&self, alpn: &[&str], wants: &Wants<'_>) -> Arc<ServerConfig> {
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring has suites for both");
        let builder = match wants {
            Wants::Nothing => builder.with_no_client_auth(),
            Wants::CertificateOf(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("it is a certificate");
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.expect("there is a root"))
            }
        };
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("we wrote it");
        let cert = CertificateDer::from(self.der());
        let mut config = builder.with_single_cert(vec![cert], key).expect("they belong together");
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// The certificate as it is shown in a handshake.
    pub fn der(&self) -> Vec<u8> {
        CertificateDer::from_pem_slice(self.cert.as_bytes()).expect("we wrote it").to_vec()
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

/// How a client speaks TLS. It remembers the tickets that it was given.
#[derive(Clone)]
pub struct Tls {
    pub(crate) config: Arc<ClientConfig>,
}

/// TLS 1.2 and 1.3.
pub static VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

impl Tls {
    /// Trusts the authority, and offers these protocols.
    pub fn new(authority: &Authority, alpn: &[&str]) -> Self {
        Self::with(authority, alpn, &VERSIONS, None)
    }

    /// The same with only some versions, and with a certificate of its own.
    pub fn with(
        authority: &Authority,
        alpn: &[&str],
        versions: &[&'static SupportedProtocolVersion],
        own: Option<&Issued>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).expect("it is a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .expect("ring has suites for these")
            .with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(Issued { cert, key }) => {
                let cert = CertificateDer::from_pem_slice(cert.as_bytes()).expect("we wrote it");
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("we wrote it");
                builder.with_client_auth_cert(vec![cert], key).expect("they belong together")
            }
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// Shakes hands on a stream, with who has a certificate for this name.
    pub async fn secure(&self, stream: TokioStream, name: &str) -> io::Result<TlsStream<TokioStream>> {
        let name = ServerName::try_from(name.to_owned()).expect("a valid name");
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }

    /// The same without a memory: it shakes hands anew each time.
    pub fn forgetful(&self) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.resumption = Resumption::disabled();
        Self { config: Arc::new(config) }
    }

    /// Connects, and shakes hands with who has a certificate for this name.
    pub fn connect(&self, address: SocketAddr, name: &str) -> Client {
        self.try_connect(address, name).expect("a handshake")
    }

    /// The same; the error is of the connection or the handshake.
    pub fn try_connect(&self, address: SocketAddr, name: &str) -> io::Result<Client> {
        self.try_connect_after(b"", address, name)
    }

    /// The same, once these bytes were sent.
    pub fn try_connect_after(&self, first: &[u8], address: SocketAddr, name: &str) -> io::Result<Client> {
        Client::over(address, |mut tcp: TcpStream| {
            tcp.write_all(first)?;
            let name = ServerName::try_from(name.to_owned()).expect("a valid name");
            let mut session = ClientConnection::new(Arc::clone(&self.config), name).map_err(io::Error::other)?;
            while session.is_handshaking() {
                session.complete_io(&mut tcp)?;
            }
            Ok(StreamOwned::new(session, tcp))
        })
    }
}
