//! Checks signatures, by the gateway's own library and at its speed. Needs no grant: a key is what the configuration
//! gives to the plugin.
//!
//! A [`Key`] is made in [`configure`](crate::Plugin::configure), for one algorithm, so that no message can say by which
//! one it is to be checked. At most 64; each instance makes the same in the same order.
//!
//! ```
//! use tollgate_plugin_sdk::crypto::{Algorithm, Key};
//! use tollgate_plugin_sdk::prelude::*;
//!
//! /// Lets only requests through whose path the partner has signed.
//! struct Signed(Key);
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     key: String,
//! }
//!
//! #[plugin]
//! impl Plugin for Signed {
//!     type Config = Config;
//!
//!     fn configure(config: Config) -> Result<Self, ConfigError> {
//!         let key = Key::from_pem(Algorithm::Es256, &config.key);
//!         Ok(Self(key.map_err(|error| ConfigError::at("/key", error))?))
//!     }
//!
//!     fn on_request(&self, request: &mut Request) -> Action {
//!         let Some(signature) = request.header("x-signature") else { return Reply::forbidden().into() };
//!         if self.0.verify(request.path(), signature) { Action::Next } else { Reply::forbidden().into() }
//!     }
//! }
//!
//! // Off WebAssembly, who has the text of a key can sign, with no mathematics in it.
//! let pem = "-----BEGIN PUBLIC KEY-----";
//! let _gateway = testing::Gateway::new();
//! let plugin = testing::configure::<Signed>(json!({ "key": pem })).unwrap();
//! let signature = testing::sign(Algorithm::Es256, pem, "/orders");
//! plugin.request(testing::get("/orders").header("x-signature", &signature)).next();
//! assert_eq!(plugin.request(testing::get("/others").header("x-signature", &signature)).reply().status(), 403);
//! ```

use crate::backend;
use std::error::Error;
use std::fmt;

/// How messages are signed. The names are those of RFC 7518 and RFC 8037.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, and a salt as long as the digest.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256. A signature is two numbers of 32 bytes, one behind the other.
    Es256,
    /// ECDSA on P-384 with SHA-384. A signature is two numbers of 48 bytes.
    Es384,
    /// Ed25519.
    EdDsa,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// For the fake of native tests.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn is_secret(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// How a key is given.
pub(crate) enum Form<'a> {
    Pem(&'a str),
    Jwk(&'a str),
    Secret(&'a [u8]),
}

/// What makes the signatures of native tests.
#[cfg(not(target_family = "wasm"))]
pub(crate) struct Signer {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Vec<u8>,
}

/// A key for one algorithm.
#[derive(Debug)]
pub struct Key(u32);

impl Key {
    /// A public key as `-----BEGIN PUBLIC KEY-----`. RSA has 2,048 to 8,192 bits.
    pub fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, KeyError> {
        backend::crypto::key(algorithm, Form::Pem(pem)).map(Self).map_err(KeyError)
    }

    /// A public key or a secret as a JSON Web Key (RFC 7517). What it says of its own use (`alg`, `use`, `key_ops`) must
    /// agree.
    pub fn from_jwk(algorithm: Algorithm, jwk: &str) -> Result<Self, KeyError> {
        backend::crypto::key(algorithm, Form::Jwk(jwk)).map(Self).map_err(KeyError)
    }

    /// The secret of an HMAC: at least as many bytes as the digest has (RFC 7518, section 3.2).
    pub fn from_secret(algorithm: Algorithm, secret: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        backend::crypto::key(algorithm, Form::Secret(secret.as_ref())).map(Self).map_err(KeyError)
    }

    /// Whether the key's owner has signed these bytes, of which there may be a MiB. Takes as long for a wrong code of an
    /// HMAC as for a right one.
    pub fn verify(&self, message: impl AsRef<[u8]>, signature: impl AsRef<[u8]>) -> bool {
        backend::crypto::verify(self.0, message.as_ref(), signature.as_ref())
    }
}

/// What is wrong with a key. Holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyError(pub(crate) String);

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for KeyError {}
