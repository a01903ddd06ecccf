//! The configuration as it is written, and how it becomes the plugin.

use crate::RateLimit;
use crate::caller::{By, Caller};
use crate::cost::{self, Cost};
use crate::fields::Fields;
use serde::Deserialize;
use tollgate_plugin_sdk::prelude::*;

/// Quotas of one request that the gateway can charge at once.
const MOST_QUOTAS: usize = 16;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    #[serde(default = "consumer")]
    by: By,
    #[serde(default = "a_site")]
    ipv6_prefix: u8,
    #[serde(default)]
    cost: cost::Form,
    #[serde(default = "yes")]
    headers: bool,

    // One quota, ..
    limit: Option<u64>,
    window: Option<Duration>,
    burst: Option<u64>,
    #[serde(default)]
    algorithm: Algorithm,
    // .. or several.
    quotas: Option<Vec<QuotaForm>>,
}

#[derive(Deserialize)]
struct QuotaForm {
    name: String,
    limit: u64,
    window: Duration,
    burst: Option<u64>,
    #[serde(default)]
    algorithm: Algorithm,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Algorithm {
    #[default]
    TokenBucket,
    SlidingWindow,
}

fn consumer() -> By {
    By::Consumer
}

/// What one household or office is usually given.
fn a_site() -> u8 {
    64
}

fn yes() -> bool {
    true
}

impl Config {
    pub fn check(self) -> Result<RateLimit, ConfigError> {
        let mut error = ConfigError::default();
        if !(1..=128).contains(&self.ipv6_prefix) {
            error.add("/ipv6-prefix", "expected 1 to 128 bits");
        }
        let (table, forms) = match (self.quotas, self.limit, self.window) {
            (Some(forms), None, None) if self.burst.is_none() && self.algorithm == Algorithm::default() => {
                ("/quotas", forms)
            }
            (Some(_), ..) => {
                return Err(ConfigError::at(
                    "/quotas",
                    "with `quotas`, `limit`, `window`, `burst` and `algorithm` belong into each of them",
                ));
            }
            (None, Some(limit), Some(window)) => {
                let (burst, algorithm) = (self.burst, self.algorithm);
                ("", vec![QuotaForm { name: "default".to_owned(), limit, window, burst, algorithm }])
            }
            _ => return Err(ConfigError::new("expected `limit` and `window`, or `quotas`")),
        };
        if !(1..=MOST_QUOTAS).contains(&forms.len()) {
            return Err(ConfigError::at("/quotas", format_args!("expected 1 to {MOST_QUOTAS} quotas")));
        }
        let before = error.problems().len();
        for (index, form) in forms.iter().enumerate() {
            let place = if table.is_empty() { String::new() } else { format!("{table}/{index}") };
            form.check(&place, &mut error);
            if forms[..index].iter().any(|other| other.name == form.name) {
                error.add(format_args!("{place}/name"), format_args!("there is a quota `{}` already", form.name));
            }
        }
        // A cost is judged by quotas that are right.
        let is_right = error.problems().len() == before;
        let room = forms.iter().map(QuotaForm::room).min().filter(|_| is_right).unwrap_or(u64::MAX);
        let cost = Cost::check(self.cost, room, &mut error);
        let described = forms.iter().map(|form| (&*form.name, form.limit, form.window));
        error.or(RateLimit {
            caller: Caller { by: self.by, ipv6_prefix: self.ipv6_prefix },
            cost,
            quotas: forms.iter().map(QuotaForm::quota).collect(),
            fields: Fields::new(described),
            headers: self.headers,
        })
    }
}

impl QuotaForm {
    fn check(&self, place: &str, error: &mut ConfigError) {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            error.add(format_args!("{place}/name"), "expected letters, digits, `-`, `_` and `.`");
        }
        if self.limit == 0 {
            error.add(format_args!("{place}/limit"), "expected at least 1: 0 would let nothing pass");
        }
        if self.window.is_zero() {
            error.add(format_args!("{place}/window"), "expected at least `1ms`");
        }
        match (self.burst, self.algorithm) {
            (Some(0), _) => error.add(format_args!("{place}/burst"), "expected at least 1: 0 would let nothing pass"),
            (Some(_), Algorithm::SlidingWindow) => {
                error.add(format_args!("{place}/burst"), "a sliding window has no burst; `token-bucket` has");
            }
            _ => {}
        }
    }

    /// Units that can pass at once.
    fn room(&self) -> u64 {
        self.burst.unwrap_or(self.limit)
    }

    fn quota(&self) -> Quota {
        let quota = Quota::new(self.limit, self.window);
        match self.algorithm {
            Algorithm::TokenBucket => quota.burst(self.room()),
            Algorithm::SlidingWindow => quota.sliding_window(),
        }
    }
}
