//! Signatures: keys, which are checked when they are made, and what they verify. By `ring`, which TLS uses as well.
//!
//! A key is for one algorithm. Pure; this module must not know who asks, nor what is signed.

#![cfg(feature = "gateway")]

mod base64url;
mod jwk;
mod spki;
#[cfg(test)]
mod tests;

use std::fmt;

use ring::agreement::{self, EphemeralPrivateKey};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{self, RsaParameters, UnparsedPublicKey, VerificationAlgorithm};
use ring::{digest, hmac};
use thiserror::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
    Hs256,
    Hs384,
    Hs512,
}

/// How a key is given. Without `Debug`: may be a secret.
pub enum KeyForm {
    Pem(String),
    Jwk(String),
    Secret(Vec<u8>),
}

/// Why there is no such key. Says nothing of what was given: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("a key has at most {MOST_FORM} bytes")]
    TooLong,
    #[error("this is no public key in PEM: it begins with `-----BEGIN PUBLIC KEY-----`")]
    Pem,
    #[error("this is a private key: the public one is enough to verify")]
    Private,
    #[error("this is a certificate: take the public key out of it (`openssl x509 -pubkey -noout`)")]
    Certificate,
    #[error("this is no JSON Web Key (RFC 7517) with all members that its `kty` has, each of them once")]
    Jwk,
    #[error("the JSON Web Key says that it is for something else, in `alg`, `use` or `key_ops`")]
    OtherUse,
    #[error("this key is of another type than the algorithm's")]
    OtherType,
    #[error("an RSA key has {LEAST_RSA} to {MOST_RSA} bits, and an odd exponent from 3 to 2^32")]
    RsaSize,
    #[error("this is not a point on the algorithm's curve")]
    Point,
    #[error("the secret is shorter than the algorithm's digest (RFC 7518, section 3.2)")]
    ShortSecret,
}

/// Bytes of a key in the form in which it is given.
const MOST_FORM: usize = 16 * 1024;
const LEAST_RSA: usize = 2_048;
const MOST_RSA: usize = 8_192;

/// A key for one algorithm.
pub struct Key {
    algorithm: Algorithm,
    material: Material,
    /// Of the form in which it was given.
    digest: [u8; 32],
}

