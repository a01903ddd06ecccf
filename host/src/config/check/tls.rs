//! Checks how a listener speaks TLS, and what upstreams have in common with it. It does not open what is named.

use std::path::Path;

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Place, Problem, quote};
use crate::config::{Certificate, ClientCertificates, NamedFile, Tls};

pub(super) fn tls(form: &form::Tls, problems: &mut Vec<Problem>) -> Option<Tls> {
    let several = form.certificates.iter().filter_map(several);
    let certificates: Vec<Certificate> = match (&form.cert, &form.key) {
        (None, None) => several.collect(),
        (cert, key) => {
            let alone = certificate(cert.as_ref(), key.as_ref(), form.sound, problems)?;
            if let Some(other) = form.certificates.first() {
                let problem = Problem::new(&other.place, "`certificates` beside `cert` and `key`");
                problems.push(problem.help("put all of them into `certificates`; the first is the default"));
            }
            vec![alone]
        }
    };
    if certificates.is_empty() {
        if form.sound {
            let problem = Problem::new(&form.place, "TLS needs a certificate");
            problems.push(problem.help("`tls = { cert = \"server.pem\", key = \"server.key\" }`"));
        }
        return None;
    }
    let client = form.client.as_ref().and_then(|client| {
        Some(ClientCertificates {
            required: client.certificate == form::Presence::Required,
            ca: file(client.ca.as_ref()?),
            crls: client.crls.iter().map(file).collect(),
        })
    });
    Some(Tls { certificates, client })
}

fn several(form: &form::Certificate) -> Option<Certificate> {
    Some(Certificate { cert: file(form.cert.as_ref()?), key: file(form.key.as_ref()?) })
}

/// A certificate and its key, both or neither. `sound`: that one is missing was not noted yet.
pub(super) fn certificate(
    cert: Option<&Text>,
    key: Option<&Text>,
    sound: bool,
    problems: &mut Vec<Problem>,
) -> Option<Certificate> {
    match (cert, key) {
        (None, None) => None,
        (Some(cert), Some(key)) => Some(Certificate { cert: file(cert), key: file(key) }),
        (Some(cert), None) => incomplete("key", &cert.place, sound, problems),
        (None, Some(key)) => incomplete("cert", &key.place, sound, problems),
    }
}

fn incomplete(missing: &str, beside: &Place, sound: bool, problems: &mut Vec<Problem>) -> Option<Certificate> {
    if sound {
        let problem = Problem::new(beside, format!("the key {} is missing beside this one", quote(missing)));
        problems.push(problem.help("a certificate and its private key are named together"));
    }
    None
}

/// Seen from the file that names it.
pub(super) fn file(text: &Text) -> NamedFile {
    let folder = text.place.file.parent().unwrap_or(Path::new(""));
    NamedFile { path: folder.join(&text.value), shown: quote(text.written()), place: text.place.clone() }
}
