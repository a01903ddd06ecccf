//! Keys that are their own text, and signatures that hold what they sign.

use super::capability;
use crate::crypto::{Algorithm, Form, Signer};
use crate::testing::{sign_with_secret, world};

pub(crate) fn key(algorithm: Algorithm, form: Form<'_>) -> Result<u32, String> {
    world::with(|world| {
        assert!(world.configuring, "a key may be made only inside `configure`");
        assert!(world.keys.len() < 64, "a plugin makes at most 64 keys");
        let key = match form {
            Form::Pem(text) if algorithm.is_secret() || !text.starts_with("-----BEGIN PUBLIC KEY-----") => {
                return Err("this is no public key in PEM of the algorithm".to_owned());
            }
            Form::Jwk(text) if !text.trim_start().starts_with('{') => {
                return Err("this is no JSON Web Key".to_owned());
            }
            Form::Secret(_) if !algorithm.is_secret() => return Err("the algorithm takes no secret".to_owned()),
            Form::Secret(bytes) if bytes.len() < digest(algorithm) => return Err("the secret is too short".to_owned()),
            Form::Pem(text) | Form::Jwk(text) => text.as_bytes().to_vec(),
            Form::Secret(bytes) => bytes.to_vec(),
        };
        world.keys.push(Signer { algorithm, key });
        Ok(u32::try_from(world.keys.len() - 1).expect("a few"))
    })
}

pub(crate) fn verify(key: u32, message: &[u8], signature: &[u8]) -> bool {
    capability("crypto", |world| {
        assert!(message.len() <= 1024 * 1024, "a message has at most 1 MiB");
        let Signer { algorithm, key } = &world.keys[key as usize];
        sign_with_secret(*algorithm, key, message) == signature
    })
}

/// Bytes of what an HMAC makes.
fn digest(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Hs384 => 48,
        Algorithm::Hs512 => 64,
        _ => 32,
    }
}
