//! JSON Web Keys (RFC 7517, RFC 7518 section 6, RFC 8037): only what verifies.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Curve, KeyError, Parts, base64url};

/// serde refuses a member that comes twice; others are not looked at (RFC 7517, section 4).
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    alg: Option<&'a str>,
    r#use: Option<&'a str>,
    key_ops: Option<Vec<String>>,
    crv: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    x: Option<&'a str>,
    y: Option<&'a str>,
    k: Option<&'a str>,
    /// What only a private key has.
    d: Option<IgnoredAny>,
}

pub(super) fn parts(text: &str, algorithm: &str) -> Result<Parts, KeyError> {
    let jwk: Jwk<'_> = serde_json::from_str(text).map_err(|_| KeyError::Jwk)?;
    if jwk.d.is_some() {
        return Err(KeyError::Private);
    }
    let other_operations = |operations: &Vec<String>| operations.iter().all(|operation| operation != "verify");
    if jwk.alg.is_some_and(|alg| alg != algorithm)
        || jwk.r#use.is_some_and(|intended| intended != "sig")
        || jwk.key_ops.as_ref().is_some_and(other_operations)
    {
        return Err(KeyError::OtherUse);
    }
    match jwk.kty {
        "RSA" => Ok(Parts::Rsa(number(jwk.n)?, number(jwk.e)?)),
        "EC" => {
            let (curve, size) = match jwk.crv {
                Some("P-256") => (Curve::P256, 32),
                Some("P-384") => (Curve::P384, 48),
                Some(_) => return Err(KeyError::OtherType),
                None => return Err(KeyError::Jwk),
            };
            let (x, y) = (number(jwk.x)?, number(jwk.y)?);
            // RFC 7518, section 6.2.1.2: with their leading zeros.
            if x.len() != size || y.len() != size {
                return Err(KeyError::Point);
            }
            Ok(Parts::Ec(curve, [&[4], x.as_slice(), &y].concat()))
        }
        "OKP" => match jwk.crv {
            Some("Ed25519") => Ok(Parts::Ed25519(number(jwk.x)?)),
            Some(_) => Err(KeyError::OtherType),
            None => Err(KeyError::Jwk),
        },
        "oct" => Ok(Parts::Secret(number(jwk.k)?)),
        _ => Err(KeyError::OtherType),
    }
}

fn number(member: Option<&str>) -> Result<Vec<u8>, KeyError> {
    member.and_then(base64url::decode).ok_or(KeyError::Jwk)
}
