//! Durations as people write them in a configuration.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt::{self, Display};
use std::ops::Deref;
use std::str::FromStr;

/// A duration that a configuration writes as `"200ms"`, `"30s"`, `"1m"`, `"1h"` or `"1d"`.
///
/// It derefs to [`std::time::Duration`] and goes wherever the SDK takes one.
///
/// ```
/// # use tollgate_plugin_sdk::config::Duration;
/// let window: Duration = "1m".parse()?;
/// assert_eq!(window.as_secs(), 60);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// A duration of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// A duration of whole milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(std::time::Duration::from_millis(milliseconds))
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.find(|digit: char| !digit.is_ascii_digit());
        let (number, unit) = digits.and_then(|digits| text.split_at_checked(digits)).unwrap_or((text, ""));
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(expected(text)),
        };
        let number: u64 = number.parse().map_err(|_| expected(text))?;
        number.checked_mul(milliseconds).map(Self::from_millis).ok_or_else(|| expected(text))
    }
}

fn expected(text: &str) -> String {
    format!("`{text}` is no duration, expected one such as `200ms`, `30s`, `1m` or `1h`")
}

impl Display for Duration {
    /// In the largest unit that it is a whole number of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
        let whole = |(unit, _): &(u64, &str)| milliseconds > 0 && milliseconds.is_multiple_of(*unit);
        let (unit, name) = units.into_iter().find(whole).unwrap_or((1, "ms"));
        write!(f, "{}{name}", milliseconds / unit)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `200ms`, `30s`, `1m` or `1h`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl Deref for Duration {
    type Target = std::time::Duration;

    fn deref(&self) -> &std::time::Duration {
        &self.0
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration)
    }
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<Duration> for Option<std::time::Duration> {
    fn from(duration: Duration) -> Self {
        Some(duration.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_as_it_is_shown() {
        for text in ["0ms", "200ms", "30s", "90s", "2m", "1h", "7d"] {
            assert_eq!(text.parse().map(|duration: Duration| duration.to_string()), Ok(text.into()));
        }
        assert_eq!("120s".parse().map(|duration: Duration| duration.to_string()), Ok("2m".into()));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "s", "30", "30 s", "-1s", "1.5s", "1h30m", "1w", "99999999999999999999d"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
