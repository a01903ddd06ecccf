//! Durations: `200ms`, `1.5s`.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{number_and_unit, pattern};
use crate::config::node::Node;
use crate::config::read::{Form, Reading, Wrong};

/// The longest duration: what a clock can certainly add to now.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A duration longer than nothing: `200ms`, `1.5s`.
impl Form for Duration {
    fn read(node: &Node, reading: &mut Reading<'_>) -> Option<Self> {
        reading.parse(node, "a string with a duration, such as \"30s\"", duration)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": pattern(r"\d+(\.\d+)?(us|ms|s|m|h|d)"), "examples": ["200ms", "30s", "5m"] })
    }
}

fn duration(text: &str) -> Result<Duration, Wrong> {
    let wrong = || Wrong::help("is not a duration", "a number and `us`, `ms`, `s`, `m`, `h` or `d`: `200ms`, `30s`");
    let (number, unit) = number_and_unit(text).ok_or_else(wrong)?;
    let unit = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(wrong()),
    };
    match Duration::try_from_secs_f64(number * unit) {
        Ok(duration) if duration.is_zero() => Err(Wrong::new("is too short: a duration is longer than nothing")),
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err(Wrong::new("is longer than a year")),
    }
}
