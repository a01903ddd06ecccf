//! `crypto`: whether a message is signed.

use wasmtime::{Error, Result};

use crate::crypto::{Algorithm, Key, KeyForm};
use crate::sandbox::bindings as wit;
use crate::sandbox::host::{Host, Stage};

/// Keys of one plugin.
const MOST_KEYS: usize = 64;
/// Bytes of a message: the slowest digest takes 3 ms for them.
const MOST_MESSAGE: usize = 1024 * 1024;

impl wit::crypto::Host for Host {
    fn key(&mut self, algorithm: wit::crypto::Algorithm, form: wit::crypto::KeyForm) -> Result<Result<u32, String>> {
        if self.stage != Stage::Configure {
            return Err(Error::msg("a key can be made only inside `configure`"));
        }
        let handle = self.keys;
        if handle >= MOST_KEYS {
            return Err(Error::msg(format!("makes more than {MOST_KEYS} keys")));
        }
        let (algorithm, form) = (Algorithm::from(algorithm), KeyForm::from(form));
        match &self.plugin.kept {
            // A handle has to mean the same in every instance.
            Some(kept) if !kept.keys.get(handle).is_some_and(|key| key.is_of(algorithm, &form)) => {
                return Err(Error::msg("another key was made in its place when the plugin was loaded"));
            }
            Some(_) => {}
            None => match Key::new(algorithm, &form) {
                Ok(key) => self.new_keys.push(key),
                Err(error) => return Ok(Err(error.to_string())),
            },
        }
        self.keys += 1;
        Ok(Ok(u32::try_from(handle).expect("there are not so many")))
    }

    fn verify(&mut self, key: u32, message: Vec<u8>, signature: Vec<u8>) -> Result<bool> {
        if self.stage == Stage::Configure {
            return Err(Error::msg("nothing can be verified inside `configure`"));
        }
        if message.len() > MOST_MESSAGE {
            let bytes = message.len();
            return Err(Error::msg(format!("a message of {bytes} bytes is longer than {MOST_MESSAGE}")));
        }
        let kept = self.plugin.kept.as_ref();
        let key =
            kept.and_then(|kept| kept.keys.get(key as usize)).ok_or_else(|| Error::msg("the handle is of no key"))?;
        Ok(key.verify(&message, &signature))
    }
}

impl From<wit::crypto::Algorithm> for Algorithm {
    fn from(algorithm: wit::crypto::Algorithm) -> Self {
        match algorithm {
            wit::crypto::Algorithm::Rs256 => Self::Rs256,
            wit::crypto::Algorithm::Rs384 => Self::Rs384,
            wit::crypto::Algorithm::Rs512 => Self::Rs512,
            wit::crypto::Algorithm::Ps256 => Self::Ps256,
            wit::crypto::Algorithm::Ps384 => Self::Ps384,
            wit::crypto::Algorithm::Ps512 => Self::Ps512,
            wit::crypto::Algorithm::Es256 => Self::Es256,
            wit::crypto::Algorithm::Es384 => Self::Es384,
            wit::crypto::Algorithm::Eddsa => Self::EdDsa,
            wit::crypto::Algorithm::Hs256 => Self::Hs256,
            wit::crypto::Algorithm::Hs384 => Self::Hs384,
            wit::crypto::Algorithm::Hs512 => Self::Hs512,
        }
    }
}

impl From<wit::crypto::KeyForm> for KeyForm {
    fn from(form: wit::crypto::KeyForm) -> Self {
        match form {
            wit::crypto::KeyForm::Pem(text) => Self::Pem(text),
            wit::crypto::KeyForm::Jwk(text) => Self::Jwk(text),
            wit::crypto::KeyForm::Secret(bytes) => Self::Secret(bytes),
        }
    }
}