/// What a key is, before it is known to fit an algorithm.
enum Parts {
    /// Modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// The curve, and an uncompressed point.
    Ec(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Vec<u8>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Curve {
    P256,
    P384,
}

enum Material {
    Rsa(&'static RsaParameters, PublicKeyComponents<Vec<u8>>),
    Public(UnparsedPublicKey<Vec<u8>>),
    Secret(hmac::Key),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Algorithm {
    /// As RFC 7518 and RFC 8037 write it.
    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }
}

impl KeyForm {
    /// Tells two keys apart without keeping them.
    fn digest(&self) -> [u8; 32] {
        let (tag, bytes) = match self {
            Self::Pem(text) => (0, text.as_bytes()),
            Self::Jwk(text) => (1, text.as_bytes()),
            Self::Secret(bytes) => (2, bytes.as_slice()),
        };
        let mut digest = digest::Context::new(&digest::SHA256);
        digest.update(&[tag]);
        digest.update(bytes);
        digest.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
    }

    fn parts(&self, algorithm: Algorithm) -> Result<Parts, KeyError> {
        let bytes = match self {
            Self::Pem(text) | Self::Jwk(text) => text.len(),
            Self::Secret(bytes) => bytes.len(),
        };
        if bytes > MOST_FORM {
            return Err(KeyError::TooLong);
        }
        match self {
            Self::Pem(text) => spki::parts(text),
            Self::Jwk(text) => jwk::parts(text, algorithm.name()),
            Self::Secret(bytes) => Ok(Parts::Secret(bytes.clone())),
        }
    }
}

impl Key {
    pub fn new(algorithm: Algorithm, form: &KeyForm) -> Result<Self, KeyError> {
        let material = match (algorithm, form.parts(algorithm)?) {
            (Algorithm::Rs256, parts) => rsa(&signature::RSA_PKCS1_2048_8192_SHA256, parts),
            (Algorithm::Rs384, parts) => rsa(&signature::RSA_PKCS1_2048_8192_SHA384, parts),
            (Algorithm::Rs512, parts) => rsa(&signature::RSA_PKCS1_2048_8192_SHA512, parts),
            (Algorithm::Ps256, parts) => rsa(&signature::RSA_PSS_2048_8192_SHA256, parts),
            (Algorithm::Ps384, parts) => rsa(&signature::RSA_PSS_2048_8192_SHA384, parts),
            (Algorithm::Ps512, parts) => rsa(&signature::RSA_PSS_2048_8192_SHA512, parts),
            (Algorithm::Es256, Parts::Ec(Curve::P256, point)) => {
                on_curve(&agreement::ECDH_P256, &point)?;
                public(&signature::ECDSA_P256_SHA256_FIXED, point)
            }
            (Algorithm::Es384, Parts::Ec(Curve::P384, point)) => {
                on_curve(&agreement::ECDH_P384, &point)?;
                public(&signature::ECDSA_P384_SHA384_FIXED, point)
            }
            (Algorithm::EdDsa, Parts::Ed25519(point)) if point.len() == 32 => public(&signature::ED25519, point),
            (Algorithm::Hs256, parts) => secret(hmac::HMAC_SHA256, parts),
            (Algorithm::Hs384, parts) => secret(hmac::HMAC_SHA384, parts),
            (Algorithm::Hs512, parts) => secret(hmac::HMAC_SHA512, parts),
            (Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa, _) => Err(KeyError::OtherType),
        };
        Ok(Self { algorithm, material: material?, digest: form.digest() })
    }

    /// Whether it was made of these.
    pub fn is_of(&self, algorithm: Algorithm, form: &KeyForm) -> bool {
        self.algorithm == algorithm && self.digest == form.digest()
    }

    /// Whether the key's owner has signed the message. The comparison of an HMAC takes constant time.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Rsa(parameters, key) => key.verify(parameters, message, signature).is_ok(),
            Material::Public(key) => key.verify(message, signature).is_ok(),
            Material::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

fn rsa(parameters: &'static RsaParameters, parts: Parts) -> Result<Material, KeyError> {
    let Parts::Rsa(modulus, exponent) = parts else { return Err(KeyError::OtherType) };
    let (n, e) = (without_zeros(modulus), without_zeros(exponent));
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    // ring takes no larger exponent, and none is in use: each bit of one costs time.
    let small = e.len() <= 4 && e != [1];
    if (LEAST_RSA..=MOST_RSA).contains(&bits) && is_odd(&n) && is_odd(&e) && small {
        Ok(Material::Rsa(parameters, PublicKeyComponents { n, e }))
    } else {
        Err(KeyError::RsaSize)
    }
}

fn without_zeros(mut number: Vec<u8>) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    number
}

fn public(algorithm: &'static dyn VerificationAlgorithm, point: Vec<u8>) -> Result<Material, KeyError> {
    Ok(Material::Public(UnparsedPublicKey::new(algorithm, point)))
}

/// ring looks at a point when it is used: a key that no signature can fit is better found now.
fn on_curve(curve: &'static agreement::Algorithm, point: &[u8]) -> Result<(), KeyError> {
    let ours = EphemeralPrivateKey::generate(curve, &SystemRandom::new()).map_err(|_| KeyError::Point)?;
    let theirs = agreement::UnparsedPublicKey::new(curve, point);
    agreement::agree_ephemeral(ours, &theirs, |_| ()).map_err(|_| KeyError::Point)
}

fn secret(algorithm: hmac::Algorithm, parts: Parts) -> Result<Material, KeyError> {
    let Parts::Secret(bytes) = parts else { return Err(KeyError::OtherType) };
    if bytes.len() < algorithm.digest_algorithm().output_len() {
        return Err(KeyError::ShortSecret);
    }
    Ok(Material::Secret(hmac::Key::new(algorithm, &bytes)))
}
