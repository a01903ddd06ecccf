//! From the certificates that a configuration names to what the handshakes of a listener need, or those with endpoints
//! (`endpoints`). Finds every problem that only the files themselves can tell.
//!
//! It must not know connections: what is made here is handed to the workers, and all of them use the same.

pub(super) mod endpoints;
pub(super) mod names;
mod pem;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};

use super::expiry::Expiry;
use crate::config::{self, Certificate, ClientCertificates, Listener, NamedFile, Problem};
use crate::listener::Tls;
use crate::telemetry::metrics::{HandshakeMetrics, Registry};
use crate::wire::alpn::{HTTP1, HTTP2};
use names::ByName;
use pem::Reader;

/// What was made of the certificates of a configuration.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    /// What each listener needs, in the order of the configuration; nothing for one that speaks no TLS.
    pub(super) tls: Vec<Option<Tls>>,
    /// How long they last, and those that endpoints are shown; no two are of the same listener and file.
    pub(super) expiries: Vec<Expiry>,
}

/// `shown` are those of the live configuration. One that has expired is a problem if it would replace another of the same
/// file; else it is loaded: clients refuse it, and all else goes on.
pub(super) fn load(
    listeners: &[Listener],
    shown: &[Expiry],
    registry: &Registry,
    problems: &mut Vec<Problem>,
) -> Certificates {
    let provider = Arc::new(default_provider());
    let mut loaded = Certificates::default();
    for listener in listeners {
        let tls = listener.tls.as_ref().and_then(|tls| {
            let metrics = registry.handshakes(&listener.address.to_string());
            of_listener(listener, tls, shown, metrics, &provider, &mut loaded.expiries, problems)
        });
        loaded.tls.push(tls);
    }
    loaded
}

fn of_listener(
    listener: &Listener,
    tls: &config::Tls,
    shown: &[Expiry],
    metrics: Arc<HandshakeMetrics>,
    provider: &Arc<CryptoProvider>,
    expiries: &mut Vec<Expiry>,
    problems: &mut Vec<Problem>,
) -> Option<Tls> {
    let mut reader = Reader::new(problems);
    // All of them first: each problem is said.
    let address = listener.address.to_string();
    let certificates: Vec<_> =
        tls.certificates.iter().map(|files| certificate(Some(&address), files, shown, provider, &mut reader)).collect();
    let clients = tls.client.as_ref().map(|client| verifier(client, provider, &mut reader));
    let mut names: Option<ByName> = None;
    for (certificate, files) in certificates.into_iter().zip(&tls.certificates) {
        let (key, of, expiry) = certificate?;
        if !expiries.iter().any(|known| known.is_of_same_file(&expiry)) {
            expiries.push(expiry);
        }
        match &mut names {
            None => names = Some(ByName::new(key, of)),
            Some(_) if of.is_empty() => {
                let message =
                    format!("the certificate in {} is for no name, so that no client gets it", files.cert.shown);
                reader.note(&files.cert, message, Some("only the first of a listener may have no DNS name in it"));
            }
            Some(names) if names.hide(&key, &of) => {
                let message = format!(
                    "no client gets the certificate in {}: those before it are for each of its names",
                    files.cert.shown
                );
                let help = "several for one name have keys of different kinds, such as RSA and ECDSA";
                reader.note(&files.cert, message, Some(help));
            }
            Some(names) => names.add(&key, of),
        }
    }
    let names = Arc::new(names?);
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for both versions");
    let mut config = match clients {
        None => builder.with_no_client_auth(),
        Some(verifier) => builder.with_client_cert_verifier(verifier?),
    }
    .with_cert_resolver(names);
    let protocols = [(listener.protocols.http2, HTTP2), (listener.protocols.http1, HTTP1)];
    config.alpn_protocols = protocols.iter().filter(|(speaks, _)| *speaks).map(|(_, name)| name.to_vec()).collect();
    // The suites that are left are all good; who asks for a weaker one first is not led by it.
    config.ignore_client_order = true;
    // Tickets alone: what is kept would be behind a lock that workers share.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // Never shared with another listener or an older one: a session that is resumed shows no certificate again.
    config.ticketer = match Ticketer::new() {
        Ok(ticketer) => ticketer,
        Err(error) => {
            reader.problem(Problem::new(&listener.place, format!("no keys for session tickets can be made: {error}")));
            return None;
        }
    };
    reader.mark(&[u8::from(listener.protocols.http1), u8::from(listener.protocols.http2)]);
    Some(Tls::new(Arc::new(config), reader.digest(), metrics))
}

