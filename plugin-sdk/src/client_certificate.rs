//! The certificate that the client has shown in the TLS handshake of its connection. Needs no grant.

use crate::{Request, backend};
use std::marker::PhantomData;

/// A certificate of the client that was verified: with one that is not good there is no connection.
///
/// It is that of the peer, so behind a proxy that ends TLS it is the proxy's. Each question is a call into the gateway.
#[derive(Debug)]
pub struct ClientCertificate<'r> {
    fingerprint: String,
    /// It is asked about while its exchange is served.
    request: PhantomData<&'r Request>,
}

impl Request {
    /// The certificate that the client has shown in the handshake of its connection; `None` if it has shown none.
    pub fn client_certificate(&self) -> Option<ClientCertificate<'_>> {
        let fingerprint = backend::client_certificate::fingerprint()?;
        Some(ClientCertificate { fingerprint, request: PhantomData })
    }
}

impl ClientCertificate<'_> {
    /// SHA-256 of the certificate as it was sent: 64 hex digits in lower case.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whose it is, as in RFC 4514: `CN=alice,OU=ops,O=Example`; empty for a certificate that has only other names.
    /// Compare the whole: a part of it may stand in another part's value.
    pub fn subject(&self) -> String {
        backend::client_certificate::subject().unwrap_or_default()
    }

    /// Who issued it, in the form of [`subject`](Self::subject).
    pub fn issuer(&self) -> String {
        backend::client_certificate::issuer().unwrap_or_default()
    }

    /// Its number, which is unique for an issuer: hex digits in lower case, two for each byte, without leading zeros.
    pub fn serial_number(&self) -> String {
        backend::client_certificate::serial_number().unwrap_or_default()
    }

    /// When it ends, in milliseconds since 1970 in UTC, as [`clock::now`](crate::clock::now) tells the time.
    pub fn not_after(&self) -> u64 {
        backend::client_certificate::not_after().unwrap_or_default()
    }

    /// The DNS names that it is for, in lower case.
    pub fn dns_names(&self) -> Vec<String> {
        backend::client_certificate::dns_names()
    }

    /// The addresses of electronic mail that it is for, as they stand in it.
    pub fn email_addresses(&self) -> Vec<String> {
        backend::client_certificate::email_addresses()
    }

    /// The URIs that it is for, as they stand in it: `spiffe://example.org/billing`.
    pub fn uris(&self) -> Vec<String> {
        backend::client_certificate::uris()
    }

    /// The IP addresses that it is for, in their shortest form.
    pub fn ip_addresses(&self) -> Vec<String> {
        backend::client_certificate::ip_addresses()
    }

    /// The certificate as it was sent (DER), for what else is in it.
    pub fn der(&self) -> Vec<u8> {
        backend::client_certificate::der().unwrap_or_default()
    }
}
