//! What handshakes with endpoints need: whom they are to be vouched for by, and what the gateway shows of itself.

mod unverified;

use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};

use super::pem::Reader;
use super::{LISTS, certificate, covers, of_nobody, roots};
use crate::config::{Address, Place, Problem, Upstream, UpstreamTls};
use crate::gateway::expiry::Expiry;
use crate::upstream::Handshakes;
use unverified::Unverified;

/// In the order of the upstreams; nothing for one without TLS. Adds how long the gateway's own certificates last.
pub(in crate::gateway) fn load(
    upstreams: &[Upstream],
    expiries: &mut Vec<Expiry>,
    problems: &mut Vec<Problem>,
) -> Vec<Option<Handshakes>> {
    let provider = Arc::new(default_provider());
    let mut system = None;
    let mut of = |upstream: &Upstream| {
        let is_tls = |address: &Address| matches!(address, Address::Http { tls: Some(_), .. });
        let first = upstream.endpoints.iter().find(|endpoint| is_tls(&endpoint.address))?;
        of_upstream(&upstream.tls, &first.place, &provider, &mut system, expiries, problems)
    };
    upstreams.iter().map(&mut of).collect()
}

/// What is not wrong, but should not stay.
pub(in crate::gateway) fn warnings(upstreams: &[Upstream]) -> impl Iterator<Item = Problem> {
    upstreams.iter().filter_map(|upstream| {
        let message = format!("whoever answers is taken for an endpoint of upstream `{}`", upstream.name);
        Some(Problem::new(upstream.tls.unverified.as_ref()?, message))
    })
}

fn of_upstream(
    tls: &UpstreamTls,
    place: &Place,
    provider: &Arc<CryptoProvider>,
    system: &mut Option<Arc<RootCertStore>>,
    expiries: &mut Vec<Expiry>,
    problems: &mut Vec<Problem>,
) -> Option<Handshakes> {
    let mut reader = Reader::new(problems);
    // Both first: each problem is said.
    let own = tls.certificate.as_ref().map(|files| certificate(None, files, &[], provider, &mut reader));
    let verifier = verifier(tls, place, provider, system, &mut reader);
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier?);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let (key, _, expiry) = own?;
            expiries.push(expiry);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
        }
    };
    Some(Handshakes::new(Arc::new(config), reader.digest()))
}

/// Who looks at the certificates of endpoints.
fn verifier(
    tls: &UpstreamTls,
    place: &Place,
    provider: &Arc<CryptoProvider>,
    system: &mut Option<Arc<RootCertStore>>,
    reader: &mut Reader<'_>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    reader.mark(&[u8::from(tls.unverified.is_some())]);
    if tls.unverified.is_some() {
        return Some(Arc::new(Unverified(Arc::clone(provider))));
    }
    let crls: Vec<_> = tls.crls.iter().map(|file| reader.crls(file)).collect();
    let authorities = match &tls.ca {
        Some(file) => Arc::new(reader.certificates(file).and_then(|list| roots(list, file, reader))?),
        None => trusted_by_system(system, place, reader)?,
    };
    let crls: Vec<_> = crls.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    if let (Some(first), Some(ca)) = (tls.crls.first(), &tls.ca)
        && !covers(&crls, &authorities)
    {
        reader.note(first, of_nobody(ca, "no endpoint's certificate is good"), Some(LISTS));
        return None;
    }
    let builder = WebPkiServerVerifier::builder_with_provider(authorities, Arc::clone(provider)).with_crls(crls);
    match (builder.build(), tls.crls.first()) {
        (Ok(verifier), _) => Some(verifier),
        (Err(error @ VerifierBuilderError::InvalidCrl(_)), Some(crl)) => {
            reader.note(crl, format!("a revocation list cannot be used: {error}"), None);
            None
        }
        (Err(error), _) => {
            reader.problem(Problem::new(place, format!("no endpoint can be verified: {error}")));
            None
        }
    }
}

/// Those whom the system trusts, read once for all upstreams.
fn trusted_by_system(
    system: &mut Option<Arc<RootCertStore>>,
    place: &Place,
    reader: &mut Reader<'_>,
) -> Option<Arc<RootCertStore>> {
    let roots = system.get_or_insert_with(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in &found.errors {
            tracing::warn!("of the certificates that the system trusts: {error}");
        }
        let mut roots = RootCertStore::empty();
        // Stores of systems have some that are of no use here.
        roots.add_parsable_certificates(found.certs);
        Arc::new(roots)
    });
    for root in &roots.roots {
        reader.mark(&root.subject);
        reader.mark(&root.subject_public_key_info);
    }
    if roots.is_empty() {
        let problem = Problem::new(place, "no certificate of an endpoint can be verified: the system trusts nobody");
        reader.problem(
            problem.help("install its `ca-certificates`, or name those who issue as `ca` in `[upstream.tls]`"),
        );
        return None;
    }
    Some(Arc::clone(roots))
}
