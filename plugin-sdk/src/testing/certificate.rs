//! Certificates that clients of tests have shown.

/// A certificate of a client, for [`RequestBuilder::client_certificate`](super::RequestBuilder::client_certificate).
#[derive(Debug, Clone, PartialEq)]
pub struct ClientCertificate {
    pub(crate) fingerprint: String,
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) serial_number: String,
    pub(crate) not_after: u64,
    pub(crate) dns_names: Vec<String>,
    pub(crate) email_addresses: Vec<String>,
    pub(crate) uris: Vec<String>,
    pub(crate) ip_addresses: Vec<String>,
    pub(crate) der: Vec<u8>,
}

/// A certificate for this subject, such as `CN=alice,O=Example`, with the serial number `01` of `CN=issuer`, a fingerprint
/// of zeros, and no bytes; it ends with the year 2030.
pub fn client_certificate(subject: &str) -> ClientCertificate {
    ClientCertificate {
        fingerprint: "0".repeat(64),
        subject: subject.to_owned(),
        issuer: "CN=issuer".to_owned(),
        serial_number: "01".to_owned(),
        not_after: 1_924_991_999_000,
        dns_names: Vec::new(),
        email_addresses: Vec::new(),
        uris: Vec::new(),
        ip_addresses: Vec::new(),
        der: Vec::new(),
    }
}

impl ClientCertificate {
    /// 64 hex digits in lower case.
    pub fn fingerprint(self, fingerprint: &str) -> Self {
        Self { fingerprint: fingerprint.to_owned(), ..self }
    }

    /// Who issued it.
    pub fn issuer(self, issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), ..self }
    }

    /// Hex digits in lower case.
    pub fn serial_number(self, serial_number: &str) -> Self {
        Self { serial_number: serial_number.to_owned(), ..self }
    }

    /// When it ends, in milliseconds since 1970 in UTC.
    pub fn not_after(self, not_after: u64) -> Self {
        Self { not_after, ..self }
    }

    /// Adds a DNS name.
    pub fn dns_name(mut self, name: &str) -> Self {
        self.dns_names.push(name.to_owned());
        self
    }

    /// Adds an address of electronic mail.
    pub fn email_address(mut self, address: &str) -> Self {
        self.email_addresses.push(address.to_owned());
        self
    }

    /// Adds a URI.
    pub fn uri(mut self, uri: &str) -> Self {
        self.uris.push(uri.to_owned());
        self
    }

    /// Adds an IP address.
    pub fn ip_address(mut self, address: &str) -> Self {
        self.ip_addresses.push(address.to_owned());
        self
    }

    /// Its bytes.
    pub fn der(self, der: impl Into<Vec<u8>>) -> Self {
        Self { der: der.into(), ..self }
    }
}
