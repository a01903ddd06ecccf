//! Checks how endpoints are spoken to over TLS.

use rustls::pki_types::ServerName;

use crate::config::check::tls::{certificate, file};
use crate::config::form;
use crate::config::problem::{Problem, quote};
use crate::config::{Address, Endpoint, UpstreamTls};

pub(super) fn tls(
    form: &form::Upstream,
    endpoints: &[Endpoint],
    about: &str,
    problems: &mut Vec<Problem>,
) -> UpstreamTls {
    let Some(tls) = &form.tls else { return UpstreamTls::default() };
    let is_used = endpoints.iter().any(|endpoint| matches!(endpoint.address, Address::Http { tls: Some(_), .. }));
    if form.sound && !is_used {
        let problem = Problem::new(&tls.place, format!("`tls` where no endpoint is spoken to over TLS{about}"));
        problems.push(problem.help("an endpoint with TLS is written `https://host:port`"));
    }
    let tls = &tls.value;
    let verifies = tls.verify.value;
    if let Some(text) = tls.ca.as_ref().or(tls.crls.first()).filter(|_| !verifies) {
        let problem = Problem::new(&text.place, format!("with `verify = false` no certificate is looked at{about}"));
        problems.push(problem.help("without `verify`, endpoints must show a certificate of this `ca`"));
    }
    UpstreamTls {
        ca: tls.ca.as_ref().map(file),
        crls: tls.crls.iter().map(file).collect(),
        certificate: certificate(tls.cert.as_ref(), tls.key.as_ref(), tls.sound, problems),
        unverified: (!verifies).then(|| tls.verify.place.clone()),
    }
}

/// The name that all endpoints of an upstream have in their certificates, if it is said.
pub(super) fn server_name(
    form: &form::UpstreamTls,
    about: &str,
    problems: &mut Vec<Problem>,
) -> Option<ServerName<'static>> {
    let text = form.server_name.as_ref()?;
    let name = ServerName::try_from(text.value.clone()).ok();
    if name.is_none() {
        let message = format!("{} is neither a DNS name nor an IP address{about}", quote(text.written()));
        problems.push(Problem::new(&text.place, message));
    }
    name
}
