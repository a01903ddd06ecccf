//! Checks how a listener speaks TLS. It does not open what is named.

use std::path::Path;

use crate::config::form;
use crate::config::node::Text;
use crate::config::problem::{Place, Problem, quote};
use crate::config::{Certificate, ClientCertificates, NamedFile, Tls};

pub(super) fn tls(form: &form::Tls, problems: &mut Vec<Problem>) -> Option<Tls> {
    let several = form.certificates.iter().filter_map(several);
    let certificates: Vec<Certificate> = match (&form.cert, &form.key) {
        (None, None) => several.collect(),
        (Some(cert), Some(key)) => {
            if let Some(other) = form.certificates.first() {
                let problem = Problem::new(&other.place, "`certificates` beside `cert` and `key`");
                problems.push(problem.help("put all of them into `certificates`; the first is the default"));
            }
            vec![Certificate { cert: file(cert), key: file(key) }]
        }
        (Some(cert), None) => return incomplete("key", &cert.place, form.sound, problems),
        (None, Some(key)) => return incomplete("cert", &key.place, form.sound, problems),
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

fn incomplete(missing: &str, beside: &Place, sound: bool, problems: &mut Vec<Problem>) -> Option<Tls> {
    if sound {
        let problem = Problem::new(beside, format!("the key {} is missing beside this one", quote(missing)));
        problems.push(problem.help("a certificate and its private key are named together"));
    }
    None
}

/// Seen from the file that names it.
fn file(text: &Text) -> NamedFile {
    let folder = text.place.file.parent().unwrap_or(Path::new(""));
    NamedFile { path: folder.join(&text.value), shown: quote(text.written()), place: text.place.clone() }
}
