//! `client-certificate`: what the client has shown in the handshake of its connection.

use wasmtime::Result;

use crate::exchange::ClientCertificate;
use crate::sandbox::bindings as wit;
use crate::sandbox::host::Host;

impl wit::client_certificate::Host for Host {
    fn fingerprint(&mut self) -> Result<Option<String>> {
        self.certificate(|certificate| certificate.fingerprint.clone())
    }

    fn subject(&mut self) -> Result<Option<String>> {
        self.certificate(|certificate| certificate.subject.clone())
    }

    fn issuer(&mut self) -> Result<Option<String>> {
        self.certificate(|certificate| certificate.issuer.clone())
    }

    fn serial_number(&mut self) -> Result<Option<String>> {
        self.certificate(|certificate| certificate.serial.clone())
    }

    fn not_after(&mut self) -> Result<Option<u64>> {
        self.certificate(|certificate| certificate.not_after.saturating_mul(1_000))
    }

    fn dns_names(&mut self) -> Result<Vec<String>> {
        Ok(self.certificate(|certificate| certificate.names.dns.clone())?.unwrap_or_default())
    }

    fn email_addresses(&mut self) -> Result<Vec<String>> {
        Ok(self.certificate(|certificate| certificate.names.emails.clone())?.unwrap_or_default())
    }

    fn uris(&mut self) -> Result<Vec<String>> {
        Ok(self.certificate(|certificate| certificate.names.uris.clone())?.unwrap_or_default())
    }

    fn ip_addresses(&mut self) -> Result<Vec<String>> {
        let addresses =
            |certificate: &ClientCertificate| certificate.names.addresses.iter().map(ToString::to_string).collect();
        Ok(self.certificate(addresses)?.unwrap_or_default())
    }

    fn der(&mut self) -> Result<Option<Vec<u8>>> {
        self.certificate(|certificate| certificate.der.to_vec())
    }
}

impl Host {
    fn certificate<T>(&mut self, read: impl FnOnce(&ClientCertificate) -> T) -> Result<Option<T>> {
        Ok(self.exchange()?.certificate.as_deref().map(read))
    }
}
