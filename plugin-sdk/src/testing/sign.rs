//! Signatures of native tests: bytes that name the key and hold the message, so that they fit nothing else.

use crate::crypto::Algorithm;
use std::fmt::Write;

/// What a key made of this PEM or JWK takes for a signature of the message, off WebAssembly. It is text, and may stand in
/// a header. The text of a key need not be one.
pub fn sign(algorithm: Algorithm, key: &str, message: impl AsRef<[u8]>) -> Vec<u8> {
    sign_with_secret(algorithm, key, message)
}

/// As [`sign`], of a key that is made of a secret.
pub fn sign_with_secret(algorithm: Algorithm, secret: impl AsRef<[u8]>, message: impl AsRef<[u8]>) -> Vec<u8> {
    let mut signature = format!("{algorithm:?}");
    for bytes in [secret.as_ref(), message.as_ref()] {
        signature.push('.');
        for byte in bytes {
            write!(signature, "{byte:02x}").expect("a String takes every write");
        }
    }
    signature.into_bytes()
}
