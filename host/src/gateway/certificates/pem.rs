//! Reads PEM files, and keeps the digest of all that was read.
//!
//! What a file holds stands in no problem: it may be a key.

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::config::{NamedFile, Problem, file};

/// Of one file. Revocation lists of large issuers have some MiB.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

pub(super) struct Reader<'p> {
    problems: &'p mut Vec<Problem>,
    digest: Sha256,
}

impl<'p> Reader<'p> {
    pub(super) fn new(problems: &'p mut Vec<Problem>) -> Self {
        Self { problems, digest: Sha256::new() }
    }

    /// Notes a problem with what a file holds.
    pub(super) fn note(&mut self, file: &NamedFile, message: impl Into<String>, help: Option<&str>) {
        let problem = Problem::new(&file.place, message);
        self.problem(match help {
            Some(help) => problem.help(help),
            None => problem,
        });
    }

    pub(super) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Adds to the digest what is no file.
    pub(super) fn mark(&mut self, bytes: &[u8]) {
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }

    /// Of everything that was read and marked.
    pub(super) fn digest(self) -> [u8; 32] {
        self.digest.finalize().into()
    }

    /// At least one.
    pub(super) fn certificates(&mut self, file: &NamedFile) -> Option<Vec<CertificateDer<'static>>> {
        let bytes = self.bytes(file)?;
        let list = CertificateDer::pem_slice_iter(&bytes).collect();
        self.some(file, list, "certificate", "PEM, as in `-----BEGIN CERTIFICATE-----`")
    }

    /// At least one.
    pub(super) fn crls(&mut self, file: &NamedFile) -> Option<Vec<CertificateRevocationListDer<'static>>> {
        let bytes = self.bytes(file)?;
        let list = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
        self.some(file, list, "revocation list", "PEM, as in `-----BEGIN X509 CRL-----`")
    }

    pub(super) fn key(&mut self, file: &NamedFile) -> Option<PrivateKeyDer<'static>> {
        let bytes = self.bytes(file)?;
        let list = match PrivateKeyDer::from_pem_slice(&bytes) {
            Ok(key) => Ok(vec![key]),
            Err(Error::NoItemsFound) => Ok(Vec::new()),
            Err(error) => Err(error),
        };
        let keys =
            self.some(file, list, "private key", "PEM without a passphrase, as in `-----BEGIN PRIVATE KEY-----`");
        keys?.pop()
    }

    fn some<T>(&mut self, file: &NamedFile, list: Result<Vec<T>, Error>, what: &str, help: &str) -> Option<Vec<T>> {
        let message = match list {
            Ok(list) if !list.is_empty() => return Some(list),
            Ok(_) => format!("there is no {what} in {}", file.shown),
            Err(_) => format!("{} is not PEM to its end", file.shown),
        };
        self.note(file, message, Some(help));
        None
    }

    fn bytes(&mut self, file: &NamedFile) -> Option<Vec<u8>> {
        match file::read(&file.path, MOST_BYTES) {
            Ok(bytes) => {
                self.mark(&bytes);
                Some(bytes)
            }
            Err(error) => {
                self.note(file, format!("cannot read {}: {error}", file.shown), None);
                None
            }
        }
    }
}