/// A certificate that may be shown, its names, and how long it lasts.
fn certificate(
    listener: Option<&str>,
    files: &Certificate,
    shown: &[Expiry],
    provider: &CryptoProvider,
    reader: &mut Reader<'_>,
) -> Option<(Arc<CertifiedKey>, Vec<String>, Expiry)> {
    let chain = reader.certificates(&files.cert);
    let key = reader.key(&files.key);
    let chain = chain?;
    let facts = names::of(chain.first()?, &files.cert, reader)?;
    let expiry = Expiry::new(listener.map(str::to_owned), &files.cert, &facts);
    if let Some(problem) = expiry.as_replacement(shown) {
        reader.problem(problem);
        return None;
    }
    match CertifiedKey::from_der(chain, key?, provider) {
        Ok(key) => Some((Arc::new(key), facts.names, expiry)),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let message =
                format!("the key in {} is not that of the certificate in {}", files.key.shown, files.cert.shown);
            let help = "a certificate that was renewed may have a new key; the server's own certificate comes first";
            reader.note(&files.key, message, Some(help));
            None
        }
        Err(error) => {
            let message = format!("the key in {} cannot be used: {error}", files.key.shown);
            reader.note(&files.key, message, Some("RSA of 2048 bits or more, ECDSA on P-256 or P-384, or Ed25519"));
            None
        }
    }
}

/// Who looks at the certificates of clients.
fn verifier(
    client: &ClientCertificates,
    provider: &Arc<CryptoProvider>,
    reader: &mut Reader<'_>,
) -> Option<Arc<dyn ClientCertVerifier>> {
    reader.mark(&[u8::from(client.required)]);
    let authorities = reader.certificates(&client.ca);
    let crls: Vec<_> = client.crls.iter().map(|file| reader.crls(file)).collect();
    let roots = roots(authorities?, &client.ca, reader)?;
    let crls: Vec<_> = crls.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    if let Some(first) = client.crls.first()
        && !covers(&crls, &roots)
    {
        reader.note(first, of_nobody(&client.ca, "no client's certificate is good"), Some(LISTS));
        return None;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).with_crls(crls);
    let builder = if client.required { builder } else { builder.allow_unauthenticated() };
    match (builder.build(), client.crls.first()) {
        (Ok(verifier), _) => Some(verifier),
        (Err(error @ VerifierBuilderError::InvalidCrl(_)), Some(crl)) => {
            reader.note(crl, format!("a revocation list cannot be used: {error}"), None);
            None
        }
        (Err(error), _) => {
            reader.note(&client.ca, format!("no client can be verified by {}: {error}", client.ca.shown), None);
            None
        }
    }
}

/// The certificates of those who issue others; one that vouches for itself alone is among them.
fn roots(
    authorities: Vec<CertificateDer<'static>>,
    file: &NamedFile,
    reader: &mut Reader<'_>,
) -> Option<RootCertStore> {
    if !authorities.iter().any(may_issue) {
        let message = format!("nothing is issued by who has the certificate in {}", file.shown);
        let help = "`ca` has the certificates of those who issue those that are shown; they say `CA:TRUE`";
        reader.note(file, message, Some(help));
        return None;
    }
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        if let Err(error) = roots.add(authority) {
            reader.note(file, format!("a certificate in {} cannot be used: {error}", file.shown), None);
            return None;
        }
    }
    Some(roots)
}

/// Whether there is a list of some root: the last certificate of each path was issued by one, and is asked for in its list.
fn covers(crls: &[CertificateRevocationListDer<'_>], roots: &RootCertStore) -> bool {
    crls.iter().any(|crl| match x509_parser::parse_x509_crl(crl) {
        Ok((_, list)) => roots.roots.iter().any(|root| is_name(list.issuer().as_raw(), &root.subject)),
        // What cannot be read is another problem.
        Err(_) => true,
    })
}

/// Whether DER is that of a name of which `inner` is without the tag and the length: of 2 to 4 bytes.
fn is_name(der: &[u8], inner: &[u8]) -> bool {
    der.strip_suffix(inner).is_some_and(|header| (2..=4).contains(&header.len()))
}

fn of_nobody(ca: &NamedFile, so: &str) -> String {
    format!("no revocation list is of an issuer in {}, so that {so}", ca.shown)
}

const LISTS: &str = "with lists there has to be one of each issuer, those in `ca` included; or leave `crls` out";

/// Whether some certificate may be verified by this one. What cannot be read is another problem.
fn may_issue(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return true };
    parsed.is_ca() || parsed.subject() == parsed.issuer()
}
