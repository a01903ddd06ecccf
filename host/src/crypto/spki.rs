//! Public keys in PEM (RFC 7468, section 13), as `openssl pkey -pubout` writes them.

use rustls::pki_types::pem::{PemObject, SectionKind};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{Curve, KeyError, Parts};

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const ED25519: &str = "1.3.101.112";

pub(super) fn parts(text: &str) -> Result<Parts, KeyError> {
    let (kind, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(text.as_bytes()).map_err(|_| KeyError::Pem)?;
    match kind {
        SectionKind::PublicKey => {}
        SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey => {
            return Err(KeyError::Private);
        }
        SectionKind::Certificate => return Err(KeyError::Certificate),
        _ => return Err(KeyError::Pem),
    }
    let (rest, key) = SubjectPublicKeyInfo::from_der(&der).map_err(|_| KeyError::Pem)?;
    if !rest.is_empty() {
        return Err(KeyError::Pem);
    }
    let curve = || key.algorithm.parameters.as_ref()?.as_oid().ok().map(|oid| oid.to_id_string());
    let bits = key.subject_public_key.data.to_vec();
    match key.algorithm.algorithm.to_id_string().as_str() {
        RSA => match key.parsed() {
            Ok(PublicKey::RSA(rsa)) => Ok(Parts::Rsa(rsa.modulus.to_vec(), rsa.exponent.to_vec())),
            _ => Err(KeyError::Pem),
        },
        EC => match curve().as_deref() {
            Some(P256) => Ok(Parts::Ec(Curve::P256, bits)),
            Some(P384) => Ok(Parts::Ec(Curve::P384, bits)),
            _ => Err(KeyError::OtherType),
        },
        ED25519 => Ok(Parts::Ed25519(bits)),
        _ => Err(KeyError::OtherType),
    }
}
