//! Sessions that stay where they began, by a cookie that the gateway sets.
//!
//! The cookie's value is a keyed digest of the endpoint's address: it tells nobody where that is, and it stays valid
//! when other endpoints come and go. Whoever has none, or one of an endpoint that is gone or out of service, takes a turn.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use http::HeaderValue;
use sha2::{Digest, Sha256};

use super::Caller;
use crate::wire::cookie;

/// What a config says of the cookie.
#[derive(Clone, Copy, Debug)]
pub struct StickyCookie<'a> {
    pub name: &'a str,
    /// `None`: until the browser ends.
    pub max_age: Option<Duration>,
    pub same_site: SameSite,
}

/// Whether other sites' pages may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    Lax,
    /// Browsers take it over TLS only.
    None,
}

/// The cookie of an upstream, and the value of each endpoint.
#[derive(Debug)]
pub struct Sticky {
    name: Box<str>,
    attributes: String,
    is_always_secure: bool,
    /// In the config's order.
    tokens: Box<[Box<str>]>,
    endpoints: HashMap<Box<str>, usize>,
}

impl Sticky {
    /// `key` is secret. Who has it, the upstream's name and the addresses makes the same values.
    pub fn new<'a>(
        cookie: StickyCookie<'_>,
        key: &[u8],
        upstream: &str,
        addresses: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut attributes = "; Path=/; HttpOnly; SameSite=".to_owned();
        attributes.push_str(match cookie.same_site {
            SameSite::Strict => "Strict",
            SameSite::Lax => "Lax",
            SameSite::None => "None",
        });
        if let Some(age) = cookie.max_age {
            let _ = write!(attributes, "; Max-Age={}", age.as_secs().max(1));
        }
        let tokens: Box<[Box<str>]> = addresses.map(|address| token(key, upstream, address)).collect();
        let endpoints = tokens.iter().cloned().zip(0..).collect();
        let is_always_secure = cookie.same_site == SameSite::None;
        Self { name: cookie.name.into(), attributes, is_always_secure, tokens, endpoints }
    }

    /// The endpoint that the caller's cookie names.
    pub(super) fn wanted(&self, caller: &Caller<'_>) -> Option<usize> {
        let value = cookie::value(caller.headers, &self.name)?;
        self.endpoints.get(std::str::from_utf8(value).ok()?).copied()
    }

    pub(super) fn cookie(&self, index: usize, caller: &Caller<'_>) -> Option<HeaderValue> {
        let token = &self.tokens[index];
        if cookie::value(caller.headers, &self.name) == Some(token.as_bytes()) {
            return None;
        }
        let secure = if caller.secure || self.is_always_secure { "; Secure" } else { "" };
        HeaderValue::try_from(format!("{}={token}{}{secure}", self.name, self.attributes)).ok()
    }
}

/// 128 bits in hexadecimal. Hashed twice under the key, so that no value can be made of another.
fn token(key: &[u8], upstream: &str, address: &str) -> Box<str> {
    let key = Sha256::digest(key);
    let inner =
        Sha256::new().chain_update(key).chain_update(upstream).chain_update([0]).chain_update(address).finalize();
    let outer = Sha256::new().chain_update(key).chain_update(inner).finalize();
    outer[..16]
        .iter()
        .fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
        .into()
}
