//! The configuration: its form, what is checked of it, what is made of it.

use crate::place::Place;
use crate::{GROUPS, NAME};
use serde::Deserialize;
use tollgate_plugin_sdk::prelude::*;

const DEFAULT_HEADER: &str = "x-api-key";

#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Config {
    /// Header that holds the key. `x-api-key` when no place is configured.
    header: Option<String>,
    /// What stands before the key in the header: `Bearer`, `ApiKey`.
    scheme: Option<String>,
    /// Query parameter that holds the key.
    query: Option<String>,
    /// Cookie that holds the key.
    cookie: Option<String>,
    /// Whether the key is taken out of the request before the upstream sees it.
    pub hide_credentials: bool,
    /// Lets only consumers of these groups pass.
    pub allow_groups: Option<Vec<String>>,
    /// What the keys are for, as a 401 names it.
    realm: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            header: None,
            scheme: None,
            query: None,
            cookie: None,
            hide_credentials: true,
            allow_groups: None,
            realm: "tollgate".to_owned(),
        }
    }
}

impl Config {
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut problems = ConfigError::default();
        if let Some(header) = &self.header {
            if !is_token(header) {
                problems.add("/header", format!("`{header}` is no name of a header, expected one such as `x-api-key`"));
            } else if [NAME, GROUPS].iter().any(|own| header.eq_ignore_ascii_case(own)) {
                problems.add("/header", format!("`{header}` is stripped from requests: only this plugin may say it"));
            }
        }
        if let Some(scheme) = &self.scheme {
            if self.header.is_none() {
                problems.add("/scheme", "a scheme stands in a header: add one, such as `header = \"authorization\"`");
            }
            if !is_token(scheme) {
                problems.add("/scheme", format!("`{scheme}` is no scheme, expected one word such as `Bearer`"));
            }
        }
        if self.query.as_ref().is_some_and(String::is_empty) {
            problems.add("/query", "a query parameter needs a name, such as `api_key`");
        }
        if let Some(cookie) = &self.cookie
            && !is_token(cookie)
        {
            problems.add("/cookie", format!("`{cookie}` is no name of a cookie, expected one such as `api_key`"));
        }
        if self.allow_groups.as_ref().is_some_and(Vec::is_empty) {
            problems.add("/allow-groups", "no caller could pass: name a group, or leave it out to let all pass");
        }
        if !self.realm.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            problems.add("/realm", "a realm stands in a header: expected printable ASCII");
        }
        problems.or(())
    }

    /// Where keys may stand, in the order in which they are looked for.
    pub fn places(&self) -> Vec<Place> {
        let nowhere = self.query.is_none() && self.cookie.is_none();
        let name = self.header.as_deref().or_else(|| nowhere.then_some(DEFAULT_HEADER));
        let header = name.map(str::to_ascii_lowercase);
        let header = header.map(|name| Place::Header { name, scheme: self.scheme.clone() });
        let query = self.query.clone().map(Place::Query);
        let cookie = self.cookie.clone().map(Place::Cookie);
        [header, query, cookie].into_iter().flatten().collect()
    }

    /// 401 with the challenge that RFC 9110, section 11.6.1 asks for.
    pub fn unauthorized(&self) -> Reply {
        let scheme = self.scheme.as_deref().unwrap_or("Key");
        let realm = self.realm.replace('\\', "\\\\").replace('"', "\\\"");
        let places: Vec<_> = self.places().iter().map(Place::to_string).collect();
        Reply::unauthorized()
            .detail(format!("Send one valid key in {}.", places.join(" or ")))
            .header("www-authenticate", format!("{scheme} realm=\"{realm}\""))
    }
}

/// Whether it is a token (RFC 9110, section 5.6.2), as names of headers, schemes and cookies are.
fn is_token(text: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(token)
}
