//! What the client has shown in the handshake of its connection.

use super::exchange;
use crate::testing::ClientCertificate;

pub(crate) fn fingerprint() -> Option<String> {
    shown(|certificate| certificate.fingerprint.clone())
}

pub(crate) fn subject() -> Option<String> {
    shown(|certificate| certificate.subject.clone())
}

pub(crate) fn issuer() -> Option<String> {
    shown(|certificate| certificate.issuer.clone())
}

pub(crate) fn serial_number() -> Option<String> {
    shown(|certificate| certificate.serial_number.clone())
}

pub(crate) fn not_after() -> Option<u64> {
    shown(|certificate| certificate.not_after)
}

pub(crate) fn dns_names() -> Vec<String> {
    shown(|certificate| certificate.dns_names.clone()).unwrap_or_default()
}

pub(crate) fn email_addresses() -> Vec<String> {
    shown(|certificate| certificate.email_addresses.clone()).unwrap_or_default()
}

pub(crate) fn uris() -> Vec<String> {
    shown(|certificate| certificate.uris.clone()).unwrap_or_default()
}

pub(crate) fn ip_addresses() -> Vec<String> {
    shown(|certificate| certificate.ip_addresses.clone()).unwrap_or_default()
}

pub(crate) fn der() -> Option<Vec<u8>> {
    shown(|certificate| certificate.der.clone())
}

fn shown<T>(read: impl FnOnce(&ClientCertificate) -> T) -> Option<T> {
    exchange(|exchange| exchange.request.certificate.as_ref().map(read))
}
