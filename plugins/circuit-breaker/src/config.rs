//! The configuration as it is written, and how it becomes the plugin.

use crate::CircuitBreaker;
use crate::outcome::{ERRORS, Failures};
use crate::rules::{Ratio, Rules};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::fmt;
use std::ops::RangeInclusive;
use tollgate_plugin_sdk::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Config {
    failures: Option<u32>,
    ratio: Option<RatioForm>,
    #[serde(default = "half_a_minute")]
    recovery: Duration,
    #[serde(default = "one")]
    probes: u32,
    #[serde(default = "half_a_minute")]
    probe_ttl: Duration,
    #[serde(default = "one")]
    successes: u32,
    #[serde(default = "usual_statuses")]
    statuses: Vec<Statuses>,
    #[serde(default = "usual_errors")]
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct RatioForm {
    threshold: f64,
    window: Duration,
    #[serde(default = "twenty")]
    minimum: u32,
}

/// `503`, or `"500-599"`.
struct Statuses(RangeInclusive<u16>);

fn half_a_minute() -> Duration {
    Duration::from_secs(30)
}

fn one() -> u32 {
    1
}

fn twenty() -> u32 {
    20
}

fn usual_statuses() -> Vec<Statuses> {
    vec![Statuses(500..=500), Statuses(502..=504)]
}

/// All but `upstream-no-endpoint`, where nobody was asked.
fn usual_errors() -> Vec<String> {
    ERRORS[..5].iter().map(|&error| error.to_owned()).collect()
}

/// In a row, when the configuration names neither this nor a ratio.
const USUAL_FAILURES: u32 = 5;

impl Config {
    pub fn check(self) -> Result<CircuitBreaker, ConfigError> {
        let mut error = ConfigError::default();
        for (place, number) in
            [("/failures", self.failures), ("/probes", Some(self.probes)), ("/successes", Some(self.successes))]
        {
            if number == Some(0) {
                error.add(place, "expected at least 1");
            }
        }
        for (place, duration) in [("/recovery", self.recovery), ("/probe-ttl", self.probe_ttl)] {
            if duration.is_zero() {
                error.add(place, "expected at least `1ms`");
            }
        }
        for (index, name) in self.errors.iter().enumerate() {
            if !ERRORS.contains(&&**name) {
                let known = ERRORS.join("`, `");
                error.add(
                    format_args!("/errors/{index}"),
                    format_args!("unknown error `{name}`, expected one of `{known}`"),
                );
            }
        }
        if self.statuses.is_empty() && self.errors.is_empty() {
            error.add("/statuses", "without `statuses` and `errors` nothing is a failure");
        }
        let in_a_row = match (self.failures, &self.ratio) {
            (None, None) => Some(USUAL_FAILURES),
            (failures, _) => failures,
        };
        let ratio = self.ratio.map(|form| form.check(&mut error));
        error.or(CircuitBreaker {
            rules: Rules { in_a_row, ratio },
            failures: Failures {
                statuses: self.statuses.into_iter().map(|Statuses(range)| range).collect(),
                errors: self.errors,
            },
            recovery: self.recovery,
            probes: self.probes as usize,
            probe_ttl: self.probe_ttl,
            successes: self.successes,
        })
    }
}

impl RatioForm {
    fn check(self, error: &mut ConfigError) -> Ratio {
        let Self { threshold, window, minimum } = self;
        if !(threshold > 0.0 && threshold <= 1.0) {
            error.add("/ratio/threshold", "expected a part, above 0 and at most 1, such as 0.5");
        }
        // A counter has room for the responses of an hour.
        if window.is_zero() || *window > std::time::Duration::from_secs(3600) {
            error.add("/ratio/window", "expected `1ms` to `1h`");
        }
        if minimum == 0 {
            error.add("/ratio/minimum", "expected at least 1");
        }
        Ratio { threshold, window, minimum }
    }
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrRange;
        impl Visitor<'_> for NumberOrRange {
            type Value = Statuses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status from 200 to 599, such as 503, or a range such as `500-599`")
            }

            fn visit_u64<E: Error>(self, status: u64) -> Result<Statuses, E> {
                let found = u16::try_from(status).ok().and_then(|status| statuses(status, status));
                found.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(status), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Statuses, E> {
                let range = text.split_once('-');
                let range = range.and_then(|(from, to)| statuses(from.parse().ok()?, to.parse().ok()?));
                range.ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(NumberOrRange)
    }
}

fn statuses(from: u16, to: u16) -> Option<Statuses> {
    (200 <= from && from <= to && to <= 599).then_some(Statuses(from..=to))
}
